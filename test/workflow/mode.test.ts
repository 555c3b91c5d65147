/** Observe and enforce, switched while Firebreak runs: by Slack, and with AWS credentials. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { modeResult, writeAnswer } from '../../core/approval/answers.ts';
import type { Door } from '../../core/approval/door.ts';
import { actingAs } from '../../core/aws/acting.ts';
import { type Mode, modeState, switchToObserve } from '../../core/table/mode.ts';
import { callsAsOperator } from '../unrecorded.ts';
import { type ApprovalStage, approvalStage, mapped, user } from './approvals.ts';
import { idle, until } from './people.ts';

callsAsOperator();

let stage: ApprovalStage;
afterEach(() => stage.sandbox.close());

const inForce = async () =>
  (await modeState(stage.sandbox.runtime.table, stage.sandbox.runtime.policy.mode)).mode;
const observe = () => switchToObserve(stage.sandbox.runtime.table, 'enforce', 'U0ALICE', new Date());
const type = async (text: string, userId = 'U0BOB') => {
  const { body } = await stage.sandbox.slack.command({ text, userId });
  await stage.sandbox.idle();
  return (JSON.parse(body) as { text: string }).text;
};
async function wants(mode: Mode, door: Door) {
  const { table, now } = stage.sandbox.runtime;
  await writeAnswer(table, door, { mode }, now());
  expect(await modeResult(table, door, mode)).toBeUndefined();
  await stage.sandbox.sweep();
  return modeResult(table, door, mode);
}
const pages = () => stage.sandbox.twin.state.pages.map(({ subject }) => subject).join();
const autoForListedAddress = (text: string) =>
  text.replace(
    /^rules:$/m,
    'rules:\n  - { name: mine, match: { type: "UnauthorizedAccess:EC2/*" }, decide: auto }',
  );

/** A finding that policy contains automatically, to its end. */
async function attack(): Promise<void> {
  const { sandbox } = stage;
  const { addressFinding, addressWorld } = await import('../../sandbox/worlds.ts');
  const { instanceId } = addressWorld(sandbox.twin);
  await sandbox.deliver(addressFinding(sandbox.twin, instanceId, { seed: 'mode', severity: 8 }));
  await idle(sandbox);
}

describe('observe mode', () => {
  it('decides what it would have done on live state, notifies, and changes nothing', async () => {
    stage = await approvalStage(autoForListedAddress);
    await observe();
    await attack();
    const incident = await stage.incident();
    expect(incident.status).toBe('notified');
    expect(incident.decision?.reasons.join()).toContain(
      'observe mode: nothing is changed; enforce mode would have decided auto',
    );
    expect(incident.targets[0]?.plan?.kind).toBe('plan');
    expect(stage.writes()).toBe(0);
  });

  it('keeps back an automatic containment that was decided before the switch', async () => {
    stage = await approvalStage(autoForListedAddress);
    const { incidents, own, env } = stage.sandbox.runtime;
    const replace = incidents.replace.bind(incidents);
    vi.spyOn(incidents, 'replace').mockImplementation(async (read, at, change) => {
      const written = await replace(read, at, change);
      // As the Slack endpoint would in the moment after Classify has decided.
      const slack = { ...own.scope, name: 'slack', stage: env.STAGE };
      if (change.decision?.kind === 'auto') await actingAs({ function: slack }, observe);
      return written;
    });
    await attack();
    expect((await stage.timeline()).join()).toContain('not contained: observe mode');
    expect((await stage.incident()).status).toBe('escalated');
    expect(stage.writes()).toBe(0);
  });

  it('does not contain when an approval expires, and a person may still approve', async () => {
    const expiring = (text: string) => text.replace('onExpiry: escalate', 'onExpiry: contain');
    stage = await approvalStage(expiring, { approvalTimeoutSeconds: () => 2 });
    await stage.find();
    await observe();
    await idle(stage.sandbox);
    expect((await stage.timeline()).join()).toContain('nothing was changed');
    expect(stage.writes()).toBe(0);
    await stage.sandbox.close();

    stage = await approvalStage();
    const asking = await stage.find();
    await observe();
    await stage.approve(asking, 'U0BOB');
    await idle(stage.sandbox);
    expect((await stage.incident()).status).toBe('contained');
  });
});

