/** Acceptance scenarios over the whole workflow: the deployed ASL, the real handlers, table and Slack client. */
import { readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parsePolicy } from '../../core/policy/policy.ts';
import { setKillSwitch } from '../../core/table/breaker.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { denies, openView } from '../../sandbox/slack-scripts.ts';
import { type CredentialWorld, credentialFinding, credentialWorld, THIEF_IP } from '../../sandbox/worlds.ts';
import { ACTIONS } from '../../slack/actions.ts';
import { policyWithoutFollowUps } from '../policy-text.ts';
import { switchOnMeanwhile, until } from './people.ts';

/** The shipped policy; follow-ups have tests of their own and would only add a second incident here. */
const withoutFollowUps = async () => parsePolicy(await policyWithoutFollowUps());

let sandbox: Sandbox;
let world: CredentialWorld;
let approvalSeconds: number | undefined;

beforeEach(async () => {
  approvalSeconds = undefined;
  sandbox = await startSandbox({
    policy: await withoutFollowUps(),
    approvalTimeoutSeconds: () => approvalSeconds,
  });
  world = credentialWorld(sandbox.twin, 40);
});
afterEach(() => sandbox.close());

const finding = (parts: Partial<Parameters<typeof credentialFinding>[2]> = {}) =>
  credentialFinding(sandbox.twin, world.stolen, { seed: 'one', ...parts });
const only = async () => {
  const incidents = await sandbox.incidents();
  expect(incidents).toHaveLength(1);
  const [incident] = incidents;
  if (!incident) throw new Error('no incident');
  return incident;
};
const timeline = async () =>
  (await sandbox.runtime.incidents.timeline((await only()).id)).map(({ event }) => event);
const refused = () =>
  sandbox.twin.request(world.stolen, { action: 's3:GetObject', resource: '*', sourceIp: THIEF_IP })
    .decision === 'explicitDeny';
const writes = () => sandbox.twin.calls.filter(({ service, change }) => service === 'IAM' && change).length;

/** The card that asks, once the workflow has stored which message it is. */
const asking = () =>
  until(async () => {
    const [incident] = await sandbox.incidents();
    const message = sandbox.slack.messages.find(({ ts }) => ts === incident?.slack?.ts);
    const buttons =
      message?.blocks.flatMap((block) => (block.type === 'actions' ? block.elements : [])) ?? [];
    const approve = buttons.find(({ action_id }) => action_id === ACTIONS.approve);
    return message && approve ? { ts: message.ts, value: approve.value } : undefined;
  });

