/** Time and trouble: reminder, escalation, Slack down or throttled, the pager, and a workflow that is gone. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { addressFinding, addressWorld } from '../../sandbox/worlds.ts';
import { ACTIONS } from '../../slack/actions.ts';
import { type ApprovalStage, approvalStage, askingOf } from './approvals.ts';
import { idle, until } from './people.ts';

let stage: ApprovalStage;
afterEach(() => stage.sandbox.close());

const SECOND_TIER = (text: string) =>
  text.replace(
    '  onExpiry: escalate # page',
    '  escalateTo: { channel: C0SECOND, mention: [S0LEADS] }\n  onExpiry: escalate # page',
  );
const pages = () => stage.sandbox.twin.state.pages.map(({ subject }) => subject);
const card = () => JSON.stringify(stage.sandbox.slack.messages[0]?.blocks);
const said = (channel?: string) =>
  stage.sandbox.slack.messages
    .filter((message) => channel === undefined || message.channel === channel)
    .map(({ text }) => text)
    .join('\n');

it('reminds at half time in the thread, escalates at three quarters, and each once', async () => {
  stage = await approvalStage(SECOND_TIER);
  stage.sandbox.slack.channels.push({
    id: 'C0SECOND',
    name: 'second-tier',
    is_private: false,
    is_member: true,
  });
  const asking = await stage.find();
  await stage.sandbox.sweep();
  expect(stage.sandbox.slack.messages).toHaveLength(1);
  stage.wait(15.1);
  await stage.sandbox.sweep();
  await stage.sandbox.sweep();
  const [, reminder, ...more] = stage.sandbox.slack.messages;
  expect(more).toEqual([]);
  expect(card()).toContain('🔔 reminded');
  expect(reminder).toMatchObject({ thread_ts: asking.card.ts, text: expect.stringContaining('<@U0BOB>') });
  expect(pages()).toEqual([]);
  stage.wait(8);
  await Promise.all([stage.sandbox.sweep(), stage.sandbox.sweep()]);
  expect(said('C0SECOND').match(/subteam\^S0LEADS/g)).toHaveLength(1);
  expect(pages().filter((subject) => subject.includes('escalated'))).toHaveLength(1);
  expect(card()).toContain('📣 *escalated*');
  await stage.approve(asking, 'U0BOB');
  await idle(stage.sandbox);
  stage.wait(60);
  expect(await stage.sandbox.sweep()).toMatchObject({ due: 0 });
});

it('calls the second tier at half time when it is high', async () => {
  stage = await approvalStage();
  await stage.find({ severity: 8 });
  stage.wait(15.1);
  await stage.sandbox.sweep();
  expect((await stage.incident()).approval).toMatchObject({
    remindedAt: expect.any(String),
    escalatedAt: expect.any(String),
  });
  expect(pages().join()).toContain('escalated');
});

it('ends an approval that its workflow did not end, as policy says: nothing waits for ever', async () => {
  stage = await approvalStage();
  const asking = await stage.find();
  stage.wait(31);
  await stage.sandbox.sweep();
  // The workflow's own timeout comes first; it is given time.
  expect((await stage.incident()).approval?.outcome).toBeUndefined();
  stage.wait(5);
  await stage.sandbox.sweep();
  await idle(stage.sandbox);
  expect(await stage.incident()).toMatchObject({ status: 'contained', approval: { outcome: 'expired' } });
  await stage.approve(asking, 'U0BOB');
  expect(stage.shownTo('U0BOB')).toContain('already expired');
});

it.each([
  ['down', { status: 503 }],
  ['refusing a revoked token', { error: 'token_revoked' }],
])(
  'Slack is %s: the page has it, the clock runs, and the card appears once Slack is back',
  async (_how, fault) => {
    stage = await approvalStage();
    const { sandbox } = stage;
    sandbox.slack.faults.push(fault);
    const finding = stage.find();
    await until(() => (pages().some((subject) => subject.includes('Slack is down')) ? true : undefined));
    const incident = await stage.incident();
    expect(incident).toMatchObject({ status: 'awaiting-approval', cardOwedSince: expect.any(String) });
    expect(sandbox.twin.state.pages[0]?.message).toContain(
      'Approve or deny the containment. Contains automatically at',
    );
    await sandbox.sweep();
    stage.wait(15.1);
    await sandbox.sweep();
    expect(pages().filter((subject) => subject.includes('Slack is down'))).toHaveLength(1);
    expect(pages().join()).toContain('still waiting for a decision');
    sandbox.slack.faults.length = 0;
    expect(await sandbox.sweep()).toMatchObject({ posted: 1 });
    const asking = await finding;
    expect((await stage.incident()).cardOwedSince).toBeUndefined();
    await stage.approve(asking, 'U0BOB');
    await idle(sandbox);
    expect((await stage.incident()).status).toBe('contained');
  },
);

it('a card that is owed is paid by the person who writes it next', async () => {
  stage = await approvalStage();
  const { sandbox } = stage;
  const asking = await stage.find();
  const own = { ts: asking.card.ts, value: asking.incident.id, actionId: ACTIONS.own };
  sandbox.slack.faults.push({ method: 'chat.update', error: 'ratelimited' });
  await sandbox.slack.click({ ...own, userId: 'U0ALICE' });
  await sandbox.idle();
  expect((await stage.incident()).cardOwedSince).toBeDefined();
  sandbox.slack.faults.length = 0;
  await sandbox.slack.click({ ...own, userId: 'U0BOB' });
  await sandbox.idle();
  expect((await stage.incident()).cardOwedSince).toBeUndefined();
  expect(JSON.stringify(sandbox.slack.messages)).toContain('<@U0BOB>');
  expect(await sandbox.sweep()).toMatchObject({ posted: 0 });
});

it('expires by policy while Slack is down', async () => {
  stage = await approvalStage(undefined, { approvalTimeoutSeconds: () => 1 });
  stage.sandbox.slack.down = true;
  const { twin } = stage.sandbox;
  const event = addressFinding(twin, addressWorld(twin).instanceId, { seed: 'down' });
  await (await stage.sandbox.deliver(event)).ended;
  expect((await stage.incident()).status).toBe('contained');
  expect(stage.writes()).toBeGreaterThan(0);
  stage.sandbox.slack.down = false;
  await stage.sandbox.sweep();
  expect(said()).toContain('contained');
});

it('PagerDuty: triggered, acknowledged and resolved under the id of the incident', async () => {
  const events: {
    event_action: string;
    dedup_key: string;
    routing_key: string;
    payload?: { severity: string; custom_details: { text: string } };
  }[] = [];
  const server = createServer((request, response) => {
    void (async () => {
      let text = '';
      for await (const part of request) text += String(part);
      events.push(JSON.parse(text));
      response.writeHead(202).end('{"status":"success"}');
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    stage = await approvalStage();
    const { sandbox } = stage;
    Object.assign(sandbox.runtime.env, {
      PAGERDUTY_EVENTS_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2/enqueue`,
      PAGERDUTY_ROUTING_KEY_PARAMETER: '/firebreak/sandbox/pagerduty/routing-key',
    });
    sandbox.twin.state.parameters['/firebreak/sandbox/pagerduty/routing-key'] = 'R0UTE';
    const asking = await stage.find({ severity: 8 });
    stage.wait(15.1);
    await sandbox.sweep();
    await sandbox.idle();
    await sandbox.slack.click({
      ts: asking.card.ts,
      value: asking.incident.id,
      actionId: ACTIONS.own,
      userId: 'U0BOB',
    });
    await sandbox.idle();
    await stage.approve(asking, 'U0BOB');
    await idle(sandbox);
    const { id } = asking.incident;
    expect(events.map(({ event_action }) => event_action)).toEqual([
      'trigger',
      'acknowledge',
      'acknowledge',
      'resolve',
    ]);
    // PagerDuty's word for high; the four lines stand in the alert.
    expect(events[0]?.payload?.severity).toBe('error');
    expect(events[0]?.payload?.custom_details.text).toMatch(/What happened: .*198\.51\.100\.77/);
    expect(events.every(({ dedup_key, routing_key }) => dedup_key === id && routing_key === 'R0UTE')).toBe(
      true,
    );
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

it('a decision that the workflow could not be resumed for is sent again by the sweep', async () => {
  stage = await approvalStage();
  const { sandbox } = stage;
  const asking = await stage.find();
  const answer = sandbox.machines.answer;
  let refused = 0;
  Object.assign(sandbox.machines, {
    answer: async (operation: string, input: unknown) => {
      if (operation !== 'SendTaskSuccess' || refused > 0) return answer(operation, input);
      refused += 1;
      throw Object.assign(new Error('denied'), { name: 'AccessDeniedException', $fault: 'client' });
    },
  });
  await stage.approve(asking, 'U0BOB');
  expect((await stage.incident()).approval?.outcome).toBe('approved');
  expect(stage.writes()).toBe(0);
  stage.wait(1);
  expect(await sandbox.sweep()).toMatchObject({ delivered: 1 });
  await idle(sandbox);
  expect((await stage.incident()).status).toBe('contained');
  expect(await until(async () => askingOf(sandbox, await stage.incident()) ?? true)).toBe(true);
});
