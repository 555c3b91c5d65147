import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type HttpEndpoint, startHttpEndpoint } from '../sandbox/http-endpoint.ts';
import { type SlackTwin, startSlackTwin } from '../sandbox/slack-twin.ts';
import { type CheckResult, type SlackSettings, slackChecks } from './check.ts';
import { BOT_SCOPES } from './methods.ts';
import { verifySignature } from './request.ts';

const SECRET = 'signing-secret-of-the-test';
let twin: SlackTwin;
let endpoint: HttpEndpoint;
/** What the function holds; the stack may hold another one than the person who checks. */
let deployedSecret: string;
let answer: number;
beforeEach(async () => {
  deployedSecret = SECRET;
  answer = 400;
  endpoint = await startHttpEndpoint(async (event) => {
    const { headers, body } = event as { headers: Record<string, string>; body: string };
    const rawBody = Buffer.from(body, 'base64').toString();
    const signed = verifySignature({ rawBody, headers, signingSecret: deployedSecret, now: new Date() });
    return { statusCode: signed.ok ? answer : 401 };
  });
  twin = await startSlackTwin({
    ...{ botToken: 'xoxb-test', signingSecret: SECRET, teamId: 'T0', appId: 'A0APP', channel: 'C0' },
    groups: { S0SECURITY: ['U0ALICE'], S0EMPTY: [] },
    now: () => new Date(),
    deliver: async () => ({ statusCode: 200, body: '' }),
  });
});
afterEach(async () => {
  await twin.close();
  await endpoint.close();
});

async function check(more: Partial<SlackSettings> = {}): Promise<readonly CheckResult[]> {
  const settings: SlackSettings = {
    ...{ botToken: 'xoxb-test', signingSecret: SECRET, teamId: 'T0', appId: 'A0APP', channels: ['C0'] },
    people: ['U1PERSON', 'S0SECURITY'],
    endpoint: endpoint.url,
    slackApiUrl: twin.url,
    ...more,
  };
  const results: CheckResult[] = [];
  for await (const result of slackChecks(settings)) results.push(result);
  return results;
}
const wrong = (results: readonly CheckResult[]) =>
  results.filter(({ status }) => status === 'wrong').map(({ check: name, saw }) => `${name}: ${saw}`);

describe('slack check', () => {
  it('finds nothing to fix where all is set up', async () => {
    const results = await check();
    expect(results.map(({ status }) => status)).toEqual(results.map(() => 'ok'));
    expect(new Set(results.map((each) => each.check)).size).toBe(8);
  });

  it('says what to fix for each part', async () => {
    for (const [more, said] of [
      [{ botToken: 'xoxp-other' }, 'token: Slack says invalid_auth (a bot token begins with xoxb-)'],
      [{ teamId: 'T9' }, 'workspace: the token is of Firebreak sandbox (T0), the stack takes clicks of T9'],
      [{ appId: 'A9' }, 'app: the token is of app A0APP, the stack takes clicks of A9'],
      [{ channels: ['C0', 'C9'] }, 'channel: C9: channel_not_found'],
      [{ people: ['S0EMPTY'] }, 'approvers: group S0EMPTY is empty'],
      [{ people: ['S0GONE'] }, 'approvers: group S0GONE: no_such_subteam'],
      [{ people: [] }, 'approvers: policy.yml names no one'],
    ] as const) {
      const results = await check(more);
      expect(wrong(results)).toEqual([said]);
      for (const { status, fix } of results) if (status === 'wrong') expect(fix).toMatch(/\S.*\.$|invite/);
    }
  });

  it('names the scopes that are missing, and does not blame the channel for them', async () => {
    twin.world.scopes = ['chat:write', 'commands'];
    const results = await check();
    expect(wrong(results)).toEqual([
      'scopes: missing: channels:read, files:write, groups:read, usergroups:read',
    ]);
    expect(results.filter(({ status }) => status === 'skipped').map((each) => each.check)).toEqual([
      'channel',
      'approvers',
    ]);
  });

  it('warns of an app of an earlier release, whose cards have no picture, and says what to add', async () => {
    twin.world.scopes = BOT_SCOPES.filter((scope) => scope !== 'files:write');
    const results = await check();
    expect(wrong(results)).toEqual([]);
    const [warned, ...others] = results.filter(({ status }) => status !== 'ok');
    expect(others).toEqual([]);
    expect(warned).toMatchObject({ check: 'scopes', status: 'warn' });
    expect(warned?.saw).toBe('missing: files:write; cards show no picture of the attack');
    expect(warned?.fix).toMatch(/npx firebreak slack manifest.*reinstall the app\.$/);
  });

  it('notices that the bot was not invited', async () => {
    const [channel] = twin.channels;
    if (channel) channel.is_member = false;
    const [result] = (await check()).filter((each) => each.check === 'channel');
    expect(result).toMatchObject({ status: 'wrong', fix: 'In #incidents (C0) say: /invite @firebreak' });
  });

  it('notices people of the sandbox in a real workspace', async () => {
    expect(wrong(await check({ people: ['U0ALICE', 'S0SECURITY'] }))).toEqual([
      'approvers: U0ALICE live in the sandbox',
    ]);
    expect(wrong(await check({ people: ['U0ALICE'], sandbox: true }))).toEqual([]);
  });

  it('tells a signing secret that is not the deployed one from an endpoint that checks nothing', async () => {
    deployedSecret = 'another';
    expect(wrong(await check())).toEqual([
      'signature: /slack/interactivity refuses what the signing secret signs',
      'signature: /slack/command refuses what the signing secret signs',
    ]);
    const open = await startHttpEndpoint(async () => ({ statusCode: 200 }));
    expect(wrong(await check({ endpoint: open.url }))[0]).toContain('takes a wrongly signed request');
    await open.close();
  });

  it('tells an address that is not there, not the one, or failing', async () => {
    answer = 500;
    expect(wrong(await check())[0]).toMatch(/endpoint: .*interactivity: HTTP 500/);
    answer = 404;
    expect(wrong(await check())[0]).toMatch(/HTTP 404/);
    const gone = await startHttpEndpoint(async () => ({ statusCode: 200 }));
    await gone.close();
    expect(wrong(await check({ endpoint: gone.url }))[0]).toMatch(/ECONNREFUSED/);
  });

  it('says that nothing was tried before there is a deployment', async () => {
    const results = await check({ endpoint: undefined });
    expect(wrong(results)).toEqual([]);
    expect(results.filter(({ status }) => status === 'skipped').map((each) => each.check)).toEqual([
      'endpoint',
      'signature',
    ]);
  });

  it('never shows a secret', async () => {
    twin.faults.push({ status: 500, times: 9 });
    const output = JSON.stringify([await check(), await check({ botToken: 'xoxb-secret-of-someone' })]);
    for (const secret of ['xoxb-', SECRET])
      expect(output.replace('begins with xoxb-', '')).not.toContain(secret);
  });
});
