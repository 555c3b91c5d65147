/** What people do on a card next to approving the whole: a part, deny, snooze, suppress, ownership, details. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { partsOf } from '../../core/approval/parts.ts';
import { partId } from '../../core/incident/incident.ts';
import { denies, openView } from '../../sandbox/slack-scripts.ts';
import { addressFinding, addressWorld, groupsOfInstance } from '../../sandbox/worlds.ts';
import { ACTIONS, type ActionName, INPUTS } from '../../slack/actions.ts';
import { type ApprovalStage, type Asking, approvalStage, askingOf } from './approvals.ts';
import { idle, until } from './people.ts';
import { addBucket, bucketResource, instanceResource, sequence } from './sequences.ts';

let stage: ApprovalStage;
beforeEach(async () => {
  stage = await approvalStage();
});
afterEach(() => stage.sandbox.close());

const press = async (on: Asking, action: ActionName, userId: string, value = on.card.value) => {
  await stage.sandbox.slack.click({ ts: on.card.ts, value, actionId: ACTIONS[action], userId });
  await stage.sandbox.idle();
};
const messages = () => stage.sandbox.slack.messages.map(({ text }) => text).join('\n');

describe('approval of a part', () => {
  const ask = async () => {
    const { sandbox } = stage;
    const { instanceId } = addressWorld(sandbox.twin);
    addBucket(sandbox.twin, 'customer-data');
    const resources = [instanceResource(instanceId), bucketResource('customer-data', 'PUBLIC')];
    const execution = await sandbox.deliver(sequence(sandbox.twin, resources));
    const asking = await until(async () => askingOf(sandbox, (await sandbox.incidents())[0]));
    const key = (playbook: string) => {
      const entry = asking.incident.targets.find((each) => each.playbook === playbook);
      return entry ? partId(entry) : '';
    };
    const choose = async (userId: string, parts: readonly string[]) => {
      await press(asking, 'approvePart', userId);
      const { id, view } = openView(sandbox.slack, userId, 'approvePart');
      // Whatever options the form has, of these targets all are chosen.
      const options = view.blocks.flatMap((block) =>
        block.type === 'input' && block.element.type === 'checkboxes' ? block.element.options : [],
      );
      const chosen = options
        .map(({ value }) => value)
        .filter((value) => parts.includes(value.split('.')[0] ?? ''));
      return sandbox.slack.submit({ viewId: id, userId, filled: { [INPUTS.parts]: chosen } });
    };
    return { asking, execution, instanceId, key, choose };
  };

  it('contains what was chosen, records the rest as declined, and says partial', async () => {
    const { execution, instanceId, key, choose } = await ask();
    const none = await choose('U0BOB', []);
    expect(none.errors[INPUTS.parts]).toContain('at least one');
    await choose('U0BOB', [key('isolate-instance')]);
    await execution.ended;
    const { targets, status, approval } = await stage.incident();
    expect(approval?.chosen?.every((id) => id.startsWith('0/'))).toBe(true);
    expect(targets.map((each) => each.status)).toEqual(['contained', 'declined']);
    expect(status).toBe('partial');
    const { twin } = stage.sandbox;
    expect(groupsOfInstance(twin, instanceId)).toEqual(['firebreak-quarantine']);
    expect(twin.state.s3.buckets['customer-data']?.block).toBeNull();
    expect((await stage.timeline()).join('\n')).toContain('declined by U0BOB');
  });

  it('of one target contains the interface that was chosen and leaves the other', async () => {
    const { sandbox } = stage;
    const { instanceId } = addressWorld(sandbox.twin);
    const { interfaces } = sandbox.twin.region();
    const first = interfaces.find(({ InstanceId }) => InstanceId === instanceId);
    if (!first) throw new Error('no interface');
    const second = { ...structuredClone(first), NetworkInterfaceId: sandbox.twin.nextId('eni') };
    interfaces.push(second);
    const execution = await sandbox.deliver(addressFinding(sandbox.twin, instanceId, { seed: 'two' }));
    const asking = await until(async () => askingOf(sandbox, (await sandbox.incidents())[0]));
    await press(asking, 'approvePart', 'U0BOB');
    const { id } = openView(sandbox.slack, 'U0BOB', 'approvePart');
    const part = partsOf(asking.incident).find(({ step }) => step.id.includes(second.NetworkInterfaceId));
    await sandbox.slack.submit({
      viewId: id,
      userId: 'U0BOB',
      filled: { [INPUTS.parts]: [part?.key ?? ''] },
    });
    await execution.ended;
    const named = (groups: readonly string[]) =>
      groups.map((group) => sandbox.twin.region().groups.find(({ GroupId }) => GroupId === group)?.GroupName);
    expect(named(second.Groups)).toEqual(['firebreak-quarantine']);
    expect(named(first.Groups)).toEqual(['web', 'admin']);
    const { status, targets } = await stage.incident();
    expect(status).toBe('partial');
    expect(targets[0]?.declined?.some((step) => step.includes(first.NetworkInterfaceId))).toBe(true);
    expect(sandbox.twin.state.pages.map(({ subject }) => subject).join()).toContain('partly contained');
    // What was contained is restored; what was declined was never touched.
    await (await sandbox.undo(asking.incident.id, 'U0ALICE')).ended;
    expect(named(second.Groups)).toEqual(['web', 'admin']);
  });

  it('of two people contains only what both chose', async () => {
    await stage.sandbox.close();
    stage = await approvalStage((text) =>
      text.replace('    decide: ask\n    page: true', '    decide: ask\n    approvals: 2\n    page: true'),
    );
    const { asking, execution, instanceId, key, choose } = await ask();
    expect(asking.approval.needed).toBe(2);
    await choose('U0BOB', [key('block-public-bucket')]);
    await choose('U0ALICE', [key('isolate-instance')]);
    await stage.sandbox.idle();
    expect(stage.shownTo('U0ALICE')).toContain('nothing that you chose');
    await stage.approve(asking, 'U0ALICE');
    await execution.ended;
    expect((await stage.incident()).targets.map(({ status }) => status)).toEqual(['declined', 'contained']);
    expect(groupsOfInstance(stage.sandbox.twin, instanceId)).toEqual(['web', 'admin']);
  });
});

it('deny wants a reason, and shows it', async () => {
  const asking = await stage.find();
  await denies(stage.sandbox.slack, { ...asking.card, userId: 'U0BOB' }, 'our own scanner');
  await idle(stage.sandbox);
  expect(await stage.incident()).toMatchObject({
    status: 'declined',
    approval: { outcome: 'denied', decidedBy: 'U0BOB', reason: 'our own scanner' },
  });
  expect(JSON.stringify(stage.sandbox.slack.messages)).toContain('our own scanner');
  expect(stage.writes()).toBe(0);
});

it('snooze puts the reminder off, and neither escalation nor expiry', async () => {
  const asking = await stage.find();
  const snooze = async (minutes: string) => {
    await press(asking, 'snooze', 'U0BOB');
    const { id } = openView(stage.sandbox.slack, 'U0BOB', 'snooze');
    await stage.sandbox.slack.submit({ viewId: id, userId: 'U0BOB', filled: { [INPUTS.minutes]: minutes } });
  };
  await snooze('240');
  const { approval } = await stage.incident();
  expect(approval?.snoozed?.by).toBe('U0BOB');
  // Half an hour is what policy gives: four hours are cut to a minute before its end.
  expect(Date.parse(approval?.snoozed?.until ?? '')).toBe(Date.parse(asking.approval.expiresAt) - 60_000);
  expect(approval).toMatchObject({
    expiresAt: asking.approval.expiresAt,
    escalateAt: asking.approval.escalateAt,
  });
  stage.wait(16);
  await stage.sandbox.sweep();
  expect(messages()).not.toContain('a decision to contain is asked for');
  stage.wait(7);
  await stage.sandbox.sweep();
  expect((await stage.incident()).approval?.escalatedAt).toBeDefined();
});

it('ownership is shown, and taking it over is recorded', async () => {
  const asking = await stage.find();
  await press(asking, 'own', 'U0ALICE', asking.incident.id);
  await press(asking, 'own', 'U0BOB', asking.incident.id);
  expect((await stage.incident()).owner?.by).toBe('U0BOB');
  expect((await stage.timeline()).filter((event) => event.includes('took ownership'))).toEqual([
    'U0ALICE took ownership',
    'U0BOB took ownership from U0ALICE',
  ]);
  expect(JSON.stringify(stage.sandbox.slack.messages)).toContain('<@U0BOB>');
});

it('suppress shows first what it would have hidden, then makes the filter and tells the thread', async () => {
  const asking = await stage.find();
  await press(asking, 'suppress', 'U0BOB', asking.incident.id);
  const { id, view } = openView(stage.sandbox.slack, 'U0BOB', 'suppress');
  expect(JSON.stringify(view)).toContain(asking.incident.id);
  const filters = () => stage.sandbox.twin.region().guardduty.filters;
  expect(filters()).toEqual([]);
  await stage.sandbox.slack.submit({
    viewId: id,
    userId: 'U0BOB',
    filled: { [INPUTS.reason]: 'partner feed is stale' },
  });
  await stage.sandbox.idle();
  expect(filters().map(({ Name }) => Name)).toEqual([`firebreak-${asking.incident.id}`]);
  expect(messages()).toContain('partner feed is stale');
  // The question itself stays open.
  expect((await stage.incident()).approval?.outcome).toBeUndefined();
});

it('details open empty at once and are filled by the worker, for that person and that incident only', async () => {
  const asking = await stage.find();
  await press(asking, 'details', 'U0ALICE', asking.incident.id);
  const { view, id } = openView(stage.sandbox.slack, 'U0ALICE', 'details');
  expect(JSON.stringify(view)).not.toContain('Reading');
  await stage.sandbox.slack.clickInModal({
    viewId: id,
    actionId: ACTIONS.detailsPage,
    value: 'history.0',
    userId: 'U0ALICE',
  });
  await stage.sandbox.idle();
  const shown = JSON.stringify(openView(stage.sandbox.slack, 'U0ALICE', 'details').view);
  expect(shown).toContain('finding received');
  // Someone else sends the same page request.
  const before = stage.sandbox.slack.modals.length;
  await stage.sandbox.slack.clickInModal({
    viewId: id,
    actionId: ACTIONS.detailsPage,
    value: 'raw.0',
    userId: 'U0BOB',
  });
  await stage.sandbox.idle();
  expect(JSON.stringify(openView(stage.sandbox.slack, 'U0ALICE', 'details').view)).toBe(shown);
  expect(stage.sandbox.slack.modals).toHaveLength(before);
});

it('the card shows a containment while it runs', async () => {
  const asking = await stage.find();
  const seen: string[] = [];
  stage.sandbox.slack.onChange(() => {
    const message = stage.sandbox.slack.messages.find(({ ts }) => ts === asking.card.ts);
    seen.push(JSON.stringify(message?.blocks));
  });
  await stage.approve(asking, 'U0BOB');
  await idle(stage.sandbox);
  expect((await stage.incident()).status).toBe('contained');
  expect(seen.some((blocks) => blocks.includes('containing now'))).toBe(true);
  expect(seen.at(-1)).not.toContain('containing now');
});
