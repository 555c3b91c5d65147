/** What an attacker made run later is switched off or as it was, and undo restores what the attacker left. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awsFor } from '../../core/aws/client.ts';
import type { Finding } from '../../core/finding/finding.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Act, Caller } from '../../sandbox/attacker.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import { type Accounts, playbookProperties, scene, sceneDatabase } from '../../test/playbooks/properties.ts';
import {
  attempt,
  callOf,
  forgetTheOwner,
  LONG_AGO,
  OWNER,
  readsItsExamples,
  SEEN,
  THIEF,
  targetIn,
  thiefFound,
} from '../../test/playbooks/reversed.ts';
import { codeChanges, reverseCodeChanges } from './playbook.ts';

const PATTERN = '{ "source": ["aws.guardduty"],\n "detail-type": ["GuardDuty Finding"] }';
const NONE = '{"source":["none"]}';
const lambda = (name: string): string => `arn:aws:lambda:eu-west-1:111122223333:function:${name}`;
const ROLE = 'arn:aws:iam::111122223333:role/events';

type Asked = Pick<Act, 'service' | 'operation' | 'input' | 'record'>;
const events = (operation: string, input: JsonObject): Asked => ({
  service: 'EventBridge',
  operation,
  input,
});
const targets = (Rule: string, ...Targets: readonly JsonObject[]): Asked =>
  events('PutTargets', { Rule, Targets: [...Targets] });
const ssm = (operation: string, input: JsonObject): Asked => ({
  ...{ service: 'SSM', operation },
  input: { Name: 'patch', ...input },
});
const share = (input: JsonObject): Asked =>
  ssm('ModifyDocumentPermission', { PermissionType: 'Share', ...input });

const TASKS = 'arn:aws:ecs:eu-west-1:111122223333:cluster/batch';
const scheduled = (operation: string, input: JsonObject): Asked => ({
  ...{ service: 'Scheduler', operation },
  input: {
    ...{ ScheduleExpression: 'rate(5 minutes)', FlexibleTimeWindow: { Mode: 'OFF' } },
    Target: { Arn: TASKS, RoleArn: ROLE, EcsParameters: { TaskDefinitionArn: 'mine', TaskCount: 1 } },
    ...input,
  },
});
const TEMPLATE = 'lt-0123456789abcdef0';
const startFrom = (version: number): Asked => ({
  ...{ service: 'EC2', operation: 'ModifyLaunchTemplate' },
  input: { LaunchTemplateId: TEMPLATE, DefaultVersion: String(version) },
  record: {
    request: {
      ModifyLaunchTemplateRequest: { LaunchTemplateId: TEMPLATE, SetDefaultVersion: version },
    },
    response: {
      ModifyLaunchTemplateResponse: {
        launchTemplate: { launchTemplateId: TEMPLATE, defaultVersionNumber: version },
      },
    },
  },
});
const task: JsonObject = {
  ...{ Id: 'batch', Arn: TASKS, RoleArn: ROLE },
  EcsParameters: { TaskDefinitionArn: 'mine', TaskCount: 1 },
};

/** What the attacker does, by a name for it. */
const ATTACKS = {
  'new rule': events('PutRule', { Name: 'refresh', ScheduleExpression: 'rate(5 minutes)' }),
  'new rule of a bus': events('PutRule', { Name: 'refresh', EventBusName: 'orders', EventPattern: NONE }),
  'blind rule': events('PutRule', { Name: 'guard', EventPattern: NONE }),
  'rule with a role': events('PutRule', { Name: 'guard', EventPattern: NONE, RoleArn: ROLE }),
  'enable rule': events('EnableRule', { Name: 'nightly' }),
  'disable rule': events('DisableRule', { Name: 'guard' }),
  'add target': targets('guard', { Id: 'copy', Arn: lambda('copy'), Input: '{"to":"x"}' }),
  'add rich target': targets('guard', {
    ...{ Id: 'rich', Arn: lambda('copy') },
    RetryPolicy: { MaximumRetryAttempts: 3 },
  }),
  'replace target': targets('guard', { Id: 'page', Arn: lambda('copy') }),
  'remove target': events('RemoveTargets', { Rule: 'guard', Ids: ['page'] }),
  'start a task': targets('guard', task),
  'delete rule': events('DeleteRule', { Name: 'audit' }),
  'new schedule': scheduled('CreateSchedule', { Name: 'refresh', GroupName: 'ours' }),
  'rewritten schedule': scheduled('UpdateSchedule', {
    ...{ Name: 'report', Description: 'x', EndDate: '2027-06-01T00:00:00.000Z' },
  }),
  'newer template': startFrom(3),
  'new function': {
    ...{ service: 'Lambda', operation: 'CreateFunction' },
    input: { FunctionName: 'refresh', Role: ROLE, Code: {} },
    record: { name: 'CreateFunction20150331' },
  },
  'older document': ssm('UpdateDocumentDefaultVersion', { DocumentVersion: '1' }),
  'share document': share({ AccountIdsToAdd: ['444455556666'] }),
  'publish document': share({ AccountIdsToAdd: ['All'] }),
  'unshare document': share({ AccountIdsToRemove: ['222233334444'] }),
} as const satisfies Readonly<Record<string, Asked>>;
type Attack = keyof typeof ATTACKS;
const ALL = Object.keys(ATTACKS) as Attack[];