describe('credential exfiltration', () => {
  it('contains one session of forty, the siblings go on, and undo restores field for field', async () => {
    const before = structuredClone({ roles: sandbox.twin.state.roles, regions: sandbox.twin.state.regions });
    const execution = await sandbox.deliver(finding());
    expect(await execution.ended).toMatchObject({ status: 'SUCCEEDED', output: { status: 'contained' } });
    expect(refused()).toBe(true);
    for (const sibling of world.siblings) {
      expect(sandbox.twin.request(sibling, { action: 's3:GetObject', resource: '*' }).decision).toBe(
        'allowed',
      );
    }
    expect(JSON.stringify(sandbox.twin.state.roles)).not.toContain('TokenIssueTime');

    // 5: too early for one person; the second one learns when it would be safe.
    const incident = await only();
    const undo = await sandbox.undo(incident.id, 'U0ALICE');
    const card = await asking();
    expect(JSON.stringify(sandbox.slack.messages)).toContain(
      "removing the deny earlier restores the attacker's access",
    );
    await sandbox.slack.click({ ...card, actionId: ACTIONS.approve, userId: 'U0ALICE' });
    await sandbox.idle();
    expect(sandbox.slack.ephemerals.at(-1)).toMatchObject({
      user: 'U0ALICE',
      text: expect.stringContaining('a second person must'),
    });
    expect(refused()).toBe(true);
    await sandbox.slack.click({ ...card, actionId: ACTIONS.approve, userId: 'U0BOB' });
    await undo.ended;
    expect((await only()).status).toBe('undone');
    // Anyone who is still on the instance has it again: said where it is asked and where it is done.
    const opened = /restores the sessions that i-\w+ was issued since the deny/;
    expect(JSON.stringify(sandbox.slack.messages)).toMatch(opened);
    expect((await timeline()).filter((event) => opened.test(event))).toEqual([
      expect.stringMatching(/^undo requested by U0ALICE.*; warning: /),
      expect.stringMatching(/^undo: remaining risk: /),
    ]);
    expect({ roles: sandbox.twin.state.roles, regions: sandbox.twin.state.regions }).toEqual(before);
  });

  it('five deliveries, an update and a stale one make one response and one message', async () => {
    const at = new Date('2026-11-24T07:40:00Z');
    const executions = await Promise.all(
      Array.from({ length: 5 }, () => sandbox.deliver(finding({ updatedAt: at }))),
    );
    await Promise.all(executions.map(({ ended }) => ended));
    expect(writes()).toBe(1);
    expect(sandbox.slack.messages).toHaveLength(1);
    const later = new Date('2026-11-24T07:55:00Z');
    await (await sandbox.deliver(finding({ updatedAt: later, count: 9, severity: 9 }))).ended;
    expect(await only()).toMatchObject({ status: 'contained', count: 9, activeAfterContainment: true });
    expect(sandbox.slack.messages).toHaveLength(1);
    expect(sandbox.twin.state.pages.map(({ subject }) => subject).join()).toContain('severity rose');
    const version = (await only()).version;
    await (await sandbox.deliver(finding({ updatedAt: at, count: 2 }))).ended;
    expect((await only()).version).toBe(version);
    expect(writes()).toBe(1);
  });

  it('shows a sample everywhere and changes nothing', async () => {
    await (await sandbox.deliver(finding({ sample: true }))).ended;
    expect((await only()).status).toBe('notified');
    expect(writes()).toBe(0);
    expect(sandbox.slack.messages[0]?.text).toContain('SAMPLE');
  });

  it('takes a finding too large for an execution by reference', async () => {
    const large = finding() as { detail: object };
    const event = { ...large, detail: { ...large.detail, description: 'x'.repeat(300_000) } };
    expect(await (await sandbox.deliver(event)).ended).toMatchObject({ output: { status: 'contained' } });
    expect(refused()).toBe(true);
  });

  it('pages a person when an event cannot be read', async () => {
    const end = await (await sandbox.deliver({ detail: { id: 'x', type: 'nonsense' } })).ended;
    expect(end.status).toBe('FAILED');
    expect(sandbox.twin.state.pages[0]?.message).toContain('FindingInvalid');
  });

  it('goes on after the handler is killed right after the containing call', async () => {
    sandbox.twin.killAfter(1);
    expect(await (await sandbox.deliver(finding())).ended).toMatchObject({ output: { status: 'contained' } });
    expect(writes()).toBe(1);
  });

  it('says escalated and pages when its own role may not act', async () => {
    sandbox.twin.failNext('PutRolePolicy', 'AccessDenied', 20);
    await (await sandbox.deliver(finding())).ended;
    expect(await only()).toMatchObject({ status: 'failed' });
    expect(sandbox.twin.calls.filter(({ operation }) => operation === 'PutRolePolicy')).toHaveLength(1);
    expect(sandbox.twin.state.pages.length).toBeGreaterThan(0);
  });

  it('retries throttling to success', async () => {
    sandbox.twin.failNext('PutRolePolicy', 'Throttling', 5);
    expect(await (await sandbox.deliver(finding())).ended).toMatchObject({ output: { status: 'contained' } });
  });

  it('asks while the kill switch is on', async () => {
    await setKillSwitch(sandbox.runtime.table, true, 'U0ALICE', new Date());
    approvalSeconds = 1;
    await (await sandbox.deliver(finding())).ended;
    expect((await only()).status).toBe('expired');
    expect(writes()).toBe(0);
  });

  /** Sets the kill switch in the moment after Classify has decided. */
  const switchOnAtDecision = () => {
    const { incidents } = sandbox.runtime;
    const replace = incidents.replace.bind(incidents);
    vi.spyOn(incidents, 'replace').mockImplementation(async (read, at, change) => {
      const written = await replace(read, at, change);
      if (change.decision?.kind === 'auto') await switchOnMeanwhile(sandbox, new Date());
      return written;
    });
  };

  /** Sets it when the incident is read for the first time after a change in AWS. */
  const switchOnOnceChanged = () => {
    const { incidents } = sandbox.runtime;
    const get = incidents.get.bind(incidents);
    let set: Promise<void> | undefined;
    vi.spyOn(incidents, 'get').mockImplementation(async (id) => {
      if (writes() > 0) set ??= switchOnMeanwhile(sandbox, new Date());
      await set;
      return get(id);
    });
  };

  it('contains nothing automatically once the kill switch is set, also after the decision', async () => {
    switchOnAtDecision();
    await (await sandbox.deliver(finding())).ended;
    expect(writes()).toBe(0);
    expect((await only()).status).toBe('escalated');
    expect(await timeline()).toContain('not contained: the kill switch is on: nothing is automatic');
    expect(sandbox.twin.state.pages.map(({ message }) => message).join()).toContain('the kill switch is on');
  });

  it('finishes what the kill switch found half done, and says so', async () => {
    sandbox.twin.killAfter(1);
    switchOnOnceChanged();
    expect(await (await sandbox.deliver(finding())).ended).toMatchObject({ output: { status: 'contained' } });
    expect(writes()).toBe(1);
    expect((await timeline()).join('\n')).toContain('was half done, so Firebreak finishes it');
  });

  it('contains what a person approved after the kill switch was set', async () => {
    await setKillSwitch(sandbox.runtime.table, true, 'U0ALICE', new Date());
    const execution = await sandbox.deliver(finding());
    const card = await asking();
    await sandbox.slack.click({ ...card, actionId: ACTIONS.approve, userId: 'U0BOB' });
    expect(await execution.ended).toMatchObject({ output: { status: 'contained' } });
  });

  it('tells Security Hub the outcome where policy says so', async () => {
    await sandbox.close();
    const text = await readFile('policy.yml', 'utf8');
    sandbox = await startSandbox({
      policy: parsePolicy(text.replace('tellSecurityHub: false', 'tellSecurityHub: true')),
    });
    world = credentialWorld(sandbox.twin, 2);
    const event = finding();
    await (await sandbox.deliver(event)).ended;
    expect(sandbox.twin.state.securityHub).toMatchObject([
      { finding: expect.stringContaining(':guardduty:'), status: 'RESOLVED' },
    ]);
  });

  it('goes on without Slack: the page has the text', async () => {
    sandbox.slack.down = true;
    expect(await (await sandbox.deliver(finding())).ended).toMatchObject({ output: { status: 'contained' } });
    expect(sandbox.twin.state.pages.map(({ subject }) => subject).join()).toContain('Slack is down');
  });
});

