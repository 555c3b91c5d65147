/** Who decides: by group, account, environment and severity, read when someone decides; two people; break-glass. */
import { afterEach, describe, expect, it } from 'vitest';
import { setRemovedApprovers } from '../../core/approval/approvers.ts';
import { openView } from '../../sandbox/slack-scripts.ts';
import { ACTIONS } from '../../slack/actions.ts';
import { type ApprovalStage, approvalStage, askingOf } from './approvals.ts';
import { idle, until } from './people.ts';

let stage: ApprovalStage;
afterEach(async () => {
  await stage.sandbox.close();
});

const approvers = (lines: string) => (text: string) =>
  text.replace(/^approvers:.*$/m, `approvers:\n${lines}`);
const GROUP = approvers('  - who: [S0ONCALL]');

describe('approvers of a user group', () => {
  it('are those whom Slack names now', async () => {
    stage = await approvalStage(GROUP);
    const asking = await stage.find();
    await stage.approve(asking, 'U0MALLORY');
    expect(stage.shownTo('U0MALLORY')).toContain('not on the list of approvers');
    expect((await stage.incident()).approval?.approvedBy).toEqual([]);
    await stage.approve(asking, 'U0BOB');
    await idle(stage.sandbox);
    expect((await stage.incident()).approval).toMatchObject({ outcome: 'approved', decidedBy: 'U0BOB' });
  });

  it('loses the person who left it within a minute, and at once the person who was taken off by hand', async () => {
    stage = await approvalStage(GROUP);
    const asking = await stage.find();
    const { groups } = stage.sandbox.slack;
    groups['S0ONCALL'] = ['U0BOB'];
    await stage.approve(asking, 'U0ALICE');
    expect(stage.shownTo('U0ALICE')).toContain('not on the list');
    groups['S0ONCALL'] = ['U0ALICE'];
    stage.wait(2);
    await stage.approve(asking, 'U0BOB');
    expect(stage.shownTo('U0BOB')).toContain('not on the list');
    const { runtime } = stage.sandbox;
    await setRemovedApprovers(runtime.table, ['U0ALICE'], 'U0ADMIN', runtime.now());
    await stage.approve(asking, 'U0ALICE');
    expect(stage.shownTo('U0ALICE')).toContain('no longer an approver');
    expect((await stage.incident()).approval?.outcome).toBeUndefined();
    expect(stage.writes()).toBe(0);
  });

  it('names no one on the card who was taken off by hand', async () => {
    stage = await approvalStage(approvers('  - who: [U0ALICE, U0BOB]'));
    const { runtime } = stage.sandbox;
    await setRemovedApprovers(runtime.table, ['U0ALICE'], 'U0ADMIN', runtime.now());
    const asking = await stage.find();
    const card = JSON.stringify(stage.sandbox.slack.messages.find(({ ts }) => ts === asking.card.ts)?.blocks);
    expect(card).toContain('<@U0BOB>');
    expect(card).not.toContain('<@U0ALICE>');
  });

  it('falls back to those named by id while Slack does not say who is in it, and says so', async () => {
    stage = await approvalStage(approvers('  - who: [S0ONCALL, U0ALICE]'));
    const asking = await stage.find();
    stage.sandbox.slack.faults.push({ method: 'usergroups.users.list', error: 'fatal_error' });
    await stage.approve(asking, 'U0BOB');
    expect(stage.shownTo('U0BOB')).toContain('Slack did not say who is in S0ONCALL');
    expect((await stage.incident()).approval?.outcome).toBeUndefined();
    await stage.approve(asking, 'U0ALICE');
    expect((await stage.incident()).approval?.outcome).toBe('approved');
  });
});

describe('approvers by what it is about', () => {
  const rules = approvers(
    [
      '  - { who: [U0ALICE], environment: prod }',
      '  - { who: [U0BOB], severity: [high, critical] }',
      '  - { who: [U0BOB], account: "999999999999" }',
      '  - { who: [U0MALLORY] }',
    ].join('\n'),
  );

  it.each([
    ['the environment tag of the live target', { tags: { Environment: 'Prod' } }, 'U0ALICE', 'U0BOB'],
    ['severity', { severity: 8 }, 'U0BOB', 'U0ALICE'],
    ['nothing special', {}, 'U0MALLORY', 'U0BOB'],
  ])('by %s', async (_what, parts, who, other) => {
    stage = await approvalStage(rules);
    const asking = await stage.find(parts);
    await stage.approve(asking, other);
    expect((await stage.incident()).approval?.outcome).toBeUndefined();
    await stage.approve(asking, who);
    expect((await stage.incident()).approval).toMatchObject({ outcome: 'approved', decidedBy: who });
  });

  it('changes nothing without a new approval when the environment tag changed after the first', async () => {
    stage = await approvalStage(rules);
    const asking = await stage.find();
    const { twin } = stage.sandbox;
    for (const instance of twin.region().instances) instance.Tags['env'] = 'prod';
    await stage.approve(asking, 'U0MALLORY');
    await until(async () => ((await stage.incident()).approval?.outcome === undefined ? true : undefined));
    expect((await stage.incident()).status).toBe('awaiting-approval');
    expect((await stage.timeline()).join()).toContain('environment tag changed from none to prod');
    expect(stage.writes()).toBe(0);
  });
});

