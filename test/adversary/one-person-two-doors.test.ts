/** One person comes through two doors, to count as the two people that an unsafe undo needs. */
import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { answerResult, writeAnswer } from '../../core/approval/answers.ts';
import { setRemovedApprovers } from '../../core/approval/approvers.ts';
import { type Door, doorKey, doorOf, nameOf, personOf, recordUndo } from '../../core/approval/door.ts';
import { startUndo } from '../../core/approval/undo-start.ts';
import { parsePolicy } from '../../core/policy/policy.ts';
import { evaluate } from '../../sandbox/twin/policy-evaluation.ts';
import { ACTIONS } from '../../slack/actions.ts';
import { type ApprovalStage, approvalStage, askingOf } from '../workflow/approvals.ts';
import { idle, until } from '../workflow/people.ts';

let stage: ApprovalStage | undefined;
afterEach(async () => {
  await stage?.sandbox.close();
  stage = undefined;
});

const ACCOUNT = 'arn:aws:iam::111122223333:';
const IDENTITY_CENTER = `${ACCOUNT}role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Respond_0123456789abcdef`;
const ALICE_SESSION =
  'arn:aws:sts::111122223333:assumed-role/AWSReservedSSO_Respond_0123456789abcdef/alice@example.com';
const PEOPLE = [
  { slack: 'U0ALICE', arn: `${ACCOUNT}user/staff/alice` },
  { slack: 'U0ALICE', arn: ALICE_SESSION },
  { slack: 'U0BOB', arn: `${ACCOUNT}role/only-bob` },
];
const aws = (principal: string, userId: string): Door => ({
  kind: 'aws',
  principal: principal.startsWith('arn:') ? principal : `${ACCOUNT}${principal}`,
  userId,
});
const alice = aws('user/staff/alice', 'AIDAALICE');
const unmapped = aws('role/Admin', 'AROAADMIN:bob');

/** A contained incident whose finding goes on: two people must agree to its undo. */
async function contained() {
  const people = PEOPLE.map(({ slack, arn }) => `  - { slack: ${slack}, arn: "${arn}" }`).join('\n');
  const opened = await approvalStage((text) => text.replace(/^people:.*$/m, `people:\n${people}`));
  stage = opened;
  const { sandbox } = opened;
  await opened.approve(await opened.find(), 'U0BOB');
  await idle(sandbox);
  const { id } = await opened.incident();
  await sandbox.runtime.incidents.change(id, new Date(), () => ({ activeAfterContainment: true }));
  const { table, own, env, now } = sandbox.runtime;
  const deps = { table, aws: own, stateMachineArn: env.UNDO_STATE_MACHINE_ARN };
  const asking = () => until(async () => askingOf(sandbox, await opened.incident()));
  return {
    ...{ id, stage: opened, sandbox, table, now, asking },
    /** The console and the command start it this way. */
    request: async (door: Door) => startUndo(deps, await opened.incident(), door, now()),
    /** As anyone with StartExecution can. */
    start: (input: object, name?: string) =>
      sandbox.machines.start('undo', { channel: 'undo', incidentId: id, ...input }, name),
    approve: async (user: string) => opened.approve(await asking(), user),
    approval: async () => (await opened.incident()).approval,
    status: async () => (await opened.incident()).status,
  };
}

it.each([`${ACCOUNT}user/staff/alice`, 'U0BOB', 'time to live'])(
  'an execution that says it is of %s counts as no one: one approval does not undo',
  async (requestedBy) => {
    const { start, approve, approval, status } = await contained();
    start({ requestedBy });
    await approve('U0ALICE');
    expect(await approval()).toMatchObject({ needed: 2, approvedBy: ['U0ALICE'] });
    expect((await approval())?.outcome).toBeUndefined();
    expect(await status()).toBe('contained');
  },
);

it('an undo that is safe waits for a person when its requester is not proven', async () => {
  const { id, sandbox, start, asking } = await contained();
  await sandbox.runtime.incidents.change(id, new Date(), () => ({ activeAfterContainment: false }));
  start({ requestedBy: 'U0BOB' });
  expect((await asking()).approval).toMatchObject({ needed: 1, approvedBy: [] });
});

it('console, then Slack: the same person counts once', async () => {
  const { sandbox, stage, request, approve, approval, status, asking } = await contained();
  expect(await request(alice)).toEqual({ kind: 'started' });
  expect((await asking()).approval).toMatchObject({ needed: 2, approvedBy: ['U0ALICE'] });
  await approve('U0ALICE');
  expect(stage.shownTo('U0ALICE')).toContain('a second person must');
  expect((await approval())?.outcome).toBeUndefined();
  await approve('U0BOB');
  await idle(sandbox);
  expect(await approval()).toMatchObject({ outcome: 'approved', approvedBy: ['U0ALICE', 'U0BOB'] });
  expect(await status()).toBe('undone');
});

