/** Slack takes about one message a second: what it puts off is owed, and people are paged about what waits for them alone. */
import '../../sandbox/quiet.ts';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { acting } from '../../core/aws/acting.ts';
import { metrics } from '../../pipeline/runtime.ts';
import { awsError } from '../../sandbox/aws-error.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import { type ApprovalStage, approvalStage } from './approvals.ts';
import { idle, until } from './people.ts';

let stage: ApprovalStage;
let counted: string[];
beforeEach(() => {
  counted = [];
  vi.spyOn(metrics, 'addMetric').mockImplementation((name) => {
    counted.push(name);
    return metrics;
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  await stage.sandbox.close();
});

const BUSY = { status: 429, retryAfterSeconds: 30 };
const pages = () => stage.sandbox.twin.state.pages;
const posts = () => stage.sandbox.slack.messages.filter(({ blocks }) => blocks.length > 0);

/** A finding that is only notified. */
async function notified(seed: string, severity = 2): Promise<void> {
  const event = findingOn(stage.sandbox.twin, {
    ...{ seed, severity, type: 'Recon:IAMUser/MaliciousIPCaller' },
    resource: {
      resourceType: 'AccessKey',
      accessKeyDetails: {
        ...{ accessKeyId: `AKIA${seed}`, principalId: `AIDA${seed}`, userType: 'IAMUser', userName: seed },
      },
    },
  });
  await (await stage.sandbox.deliver(event)).ended;
}

it('a card that Slack puts off is owed: no page, no alarm, and the sweep posts it', async () => {
  stage = await approvalStage();
  const { sandbox } = stage;
  sandbox.slack.faults.push(BUSY);
  await notified('scanner');
  expect(await stage.incident()).toMatchObject({ status: 'notified', cardOwedSince: expect.any(String) });
  expect([pages(), counted.filter((name) => name === 'SlackFailed')]).toEqual([[], []]);
  sandbox.slack.faults.length = 0;
  stage.wait(1);
  expect(await sandbox.sweep()).toMatchObject({ posted: 1 });
  expect(posts()).toHaveLength(1);
  expect(pages()).toEqual([]);
});

it('one that stays owed is paged once after a quarter of an hour, in those words', async () => {
  stage = await approvalStage();
  const { sandbox } = stage;
  sandbox.slack.faults.push(BUSY);
  await notified('scanner');
  stage.wait(14);
  await sandbox.sweep();
  expect(pages()).toEqual([]);
  stage.wait(2);
  await sandbox.sweep();
  stage.wait(2);
  await sandbox.sweep();
  const { id } = await stage.incident();
  expect(pages().map(({ subject }) => subject)).toEqual([`Firebreak ${id}: its card is not in Slack`]);
  expect(pages()[0]?.message).not.toContain('down');
  expect(counted).not.toContain('SlackFailed');
});

it('a question that Slack puts off is paged after a minute, with the command that decides it', async () => {
  stage = await approvalStage();
  const { sandbox } = stage;
  sandbox.slack.faults.push(BUSY);
  const finding = stage.find();
  await until(async () =>
    (await sandbox.incidents()).find(({ cardOwedSince }) => cardOwedSince !== undefined),
  );
  await sandbox.sweep();
  expect(pages()).toEqual([]);
  stage.wait(1.1);
  await sandbox.sweep();
  const { id } = await stage.incident();
  expect(pages()[0]?.message).toContain(`firebreak approve ${id} --live`);
  sandbox.slack.faults.length = 0;
  stage.wait(1);
  await sandbox.sweep();
  await stage.approve(await finding, 'U0BOB');
  await idle(sandbox);
  expect((await stage.incident()).status).toBe('contained');
});

it('asks Slack for nothing before the time it said', async () => {
  stage = await approvalStage();
  const { sandbox } = stage;
  sandbox.slack.faults.push({ status: 429, retryAfterSeconds: 300, times: 1 });
  await notified('scanner');
  stage.wait(4);
  expect(await sandbox.sweep()).toMatchObject({ posted: 0 });
  expect(posts()).toEqual([]);
  stage.wait(1.1);
  expect(await sandbox.sweep()).toMatchObject({ posted: 1 });
});

it('posts the gravest of what is owed first', async () => {
  stage = await approvalStage();
  const { sandbox } = stage;
  sandbox.slack.faults.push(BUSY);
  await notified('grave', 6);
  await notified('slight', 2);
  sandbox.slack.faults.length = 0;
  await notified('later', 1);
  stage.wait(1);
  await sandbox.sweep();
  const order = posts().map(
    ({ text, blocks }) => /slight|grave|later/.exec(text + JSON.stringify(blocks))?.[0],
  );
  expect(order).toEqual(['later', 'grave', 'slight']);
});

it('beyond what Slack takes in a minute, what was only notified shares messages', async () => {
  stage = await approvalStage();
  const { sandbox } = stage;
  sandbox.slack.faults.push(BUSY);
  await Promise.all(
    Array.from({ length: 35 }, (_, index) => notified(`scanner-${index}`, index < 3 ? 8 : 2)),
  );
  sandbox.slack.faults.length = 0;
  stage.wait(1);
  expect(await sandbox.sweep()).toMatchObject({ posted: 35 });
  const shared = sandbox.slack.messages.filter(({ text }) => text.includes('findings without a card'));
  expect(shared).toHaveLength(1);
  expect(shared[0]?.text.split('\n')).toHaveLength(6);
  expect(shared[0]?.text).not.toContain('HIGH');
  expect(posts()).toHaveLength(30);
  expect(
    posts()
      .slice(0, 3)
      .every(({ text }) => text.includes('HIGH')),
  ).toBe(true);
  expect((await sandbox.incidents()).filter(({ cardOwedSince }) => cardOwedSince !== undefined)).toEqual([]);
  expect(await sandbox.sweep()).toMatchObject({ posted: 0 });
});

it('neither Slack nor the page topic takes the question: it waits on, the alarm and the sweep name it', async () => {
  stage = await approvalStage();
  const { sandbox } = stage;
  const { twin } = sandbox;
  const answer = twin.answer.bind(twin);
  vi.spyOn(twin, 'answer').mockImplementation(async (call) => {
    const refused = ['GetParameters', 'Publish'].includes(call.operation);
    if (refused && acting().function?.name === 'request-approval')
      throw awsError('AccessDeniedException', `not authorized to perform ${call.operation}`, 403);
    return answer(call);
  });
  const named: string[] = [];
  vi.spyOn(metrics, 'singleMetric').mockReturnValue({
    addDimension: (name: string, value: string) => named.push(`${name}=${value}`),
    addMetric: (name: string) => named.push(name),
  } as never);
  const finding = stage.find();
  const asking = await until(async () =>
    (await sandbox.incidents()).find(({ cardOwedSince }) => cardOwedSince !== undefined),
  );
  await until(() => (named.length > 0 ? true : undefined));
  expect(named).toEqual([`incident=${asking.id}`, 'Unreached']);
  expect((await stage.timeline()).join('\n')).toContain('neither Slack nor the page topic');
  expect(sandbox.machines.running()).toHaveLength(1);
  // The sweep has rights of its own.
  stage.wait(1.1);
  expect(await sandbox.sweep()).toMatchObject({ posted: 1 });
  await stage.approve(await finding, 'U0BOB');
  await idle(sandbox);
  expect((await stage.incident()).status).toBe('contained');
});