const acts = (twin: AccountTwin, caller: Caller, call: Asked, at: Date): void =>
  attempt(twin, caller, { ...call, at });

function open(twin: AccountTwin, attacks: readonly Attack[], more: readonly Asked[] = []): unknown {
  const region = twin.region(twin.scope.region);
  region.documents = { patch: { versions: 3, inForce: '1', sharedWith: [] } };
  region.launchTemplates = {
    [TEMPLATE]: {
      versions: ['2026-07-01T09:00:00.000Z', '2026-08-01T09:00:00.000Z', '2026-11-24T07:00:10.000Z'],
      inForce: 1,
    },
  };
  const owned: readonly Asked[] = [
    events('PutRule', { Name: 'guard', EventPattern: PATTERN, Description: 'tells of findings' }),
    targets('guard', { Id: 'page', Arn: lambda('page') }),
    events('PutRule', { Name: 'nightly', ScheduleExpression: 'rate(1 day)', State: 'DISABLED' }),
    events('PutRule', { Name: 'audit', EventPattern: PATTERN }),
    scheduled('CreateSchedule', { Name: 'report', StartDate: '2027-01-01T00:00:00.000Z' }),
    startFrom(2),
    ssm('UpdateDocumentDefaultVersion', { DocumentVersion: '2' }),
    share({ AccountIdsToAdd: ['222233334444'] }),
  ];
  for (const call of owned) acts(twin, OWNER, call, LONG_AGO);
  [...attacks.map((attack): Asked => ATTACKS[attack]), ...more].forEach((call, index) => {
    acts(twin, THIEF, call, new Date(SEEN + 60_000 * (index + 1)));
  });
  return thiefFound(twin);
}

let opened: AccountTwin | undefined;
const accounts: Accounts<readonly Attack[]> = {
  worlds: fc
    .array(fc.constantFrom(...ALL), { maxLength: 5 })
    // One that leaves something to reverse in every order.
    .map((attacks): Attack[] => ['new function', ...attacks]),
  runs: 8,
  open(twin, world) {
    opened = twin;
    return open(twin, world);
  },
  target: (finding: Finding) => targetIn(codeChanges, opened, finding, finding.region),
};
playbookProperties(reverseCodeChanges, accounts);

const database = sceneDatabase('reverse-code-changes-test');
const opening = (set: (twin: AccountTwin) => void) =>
  scene(
    database(),
    reverseCodeChanges,
    {
      ...accounts,
      open(twin) {
        opened = twin;
        set(twin);
        return thiefFound(twin);
      },
    },
    [],
  );
const at = (attacks: readonly Attack[], ...more: Asked[]) =>
  opening((twin) => {
    open(twin, attacks, more);
  });