it('Slack, then Slack: the person who pressed Undo counts once', async () => {
  const { id, stage, sandbox, approve, approval } = await contained();
  const { slack } = await stage.incident();
  await sandbox.slack.click({ ts: slack?.ts ?? '', value: id, actionId: ACTIONS.undo, userId: 'U0ALICE' });
  await approve('U0ALICE');
  expect(await approval()).toMatchObject({ needed: 2, approvedBy: ['U0ALICE'] });
  expect((await approval())?.outcome).toBeUndefined();
});

it('Slack, then the command line: the same person counts once', async () => {
  const { id, stage, sandbox, table, now, approval, asking } = await contained();
  const { slack } = await stage.incident();
  await sandbox.slack.click({ ts: slack?.ts ?? '', value: id, actionId: ACTIONS.undo, userId: 'U0ALICE' });
  const decisionId = (await asking()).approval.id;
  for (const door of [alice, aws(IDENTITY_CENTER, 'AROASSO:alice@example.com')]) {
    await writeAnswer(table, door, { decisionId, outcome: 'approved' }, now());
    await sandbox.sweep();
    expect(await answerResult(table, door, decisionId)).toMatchObject({ counted: false });
    expect(await approval()).toMatchObject({ needed: 2, approvedBy: ['U0ALICE'] });
  }
  expect((await approval())?.outcome).toBeUndefined();
});

it('an identity that is not mapped counts as no one, whatever its session is called', async () => {
  const { sandbox, request, approve, approval, status, asking } = await contained();
  await request(unmapped);
  const { ts } = (await asking()).card;
  const card = sandbox.slack.messages.find((message) => message.ts === ts);
  expect(JSON.stringify(card?.blocks)).toContain(
    'arn:aws:sts::111122223333:assumed-role/Admin/bob: counts as no approval',
  );
  await approve('U0ALICE');
  expect(await approval()).toMatchObject({ needed: 2, approvedBy: ['U0ALICE'] });
  expect(await status()).toBe('contained');
  await approve('U0BOB');
  await idle(sandbox);
  expect(await status()).toBe('undone');
});

it('a mapped person who is no longer an approver does not count', async () => {
  const { table, now, request, approve, approval } = await contained();
  await request(alice);
  await setRemovedApprovers(table, ['U0ALICE'], 'U0ADMIN', now());
  await approve('U0BOB');
  expect(await approval()).toMatchObject({ approvedBy: ['U0BOB'] });
  expect((await approval())?.outcome).toBeUndefined();
});

describe('the record of another request', () => {
  const bob = aws('role/only-bob', 'AROABOB:anything');

  it('of the same person does not count for an execution of another name', async () => {
    const { id, table, now, start, approve, approval } = await contained();
    await recordUndo(table, bob, `undo-${id}-202611300800`, { incidentId: id }, now());
    start({ requestedBy: 'x', door: doorKey(bob) }, `undo-${id}-202611300801`);
    await approve('U0ALICE');
    expect(await approval()).toMatchObject({ needed: 2, approvedBy: ['U0ALICE'] });
  });

  it('does not count for one target when it was about all of them', async () => {
    const { id, table, now, start, approve, approval } = await contained();
    await recordUndo(table, bob, 'undo-one', { incidentId: id }, now());
    start({ requestedBy: 'x', door: doorKey(bob), target: 0 }, 'undo-one');
    await approve('U0ALICE');
    expect(await approval()).toMatchObject({ needed: 2, approvedBy: ['U0ALICE'] });
  });

  it('does not count for another incident', async () => {
    const { table, now, start, approve, approval } = await contained();
    await recordUndo(table, bob, 'undo-other', { incidentId: 'fb-000000000000' }, now());
    start({ requestedBy: 'x', door: doorKey(bob) }, 'undo-other');
    await approve('U0ALICE');
    expect(await approval()).toMatchObject({ needed: 2, approvedBy: ['U0ALICE'] });
  });

  it('does not count a day later', async () => {
    const { id, table, now, start, approve, approval } = await contained();
    const before = new Date(now().getTime() - 86_400_000 - 60_000);
    await recordUndo(table, bob, 'undo-old', { incidentId: id }, before);
    start({ requestedBy: 'x', door: doorKey(bob) }, 'undo-old');
    await approve('U0ALICE');
    expect(await approval()).toMatchObject({ needed: 2, approvedBy: ['U0ALICE'] });
  });
});

it('what a person writes is read from no index but its own', async () => {
  const { id: incidentId, table, request, approval, sandbox, stage, asking } = await contained();
  await request(unmapped);
  const view = { ...(await asking()).approval, needed: 1, approvedBy: ['U0BOB'] };
  const version = (await table.get({ pk: `DECISION#${view.id}`, sk: 'META' }))?.['version'];
  // Just after the decision itself in the index, which is read backwards.
  const index = { gsi1pk: 'OPEN', gsi1sk: `${view.remindAt}~` };
  await table.put({ pk: doorKey(unmapped), sk: 'UNDO#x', ...index, view, version, incidentId });
  stage.wait(20); // past the reminder
  await sandbox.sweep();
  expect(await approval()).toMatchObject({ needed: 2, approvedBy: [] });
});

