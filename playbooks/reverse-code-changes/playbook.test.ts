/** What an attacker made run later is switched off or as it was, and undo restores what the attacker left. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../core/finding/finding.ts';
import type { JsonObject } from '../../core/json.ts';
import { type Act, act, type Caller } from '../../sandbox/attacker.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import { type Accounts, playbookProperties, scene, sceneDatabase } from '../../test/playbooks/properties.ts';
import {
  callOf,
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

/** What the attacker does, by a name for it. */
const ATTACKS = {
  'new rule': events('PutRule', { Name: 'refresh', ScheduleExpression: 'rate(5 minutes)' }),
  'new rule of a bus': events('PutRule', { Name: 'refresh', EventBusName: 'orders', EventPattern: NONE }),
  'blind rule': events('PutRule', { Name: 'guard', EventPattern: NONE }),
  'enable rule': events('EnableRule', { Name: 'nightly' }),
  'disable rule': events('DisableRule', { Name: 'guard' }),
  'add target': targets('guard', { Id: 'copy', Arn: lambda('copy'), Input: '{"to":"x"}' }),
  'add rich target': targets('guard', {
    ...{ Id: 'rich', Arn: lambda('copy') },
    RetryPolicy: { MaximumRetryAttempts: 3 },
  }),
  'replace target': targets('guard', { Id: 'page', Arn: lambda('copy') }),
  'remove target': events('RemoveTargets', { Rule: 'guard', Ids: ['page'] }),
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

/** Makes the call; what AWS refuses leaves no change. */
function acts(twin: AccountTwin, caller: Caller, call: Asked, at: Date): void {
  try {
    act(twin, caller, { ...call, at });
  } catch (error) {
    if (!(error instanceof Error && '$fault' in error)) throw error;
  }
}

function open(twin: AccountTwin, attacks: readonly Attack[], more: readonly Asked[] = []): unknown {
  const region = twin.region(twin.scope.region);
  region.documents = { patch: { versions: 3, inForce: '1', sharedWith: [] } };
  const owned: readonly Asked[] = [
    events('PutRule', { Name: 'guard', EventPattern: PATTERN, Description: 'tells of findings' }),
    targets('guard', { Id: 'page', Arn: lambda('page') }),
    events('PutRule', { Name: 'nightly', ScheduleExpression: 'rate(1 day)', State: 'DISABLED' }),
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
const at = (attacks: readonly Attack[], ...more: Asked[]) =>
  scene(
    database(),
    reverseCodeChanges,
    {
      ...accounts,
      open(twin) {
        opened = twin;
        return open(twin, attacks, more);
      },
    },
    attacks,
  );

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
    expect(region.lambda.functions.map(({ reserved }) => reserved)).toEqual([0]);
    expect(region.documents).toEqual({
      patch: { versions: 3, inForce: '2', sharedWith: ['222233334444'] },
    });
    await here.undo();
    expect(here.account()).toEqual(before);
  });

  it('with a role is named: undo could not pass it again', async () => {
    const batch = { Id: 'batch', Arn: 'arn:aws:states:eu-west-1:111122223333:stateMachine:x', RoleArn: ROLE };
    const here = at(['new rule'], targets('refresh', batch));
    const plan = await here.plan();
    expect(plan.kind === 'plan' && plan.steps.map(({ kind }) => kind)).toEqual(['rule-state']);
    expect(plan.kind === 'plan' && plan.residual.join()).toContain(
      'rule refresh starts something with a role',
    );
  });

  it('took the place of what had a role: named, and undo keeps what has none', async () => {
    const mine = { Id: 'page', Arn: 'arn:aws:sqs:eu-west-1:111122223333:x', RoleArn: ROLE };
    const here = at(['new function'], targets('guard', mine));
    await here.contain();
    const { eventRules = {} } = here.twin.region(here.twin.scope.region);
    expect(eventRules['default/guard']?.targets['page']).toEqual({ Id: 'page', Arn: lambda('page') });
    await here.undo();
    const kept = (await here.journal()).find(({ kind }) => kind === 'rule-target');
    expect(kept).toMatchObject({
      status: 'kept',
      note: expect.stringContaining('passes no role to target page'),
    });
    expect(eventRules['default/guard']?.targets['page']).toEqual({ Id: 'page', Arn: lambda('page') });
  });

  it('is not written from a record that hides what it was given', async () => {
    const hidden = (twin: AccountTwin) => {
      const call = targets('guard', { Id: 'page', Arn: lambda('page'), Input: '{"token":"x"}' });
      const input = 'HIDDEN_DUE_TO_SECURITY_REASONS';
      const request = { rule: 'guard', targets: [{ id: 'page', arn: lambda('page'), input }] };
      acts(twin, OWNER, { ...call, record: { request } }, new Date(LONG_AGO.getTime() + 60_000));
    };
    const here = scene(
      database(),
      reverseCodeChanges,
      {
        ...accounts,
        open(twin) {
          opened = twin;
          open(twin, []);
          hidden(twin);
          acts(twin, THIEF, ATTACKS['replace target'], new Date(SEEN + 60_000));
          acts(twin, THIEF, ATTACKS['new function'], new Date(SEEN + 120_000));
          return thiefFound(twin);
        },
      },
      [],
    );
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
  ])('%s of %s leads to nothing: %j', (eventName, source, requestParameters) => {
    const call = callOf({ eventName, requestParameters }, `${source}.amazonaws.com`);
    expect(codeChanges.answers(call, account)).toBe(false);
  });
});

it('reads the example of each answer, and each is about another kind', () => readsItsExamples(codeChanges));