describe('approval', () => {
  const medium = () => finding({ severity: 5 });

  it('contains after Approve, and shows who decided', async () => {
    const execution = await sandbox.deliver(medium());
    const card = await asking();
    expect(writes()).toBe(0);
    await sandbox.slack.click({ ...card, actionId: ACTIONS.approve, userId: 'U0BOB' });
    expect(await execution.ended).toMatchObject({ output: { status: 'contained' } });
    expect(JSON.stringify(sandbox.slack.messages)).toContain('<@U0BOB>');
  });

  it('changes nothing after Deny', async () => {
    const execution = await sandbox.deliver(medium());
    const card = await asking();
    await denies(sandbox.slack, { ...card, userId: 'U0BOB' }, 'our own scanner');
    await execution.ended;
    expect(await only()).toMatchObject({ status: 'declined', approval: { reason: 'our own scanner' } });
    expect(writes()).toBe(0);
  });

  it('one decision wins when two people click at once, and again', async () => {
    const execution = await sandbox.deliver(medium());
    const card = await asking();
    // Her dialog is open already: what races is the decision itself.
    await sandbox.slack.click({ ...card, actionId: ACTIONS.deny, userId: 'U0ALICE' });
    const { id: viewId } = openView(sandbox.slack, 'U0ALICE', 'deny');
    await Promise.all([
      sandbox.slack.click({ ...card, actionId: ACTIONS.approve, userId: 'U0BOB' }),
      sandbox.slack.submit({ viewId, userId: 'U0ALICE', filled: { reason: 'no' } }),
      sandbox.slack.click({ ...card, actionId: ACTIONS.approve, userId: 'U0BOB' }),
    ]);
    await execution.ended;
    const decided = (await timeline()).filter((event) => /^(approved|denied) by/.test(event));
    expect(decided).toHaveLength(1);
    expect(sandbox.machines.delivered).toHaveLength(1);
    const incident = await only();
    expect(refused()).toBe(incident.approval?.outcome === 'approved');
  });

  it('a click at the instant of expiry and the clock agree on one outcome', async () => {
    approvalSeconds = 1;
    const execution = await sandbox.deliver(medium());
    const card = await asking();
    await sandbox.slack.click({ ...card, actionId: ACTIONS.deny, userId: 'U0BOB' });
    const { id } = openView(sandbox.slack, 'U0BOB', 'deny');
    await new Promise((resolve) => setTimeout(resolve, 960));
    await sandbox.slack.submit({ viewId: id, userId: 'U0BOB', filled: { reason: 'no' } });
    await execution.ended;
    const { approval, status } = await only();
    // Denied: declined. Expired: this rule says contain.
    expect(
      approval?.outcome === 'denied'
        ? status === 'declined' && !refused()
        : status === 'contained' && refused(),
    ).toBe(true);
  });

  it('forged, replayed and foreign clicks decide nothing and are audited', async () => {
    approvalSeconds = 3;
    const execution = await sandbox.deliver(medium());
    const card = await asking();
    const click = { ...card, actionId: ACTIONS.approve, userId: 'U0BOB' };
    const attacks = [
      { ...click, forge: { secret: 'another secret' } },
      { ...click, forge: { ageSeconds: 360 } },
      { ...click, forge: { reserialise: true } },
      { ...click, forge: { teamId: 'T0OTHER' } },
      { ...click, forge: { appId: 'A0OTHER' } },
      { ...click, forge: { messageTs: '1.000001' } },
      { ...click, forge: { channel: 'C0OTHER' } },
      { ...click, userId: 'U0MALLORY' },
      { ...click, value: 'f'.repeat(32) },
      { ...click, value: '../../INCIDENT' },
    ];
    for (const attack of attacks) {
      await sandbox.slack.click(attack);
    }
    expect(sandbox.machines.delivered).toHaveLength(0);
    expect(writes()).toBe(0);
    expect((await timeline()).filter((event) => event.startsWith('refused'))).toHaveLength(3);
    await denies(sandbox.slack, { ...card, userId: 'U0BOB' }, 'no');
    await execution.ended;
  });

  it('never shows a task token or a secret', async () => {
    const execution = await sandbox.deliver(medium());
    const card = await asking();
    const item = await sandbox.runtime.table.get({ pk: `DECISION#${card.value}`, sk: 'META' });
    const token = String(item?.['taskToken']);
    const secrets = [token, ...Object.values(sandbox.twin.state.parameters)];
    await sandbox.slack.click({ ...card, actionId: ACTIONS.approve, userId: 'U0BOB' });
    await execution.ended;
    const incident = await only();
    const seen = JSON.stringify([
      sandbox.slack.messages,
      sandbox.twin.state.pages,
      sandbox.twin.state.events,
      incident,
      await sandbox.runtime.incidents.timeline(incident.id),
    ]);
    for (const secret of secrets) expect(seen).not.toContain(secret);
  });
});