describe('who a door proves', () => {
  it.each([
    ['a Slack user', { kind: 'slack', user: 'U0BOB' } as const, 'U0BOB'],
    ['an IAM user', alice, 'U0ALICE'],
    ['a session of Identity Center', aws(IDENTITY_CENTER, 'AROASSO:alice@example.com'), 'U0ALICE'],
    ['another session of Identity Center', aws(IDENTITY_CENTER, 'AROASSO:bob@example.com'), undefined],
    ['any session of a role of one person', aws('role/only-bob', 'AROABOB:alice'), 'U0BOB'],
    ['a shared role whose session is called alike', unmapped, undefined],
    [
      'a role that is named like one of Identity Center',
      aws('role/AWSReservedSSO_Respond_0123456789abcdef', 'AROAFAKE:alice@example.com'),
      undefined,
    ],
    [
      'a role with such a path below another',
      aws(
        'role/x/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Respond_0123456789abcdef',
        'AROAFAKE:alice@example.com',
      ),
      undefined,
    ],
    ['a role whose path holds a #', aws('role/only-bob#/x', 'AROAFAKE:s'), undefined],
    [
      'an IAM user of the same name elsewhere',
      aws('arn:aws:iam::999999999999:user/staff/alice', 'AIDA'),
      undefined,
    ],
  ])('%s', (_who, door, person) => {
    expect(doorOf(doorKey(door))).toEqual(door);
    expect(personOf(PEOPLE, door)).toBe(person);
  });

  it('a session is named as STS names it', () => {
    expect(nameOf(aws(IDENTITY_CENTER, 'AROASSO:alice@example.com'))).toBe(ALICE_SESSION);
  });

  it.each(['DOOR#aws#x#y', 'DOOR#slack#cli:alice', 'DOOR#root#', 'DECISION#0', 'DOOR#slack#U0BOB#x'])(
    'the partition %s is of no door',
    (pk) => expect(doorOf(pk)).toBeUndefined(),
  );
});

describe('policy.yml', () => {
  const text = readFileSync('policy.yml', 'utf8');
  const withPeople = (lines: string) => () => parsePolicy(text.replace(/^people:.*$/m, `people:\n${lines}`));

  it.each([
    'arn:aws:sts::111122223333:assumed-role/Admin/alice',
    'arn:aws:iam::111122223333:root',
    'arn:aws:iam::111122223333:role/aws-reserved/sso.amazonaws.com/AWSReservedSSO_Respond_0123456789abcdef',
    'arn:aws:sts::111122223333:federated-user/alice',
    '*',
  ])('does not take %s for one person', (arn) => {
    expect(withPeople(`  - { slack: U0ALICE, arn: "${arn}" }`)).toThrow(/expected an IAM user/);
  });

  it('does not take one identity for two people, nor a group for a person', () => {
    const arn = `${ACCOUNT}user/alice`;
    expect(withPeople(`  - { slack: U0ALICE, arn: "${arn}" }\n  - { slack: U0BOB, arn: "${arn}" }`)).toThrow(
      /is U0ALICE already/,
    );
    expect(withPeople(`  - { slack: S0ONCALL, arn: "${arn}" }`)).toThrow(/Slack user id/);
  });
});

describe('the statement of docs/approvals.md', () => {
  const [, statement = ''] =
    /```json\n(\{[^`]*"FirebreakDoor"[^`]*)```/.exec(readFileSync('docs/approvals.md', 'utf8')) ?? [];
  const table = 'arn:aws:dynamodb:REGION:ACCOUNT:table/firebreak-STAGE';
  const puts = (key: string, action = 'dynamodb:PutItem') =>
    evaluate(new Map([['door', JSON.stringify({ Statement: JSON.parse(statement) })]]), {
      action,
      resource: table,
      keys: {
        'aws:principalarn': `${ACCOUNT}role/Admin`,
        'aws:userid': 'AROAADMIN:bob',
        'dynamodb:leadingkeys': [key],
      },
    }).decision;

  it('lets a person write to their own partition, and to no other', () => {
    expect(puts(doorKey(unmapped))).toBe('allowed');
    const others: readonly Door[] = [
      alice,
      aws('role/Admin', 'AROAADMIN:alice'),
      aws('role/only-bob', 'AROAADMIN:bob'),
      { kind: 'slack', user: 'U0BOB' },
    ];
    for (const other of [...others.map(doorKey), 'DECISION#0', 'CONFIG'])
      expect(puts(other), other).toBe('implicitDeny');
    expect(puts(doorKey(unmapped), 'dynamodb:UpdateItem')).toBe('implicitDeny');
  });
});