describe('two people', () => {
  const EXEMPT = { tags: { 'firebreak:exempt': 'true' } };

  it('must agree about an exempt target, and one person counts once', async () => {
    stage = await approvalStage();
    const asking = await stage.find(EXEMPT);
    expect(asking.approval.needed).toBe(2);
    await stage.approve(asking, 'U0BOB');
    await stage.approve(asking, 'U0BOB');
    expect(stage.shownTo('U0BOB')).toContain('a second person must');
    expect((await stage.incident()).approval).toMatchObject({ approvedBy: ['U0BOB'] });
    expect(stage.sandbox.machines.delivered).toHaveLength(0);
    await stage.approve(asking, 'U0ALICE');
    await idle(stage.sandbox);
    expect((await stage.incident()).approval).toMatchObject({
      outcome: 'approved',
      approvedBy: ['U0BOB', 'U0ALICE'],
    });
    expect(stage.writes()).toBeGreaterThan(0);
  });

  it('does not count the person who was taken off the list before the second one agreed', async () => {
    stage = await approvalStage();
    const asking = await stage.find(EXEMPT);
    await stage.approve(asking, 'U0BOB');
    const { runtime } = stage.sandbox;
    await setRemovedApprovers(runtime.table, ['U0BOB'], 'U0ADMIN', runtime.now());
    await stage.approve(asking, 'U0ALICE');
    expect((await stage.incident()).approval).toMatchObject({ approvedBy: ['U0ALICE'] });
    expect((await stage.incident()).approval?.outcome).toBeUndefined();
    expect(stage.writes()).toBe(0);
  });

  it('are both counted when they click in the same instant', async () => {
    stage = await approvalStage();
    const asking = await stage.find(EXEMPT);
    await Promise.all([stage.approve(asking, 'U0BOB'), stage.approve(asking, 'U0ALICE')]);
    await idle(stage.sandbox);
    expect((await stage.incident()).approval?.outcome).toBe('approved');
    expect(stage.sandbox.machines.delivered).toHaveLength(1);
  });
});

describe('break-glass', () => {
  const POLICY = (text: string) => text.replace('breakGlass: []', 'breakGlass: [U0BOB]');

  it('is for its own list, wants a reason, passes the second person, and is heard by everyone', async () => {
    stage = await approvalStage(POLICY);
    const asking = await stage.find({ tags: { 'firebreak:exempt': 'true' } });
    const { slack, twin } = stage.sandbox;
    const press = (userId: string) => slack.click({ ...asking.card, actionId: ACTIONS.breakGlass, userId });
    await press('U0ALICE');
    await stage.sandbox.idle();
    expect(stage.shownTo('U0ALICE')).toContain('not on the break-glass list');
    await press('U0BOB');
    const { id: viewId } = openView(slack, 'U0BOB', 'breakGlass');
    const empty = await slack.submit({ viewId, userId: 'U0BOB', filled: { reason: '   ' } });
    expect(empty.errors).toMatchObject({ reason: expect.stringContaining('Say why') });
    expect(stage.writes()).toBe(0);
    await slack.submit({ viewId, userId: 'U0BOB', filled: { reason: 'the database is being dumped' } });
    await idle(stage.sandbox);
    await stage.sandbox.idle();
    expect((await stage.incident()).approval).toMatchObject({
      outcome: 'approved',
      breakGlass: true,
      reason: 'the database is being dumped',
    });
    expect(stage.writes()).toBeGreaterThan(0);
    expect(twin.state.pages.map(({ subject }) => subject).join()).toContain('BREAK-GLASS by U0BOB');
    expect(slack.messages.map(({ text }) => text).join()).toContain('<!channel> *Firebreak');
    expect((await stage.timeline()).join()).toContain('BREAK-GLASS by U0BOB: the database is being dumped');
  });
});

describe('undo', () => {
  it('takes a second person, who is not the one who asked, while the finding goes on', async () => {
    stage = await approvalStage();
    const { sandbox } = stage;
    await stage.approve(await stage.find(), 'U0BOB');
    await idle(sandbox);
    const { id, slack } = await stage.incident();
    await sandbox.runtime.incidents.change(id, new Date(), () => ({ activeAfterContainment: true }));
    const on = { ts: slack?.ts ?? '', value: id };
    await sandbox.slack.click({ ...on, actionId: ACTIONS.undo, userId: 'U0BOB' });
    const asking = await until(async () => askingOf(sandbox, await stage.incident()));
    expect(asking.approval).toMatchObject({ purpose: 'undo', requestedBy: 'U0BOB' });
    await sandbox.slack.click({ ...on, actionId: ACTIONS.undo, userId: 'U0ALICE' });
    await sandbox.idle();
    expect(stage.shownTo('U0ALICE')).toContain('asked for already');
    await stage.approve(asking, 'U0BOB');
    expect(stage.shownTo('U0BOB')).toContain('a second person must');
    await stage.approve(asking, 'U0ALICE');
    await idle(sandbox);
    expect((await stage.incident()).status).toBe('undone');
  });
});