describe('what an attacker made run later', () => {
  it.each(ALL)('%s: is reversed, proven, and undone letter for letter', async (attack) => {
    const here = at([attack]);
    const before = here.account();
    const { steps } = await here.contain();
    expect(steps.map(({ status }) => status)).toEqual(['done']);
    expect(await here.prove()).toMatchObject({ proven: true });
    expect(here.account()).not.toEqual(before);
    await here.undo();
    expect(here.account()).toEqual(before);
  });

  it('is what it was before all of it', async () => {
    const here = at(ALL);
    const before = here.account();
    await here.contain();
    const region = here.twin.region(here.twin.scope.region);
    expect(region.eventRules).toMatchObject({
      'default/guard': {
        ...{ State: 'ENABLED', EventPattern: PATTERN, Description: 'tells of findings' },
        targets: { page: { Id: 'page', Arn: lambda('page') } },
      },
      'default/nightly': { State: 'DISABLED' },
      'default/refresh': { State: 'DISABLED', ScheduleExpression: 'rate(5 minutes)' },
      'orders/refresh': { State: 'DISABLED' },
    });
    expect(Object.keys(region.eventRules?.['default/guard']?.targets ?? {})).toEqual(['page']);
    expect(region.eventRules?.['default/audit']).toMatchObject({ State: 'ENABLED', EventPattern: PATTERN });
    expect(region.schedules).toMatchObject({
      'ours/refresh': { State: 'DISABLED', Target: { Arn: TASKS } },
      'default/report': { State: 'DISABLED', Description: 'x' },
    });
    expect(region.launchTemplates?.[TEMPLATE]?.inForce).toBe(2);
    expect(region.lambda.functions.map(({ reserved }) => reserved)).toEqual([0]);
    expect(region.documents).toEqual({
      patch: { versions: 3, inForce: '2', sharedWith: ['222233334444'] },
    });
    await here.undo();
    expect(here.account()).toEqual(before);
  });

  it('took the place of what has no role: undo passes the role again, and a containment does not', async () => {
    const here = at(['new function'], targets('guard', { ...task, Id: 'page' }));
    const before = here.account();
    await here.contain();
    const { eventRules = {} } = here.twin.region(here.twin.scope.region);
    expect(eventRules['default/guard']?.targets['page']).toEqual({ Id: 'page', Arn: lambda('page') });
    await here.undo();
    expect(here.account()).toEqual(before);
  });

  it('took out what had a role: named with the role, since a containment passes none', async () => {
    const here = opening((twin) => {
      open(twin, []);
      acts(twin, OWNER, targets('guard', task), new Date(LONG_AGO.getTime() + 60_000));
      acts(twin, THIEF, events('RemoveTargets', { Rule: 'guard', Ids: ['batch'] }), new Date(SEEN + 60_000));
      acts(twin, THIEF, ATTACKS['new function'], new Date(SEEN + 120_000));
    });
    const plan = await here.plan();
    expect(plan.kind === 'plan' && plan.steps.map(({ kind }) => kind)).toEqual(['created-function']);
    expect(plan.kind === 'plan' && plan.residual.join()).toContain(`which was ${TASKS} with ${ROLE}`);
  });

  it('deleted a rule that had a target: both are there again', async () => {
    const here = at(['remove target'], events('DeleteRule', { Name: 'guard' }));
    const before = here.account();
    await here.contain();
    const { eventRules = {} } = here.twin.region(here.twin.scope.region);
    expect(eventRules['default/guard']).toMatchObject({
      ...{ State: 'ENABLED', EventPattern: PATTERN },
      targets: { page: { Id: 'page', Arn: lambda('page') } },
    });
    await here.undo();
    expect(here.account()).toEqual(before);
  });

  it('wrote a schedule whose start has passed: it is disabled without it', async () => {
    const here = at(['new schedule']);
    const { schedules = {} } = here.twin.region(here.twin.scope.region);
    const started = { ...schedules['ours/refresh'], StartDate: '2026-11-24T07:05:00.000Z' };
    schedules['ours/refresh'] = started;
    await here.contain();
    const { StartDate: _passed, ...kept } = started;
    expect(schedules['ours/refresh']).toEqual({ ...kept, State: 'DISABLED' });
    await here.undo();
    expect(schedules['ours/refresh']).toEqual(kept);
  });

  it('wrote a schedule that its owner wrote again since: it stays', async () => {
    const mine = scheduled('UpdateSchedule', { Name: 'refresh', GroupName: 'ours', Description: 'ours' });
    const owned = at(['new schedule', 'new function']);
    acts(owned.twin, OWNER, mine, new Date(SEEN + 300_000));
    const plan = await owned.plan();
    expect(plan.kind === 'plan' && plan.steps.map(({ kind }) => kind)).toEqual(['created-function']);
    expect(plan.kind === 'plan' && plan.residual.join()).toContain('by another principal since');
    // Between the plan and the write.
    const late = at(['new schedule']);
    const planned = await late.plan();
    const [step] = planned.kind === 'plan' ? planned.steps : [];
    if (!step) throw new Error('no step');
    acts(late.twin, OWNER, mine, new Date(SEEN + 300_000));
    const context = {
      ...{ target: late.target, aws: awsFor(late.target), caseId: 'fb-aaaaaaaaaaaa', outputs: {} },
      now: () => new Date(late.clock.at),
    };
    const write = reverseCodeChanges.kinds[step.kind]?.apply(step.args, context, step.before, step.after);
    await expect(write).rejects.toThrow('another principal changed it since');
  });

  it('enabled a rule that its owner enabled again since: not sure', async () => {
    const here = at(['enable rule']);
    acts(here.twin, OWNER, ATTACKS['enable rule'], new Date(SEEN + 300_000));
    const plan = await here.plan();
    expect(plan.kind === 'plan' && plan.warnings.join()).toContain('another principal changed it since');
    expect(plan.kind === 'plan' && plan.steps[0]?.describe).toContain('not sure');
  });

  it.each([
    ['a launch template', 'newer template', 'Make version 2 the default of launch template'],
    ['a document', 'older document', 'Make version 2 the default of document'],
  ] as const)(
    'changed the default of %s that CloudTrail no longer shows: the newest version from before, not sure',
    async (_what, attack, says) => {
      const here = at([attack]);
      forgetTheOwner(here.twin, here.twin.scope.region);
      const { documents = {} } = here.twin.region(here.twin.scope.region);
      const patch = documents['patch'];
      if (patch)
        patch.since = ['2026-07-01T09:00:00.000Z', '2026-08-01T09:00:00.000Z', '2026-11-24T07:00:10.000Z'];
      const plan = await here.plan();
      const [step] = plan.kind === 'plan' ? plan.steps : [];
      expect(step?.describe).toContain(says);
      expect(step?.describe).toContain('from version 2; not sure');
      expect(plan.kind === 'plan' && plan.warnings.join()).toContain('the newest of 2 versions from before');
      const before = here.account();
      await here.contain();
      expect(await here.prove()).toMatchObject({ proven: true });
      await here.undo();
      expect(here.account()).toEqual(before);
    },
  );

  it('is not written from a record that hides what it was given', async () => {
    const hidden = (twin: AccountTwin) => {
      const call = targets('guard', { Id: 'page', Arn: lambda('page'), Input: '{"token":"x"}' });
      const input = 'HIDDEN_DUE_TO_SECURITY_REASONS';
      const request = { rule: 'guard', targets: [{ id: 'page', arn: lambda('page'), input }] };
      acts(twin, OWNER, { ...call, record: { request } }, new Date(LONG_AGO.getTime() + 60_000));
    };
    const here = opening((twin) => {
      open(twin, []);
      hidden(twin);
      acts(twin, THIEF, ATTACKS['replace target'], new Date(SEEN + 60_000));
      acts(twin, THIEF, ATTACKS['new function'], new Date(SEEN + 120_000));
    });
    const plan = await here.plan();
    expect(plan.kind === 'plan' && plan.steps.map(({ kind }) => kind)).toEqual(['created-function']);
    expect(plan.kind === 'plan' && plan.residual.join()).toContain('does not show all of target page');
  });
});