describe('/firebreak mode', () => {
  it('one person switches to observe, two to enforce, and everyone hears of it', async () => {
    stage = await approvalStage();
    expect(await type('mode')).toContain('mode observe');
    expect(await type('mode observe')).toContain('changes nothing');
    expect(await inForce()).toBe('observe');
    expect(await type('status')).toContain('Observe mode');
    expect(await type('mode enforce')).toContain('A second person');
    expect(await type('mode enforce')).toContain('A second person');
    expect(await inForce()).toBe('observe');
    expect(await type('mode enforce', 'U0ALICE')).toContain('Firebreak contains');
    expect(await inForce()).toBe('enforce');
    expect(pages()).toMatch(/observe mode.*enforce mode requested.*enforce mode/);
    expect(stage.sandbox.slack.messages.map(({ text }) => text).join('\n')).toContain(
      '<@U0BOB> and <@U0ALICE> switched to enforce mode',
    );
  });

  it('two people at once switch it, once', async () => {
    stage = await approvalStage();
    await observe();
    await Promise.all([type('mode enforce'), type('mode enforce', 'U0ALICE')]);
    expect(await inForce()).toBe('enforce');
  });

  it('is refused to anyone who is not an approver', async () => {
    stage = await approvalStage();
    expect(await type('mode observe', 'U0MALLORY')).toContain('not on the list of approvers');
    expect(await inForce()).toBe('enforce');
  });
});

describe('firebreak mode --live', () => {
  it('one person by Slack and one with AWS credentials are two; one person by both is one', async () => {
    stage = await approvalStage(mapped);
    await observe();
    expect(await wants('enforce', user('bob'))).toMatchObject({ counted: true });
    expect(await type('mode enforce', 'U0BOB')).toContain('A second person');
    expect(await inForce()).toBe('observe');
    expect(await wants('enforce', user('alice'))).toMatchObject({
      counted: true,
      text: expect.stringContaining('Enforce mode'),
    });
    expect(await inForce()).toBe('enforce');
    expect(pages()).toContain('enforce mode');
  });

  it.each([
    ['an identity that is not mapped', user('eve'), 'does not map'],
    ['a person who is not an approver', user('mallory'), 'not on the list of approvers'],
  ])('is refused to %s', async (_who, door, why) => {
    stage = await approvalStage(mapped);
    await observe();
    expect(await wants('enforce', door)).toMatchObject({
      counted: false,
      text: expect.stringContaining(why),
    });
    expect(await inForce()).toBe('observe');
  });
});

it('the switch is announced once, also where Slack does not take it', async () => {
  stage = await approvalStage(mapped);
  stage.sandbox.slack.faults.push(
    ...Array.from({ length: 20 }, () => ({ method: 'chat.postMessage', error: 'service_unavailable' })),
  );
  expect(await wants('observe', user('bob'))).toMatchObject({ counted: true });
  await until(async () => ((await inForce()) === 'observe' ? true : undefined));
  expect(
    stage.sandbox.twin.state.pages.filter(({ subject }) => subject.includes('observe mode')),
  ).toHaveLength(1);
});

it('the page of the incidents says that Firebreak only observes, and who switched it', async () => {
  const { incidentsPage } = await import('../../console/pages/incidents.ts');
  const { sandboxSource } = await import('../../cli/console.ts');
  stage = await approvalStage();
  const source = sandboxSource(stage.sandbox, 'policy.yml');
  const page = async () => (await incidentsPage(source, new URLSearchParams(), new Date())).main.text;
  expect(await page()).not.toContain('Observe mode');
  await observe();
  expect(await page()).toMatch(/Observe mode.*by U0ALICE.*changes nothing/);
});
