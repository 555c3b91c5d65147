/** `firebreak approve|deny --live`: answers that people write with their AWS credentials, judged as clicks in Slack are. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { answerResult, writeAnswer } from '../../core/approval/answers.ts';
import { setRemovedApprovers } from '../../core/approval/approvers.ts';
import { type Door, doorKey } from '../../core/approval/door.ts';
import { type ApprovalStage, type Asking, approvalStage, mapped, user } from './approvals.ts';
import { idle } from './people.ts';

let stage: ApprovalStage;
afterEach(() => stage.sandbox.close());

async function says(
  { approval: { id } }: Asking,
  door: Door,
  answer: { outcome?: 'approved' | 'denied'; reason?: string } = {},
) {
  const { table, now } = stage.sandbox.runtime;
  await writeAnswer(table, door, { decisionId: id, outcome: 'approved', ...answer }, now());
  expect(await answerResult(table, door, id)).toBeUndefined();
  await stage.sandbox.sweep();
  if ((await outcome()) !== undefined) await idle(stage.sandbox);
  return answerResult(table, door, id);
}
const outcome = async () => (await stage.incident()).approval?.outcome;

it('an approver contains while Slack takes nothing, and PagerDuty hears of it', async () => {
  stage = await approvalStage(mapped);
  const asking = await stage.find();
  const events: unknown[] = [];
  const pagerDuty = createServer((request, response) => {
    request.on('data', (part: Buffer) => events.push(JSON.parse(part.toString())));
    request.on('end', () => response.writeHead(202).end('{}'));
  });
  await once(pagerDuty.listen(0, '127.0.0.1'), 'listening');
  const address = pagerDuty.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const routingKey = '/firebreak/sandbox/pagerduty/routing-key';
  Object.assign(stage.sandbox.runtime.env, {
    PAGERDUTY_EVENTS_URL: `http://127.0.0.1:${address.port}/`,
    PAGERDUTY_ROUTING_KEY_PARAMETER: routingKey,
  });
  stage.sandbox.twin.state.parameters[routingKey] = 'R0UTE';
  stage.sandbox.slack.faults.push(
    ...Array.from({ length: 50 }, () => ({ method: 'chat.update', error: 'service_unavailable' })),
  );
  expect(await says(asking, user('bob'), { reason: 'seen it' })).toEqual({
    counted: true,
    text: 'Recorded: approved by U0BOB.',
  });
  expect(await stage.incident()).toMatchObject({
    status: 'contained',
    approval: { outcome: 'approved', decidedBy: 'U0BOB', reason: 'seen it' },
  });
  expect((await stage.timeline()).join()).toContain('approved by U0BOB (arn:aws:iam::111122223333:user/bob)');
  pagerDuty.closeAllConnections();
  pagerDuty.close();
  expect(events).toContainEqual(
    expect.objectContaining({ event_action: 'acknowledge', dedup_key: asking.incident.id }),
  );
});

it('a denial wants a reason, and changes nothing', async () => {
  stage = await approvalStage(mapped);
  const asking = await stage.find();
  expect(await says(asking, user('bob'), { outcome: 'denied' })).toMatchObject({ counted: false });
  expect(await outcome()).toBeUndefined();
  const denied = { outcome: 'denied', reason: 'a planned test' } as const;
  expect(await says(asking, user('bob'), denied)).toMatchObject({ counted: true });
  expect(await outcome()).toBe('denied');
  expect(stage.writes()).toBe(0);
});

it.each([
  ['of an identity that is not mapped', user('eve'), 'does not map'],
  ['of a person who is not an approver', user('mallory'), 'not on the list of approvers'],
  [
    'of a session that its caller named after an approver',
    { kind: 'aws', principal: 'arn:aws:iam::111122223333:role/Admin', userId: 'AROAADMIN:bob' } as const,
    'does not map',
  ],
])('an answer %s is refused, on record, and decides nothing', async (_whose, door, why) => {
  stage = await approvalStage(mapped);
  const became = await says(await stage.find(), door);
  expect(became).toMatchObject({ counted: false, text: expect.stringContaining(why) });
  expect(await outcome()).toBeUndefined();
  expect(stage.writes()).toBe(0);
});

it('an approver who was removed is refused', async () => {
  stage = await approvalStage(mapped);
  const asking = await stage.find();
  const { table, now } = stage.sandbox.runtime;
  await setRemovedApprovers(table, ['U0BOB'], 'U0ADMIN', now());
  expect(await says(asking, user('bob'))).toMatchObject({
    counted: false,
    text: expect.stringContaining('no longer an approver'),
  });
  expect((await stage.timeline()).join()).toContain(
    'refused an answer of arn:aws:iam::111122223333:user/bob',
  );
});

it('two people must agree about an exempt target: a click and an answer of one person count once', async () => {
  stage = await approvalStage(mapped);
  const asking = await stage.find({ tags: { 'firebreak:exempt': 'true' } });
  await stage.approve(asking, 'U0BOB');
  expect(await says(asking, user('bob'))).toMatchObject({
    counted: false,
    text: expect.stringContaining('a second person must'),
  });
  expect(await outcome()).toBeUndefined();
  expect(await says(asking, user('alice'))).toMatchObject({ counted: true });
  expect((await stage.incident()).approval).toMatchObject({ approvedBy: ['U0BOB', 'U0ALICE'] });
  expect((await stage.incident()).status).toBe('contained');
});

it('an answer to what is decided already comes too late', async () => {
  stage = await approvalStage(mapped);
  const asking = await stage.find();
  await stage.approve(asking, 'U0ALICE');
  await idle(stage.sandbox);
  const denied = { outcome: 'denied', reason: 'no' } as const;
  expect(await says(asking, user('bob'), denied)).toEqual({
    counted: false,
    text: 'Too late: already approved by U0ALICE.',
  });
  expect((await stage.incident()).status).toBe('contained');
});

it.each([
  ['not an answer', { outcome: 'contained' }],
  ['an answer under another id', { outcome: 'approved', decisionId: '0'.repeat(32) }],
])('what is %s is put aside, and keeps no other waiting', async (_what, item) => {
  stage = await approvalStage(mapped);
  const asking = await stage.find();
  const { table } = stage.sandbox.runtime;
  const key = { pk: doorKey(user('eve')), sk: `ANSWER#${asking.approval.id}` };
  await table.put({ ...key, ...item, gsi1pk: 'DOOR', gsi1sk: '9999' });
  await table.put({ ...key, pk: 'DOOR#aws#no one', ...item, gsi1pk: 'DOOR', gsi1sk: '9998' });
  expect(await says(asking, user('bob'))).toMatchObject({ counted: true });
  expect((await table.page({ pk: 'DOOR', limit: 10 })).items).toEqual([]);
  expect(await outcome()).toBe('approved');
});