describe('a record with hostile names', () => {
  const account = { partition: 'aws', account: '111122223333' };
  it.each([
    ['PutRule', 'events', { name: '__proto__; rm -rf /' }],
    ['PutRule', 'events', { name: 'x', eventBusName: 'arn:aws:events:x:1:event-bus/$(id)' }],
    ['PutTargets', 'events', { rule: 'x', targets: [{ id: '$(id)', arn: 'arn:aws:lambda:::x' }] }],
    ['CreateFunction20150331', 'lambda', { functionName: 'x y' }],
    ['UpdateDocumentDefaultVersion', 'ssm', { name: 'patch', documentVersion: '1;2' }],
    ['ModifyDocumentPermission', 'ssm', { name: 'patch', accountIdsToAdd: ['everyone'] }],
    ['UpdateFunctionCode20150331v2', 'lambda', { functionName: '`id`' }],
    ['CreateProject', 'codebuild', { name: '--help' }],
    ['CreateSchedule', 'scheduler', { name: 'x y' }],
    ['UpdateSchedule', 'scheduler', { name: 'x', groupName: '$(id)' }],
    ['DeleteRule', 'events', { name: '`id`' }],
    [
      'ModifyLaunchTemplate',
      'ec2',
      { ModifyLaunchTemplateRequest: { LaunchTemplateId: 'lt-1 --help', SetDefaultVersion: 1 } },
    ],
  ])('%s of %s leads to nothing: %j', (eventName, source, requestParameters) => {
    const call = callOf({ eventName, requestParameters }, `${source}.amazonaws.com`);
    expect(codeChanges.answers(call, account)).toBe(false);
  });
});

it('reads the example of each answer, and each is about another kind', () => readsItsExamples(codeChanges));
