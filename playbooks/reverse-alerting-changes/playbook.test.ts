/** What an attacker silenced counts, is sent and notifies again, and undo restores what the attacker left. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../core/finding/finding.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Act, Caller } from '../../sandbox/attacker.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import { type Accounts, playbookProperties, scene, sceneDatabase } from '../../test/playbooks/properties.ts';
import {
  attempt,
  callOf,
  LONG_AGO,
  OWNER,
  readsItsExamples,
  recorded,
  SEEN,
  THIEF,
  targetIn,
  thiefFound,
} from '../../test/playbooks/reversed.ts';
import { alertingChanges, reverseAlertingChanges } from './playbook.ts';

const GROUP = '/aws/cloudtrail';
const ROLE = 'arn:aws:iam::111122223333:role/to-stream';
const STREAM = 'arn:aws:kinesis:eu-west-1:111122223333:stream/siem';
const COLLECT = 'arn:aws:logs:eu-west-1:444455556666:destination:collect';
type Asked = Pick<Act, 'service' | 'operation' | 'input' | 'record'>;

const ofGroup = (operation: string, more: JsonObject): Asked => ({
  ...{ service: 'CloudWatchLogs', operation, input: { logGroupName: GROUP, ...more } },
});
const counts = (filterName: string, filterPattern: string): Asked =>
  ofGroup('PutMetricFilter', {
    ...{ filterName, filterPattern },
    metricTransformations: [
      { metricName: 'root', metricNamespace: 'cis', metricValue: '1', defaultValue: 0 },
    ],
  });
const sends = (filterName: string, destinationArn: string): Asked =>
  ofGroup('PutSubscriptionFilter', {
    ...{ filterName, filterPattern: '', destinationArn },
    ...(destinationArn === STREAM ? { roleArn: ROLE, distribution: 'Random' } : {}),
  });
const alarm = (operation: string, ...AlarmNames: string[]): Asked => ({
  ...{ service: 'CloudWatch', operation, input: { AlarmNames } },
});

const ATTACKS = {
  'delete metric filter': ofGroup('DeleteMetricFilter', { filterName: 'root' }),
  'blunt metric filter': counts('root', 'nothing'),
  'delete subscription': ofGroup('DeleteSubscriptionFilter', { filterName: 'siem' }),
  'redirect subscription': sends('siem', COLLECT),
  'add subscription': sends('copy', COLLECT),
  'silence alarm': alarm('DisableAlarmActions', 'root-login'),
} as const satisfies Readonly<Record<string, Asked>>;
type Attack = keyof typeof ATTACKS;
const ALL = Object.keys(ATTACKS) as Attack[];

const acts = (twin: AccountTwin, caller: Caller, asked: Asked, at: Date): void =>
  attempt(twin, caller, { ...asked, at });

function open(twin: AccountTwin, attacks: readonly Asked[]): unknown {
  const region = twin.region(twin.scope.region);
  region.logGroups = { [GROUP]: 365 };
  region.alarms = { 'root-login': true, quiet: false };
  for (const asked of [counts('root', '{ $.userIdentity.type = "Root" }'), sends('siem', STREAM)])
    acts(twin, OWNER, asked, LONG_AGO);
  attacks.forEach((asked, index) => {
    acts(twin, THIEF, asked, new Date(SEEN + 60_000 * (index + 1)));
  });
  return thiefFound(twin);
}

let opened: AccountTwin | undefined;
const accounts: Accounts<readonly Attack[]> = {
  worlds: fc
    .array(fc.constantFrom(...ALL), { maxLength: 5 })
    // One that leaves something to reverse in every order.
    .map((attacks): Attack[] => ['silence alarm', ...attacks]),
  runs: 8,
  open(twin, world) {
    opened = twin;
    return open(
      twin,
      world.map((attack) => ATTACKS[attack]),
    );
  },
  target: (finding: Finding) => targetIn(alertingChanges, opened, finding, finding.region),
};
playbookProperties(reverseAlertingChanges, accounts);

const database = sceneDatabase('reverse-alerting-changes-test');
const at = (...attacks: Asked[]) =>
  scene(
    database(),
    reverseAlertingChanges,
    {
      ...accounts,
      open(twin) {
        opened = twin;
        return open(twin, attacks);
      },
    },
    [],
  );

describe('what an attacker silenced', () => {
  it.each(ALL)('%s: is as it was, proven, and undone', async (attack) => {
    const here = at(ATTACKS[attack]);
    const before = here.account();
    const { steps } = await here.contain();
    expect(steps.map(({ status }) => status)).toEqual(['done']);
    expect(await here.prove()).toMatchObject({ proven: true });
    expect(here.account()).not.toEqual(before);
    await here.undo();
    expect(here.account()).toEqual(before);
  });

  it('counts, sends and notifies as the owner had it', async () => {
    const owned = at(counts('more', 'x'));
    const was = owned.twin.region(owned.twin.scope.region).logFilters?.[GROUP];
    const here = at(...ALL.map((attack) => ATTACKS[attack]));
    await here.contain();
    const region = here.twin.region(here.twin.scope.region);
    expect(region.logFilters?.[GROUP]?.subscription).toEqual(was?.subscription);
    expect(region.logFilters?.[GROUP]?.metric['root']).toEqual(was?.metric['root']);
    expect(region.alarms).toEqual({ 'root-login': true, quiet: false });
  });

  it('leaves an alarm that was silent before, and a metric filter that was added', async () => {
    const attacks = [alarm('DisableAlarmActions', 'quiet'), counts('more', 'x'), ATTACKS['silence alarm']];
    const here = at(...attacks);
    recorded(here.twin, here.twin.scope.region, {
      ...{ type: 'AWS::CloudWatch::Alarm', id: 'quiet', configuration: { actionsEnabled: false } },
    });
    const made = await here.plan();
    expect(made.kind === 'plan' && made.steps.map(({ describe }) => describe)).toEqual([
      expect.stringContaining('root-login'),
    ]);
    expect(made.kind === 'plan' && made.residual.join()).toContain('put it from your template');
  });

  it('names an alarm that was deleted, with the command that shows what it was', async () => {
    const deleted: Asked = {
      service: 'CloudWatch',
      operation: 'DisableAlarmActions',
      input: { AlarmNames: ['gone'] },
    };
    const here = at(
      { ...deleted, record: { name: 'DeleteAlarms', request: { alarmNames: ["it's gone"] } } },
      ATTACKS['silence alarm'],
    );
    const made = await here.plan();
    expect(made.kind === 'plan' && made.residual.join()).toContain(
      String.raw`aws cloudwatch describe-alarm-history --region=eu-west-1 --alarm-name='it'\''s gone' --history-item-type=ConfigurationUpdate`,
    );
  });
});

describe('a service that was switched off', () => {
  const scope = { partition: 'aws', account: '111122223333', region: 'us-east-1' };
  const securityhub = (rest: string) => `arn:aws:securityhub:${rest}`;
  it.each([
    [
      ...(['BatchDisableStandards', 'securityhub'] as const),
      {
        StandardsSubscriptionArns: [
          securityhub('us-east-1:111122223333:subscription/aws-foundational-security-best-practices/v/1.0.0'),
          securityhub('us-east-1:111122223333:subscription/cis-aws-foundations-benchmark/v/1.2.0'),
        ],
      },
      `aws securityhub batch-enable-standards --region=us-east-1 --standards-subscription-requests StandardsArn=${securityhub(
        'us-east-1::standards/aws-foundational-security-best-practices/v/1.0.0',
      )} StandardsArn=${securityhub('::ruleset/cis-aws-foundations-benchmark/v/1.2.0')}`,
    ],
    [
      ...(['DisableImportFindingsForProduct', 'securityhub'] as const),
      { productSubscriptionArn: securityhub('us-east-1:111122223333:product-subscription/aws/guardduty') },
      `aws securityhub enable-import-findings-for-product --region=us-east-1 --product-arn=${securityhub('us-east-1::product/aws/guardduty')}`,
    ],
    [
      ...(['Disable', 'inspector2'] as const),
      { accountIds: ['111122223333'], resourceTypes: ['EC2', 'LAMBDA'] },
      'aws inspector2 enable --region=us-east-1 --account-ids 111122223333 --resource-types EC2 LAMBDA',
    ],
    [
      ...(['UpdateMacieSession', 'macie2'] as const),
      { status: 'PAUSED' },
      'aws macie2 update-macie-session --region=us-east-1 --status=ENABLED',
    ],
    [
      ...(['CreateArchiveRule', 'access-analyzer'] as const),
      { analyzerName: 'account', ruleName: 'hide' },
      'aws accessanalyzer delete-archive-rule --region=us-east-1 --analyzer-name=account --rule-name=hide',
    ],
    [
      ...(['DeleteResolverQueryLogConfig', 'route53resolver'] as const),
      { resolverQueryLogConfigId: 'rqlc-0123456789abcdef0' },
      'aws route53resolver list-resolver-query-log-configs --region=us-east-1',
    ],
  ])('%s of %s: gives the command', (eventName, source, requestParameters, command) => {
    const call = callOf({ eventName, requestParameters }, `${source}.amazonaws.com`);
    const named = alertingChanges.byHand.flatMap(({ calls, next }) =>
      calls.source === call.source ? (next(call, scope)?.next ?? []) : [],
    );
    expect(named).toEqual([command]);
  });
});

describe('a record with hostile names', () => {
  const account = { partition: 'aws', account: '111122223333' };
  it.each([
    ['DisableAlarmActions', 'monitoring', { alarmNames: ['$(id)', '`id`'] }],
    ['DeleteAlarms', 'monitoring', { alarmNames: [] }],
    ['PutSubscriptionFilter', 'logs', { logGroupName: GROUP, filterName: 'x', destinationArn: 'http://x' }],
    [
      'BatchDisableStandards',
      'securityhub',
      { StandardsSubscriptionArns: ['--help', 'arn:aws:securityhub:$(id)'] },
    ],
    ['DisableImportFindingsForProduct', 'securityhub', { productSubscriptionArn: '`id`' }],
    ['UpdateMacieSession', 'macie2', { status: 'ENABLED' }],
    ['DeleteAnalyzer', 'access-analyzer', { analyzerName: '--help' }],
    ['CreateArchiveRule', 'access-analyzer', { analyzerName: 'account', ruleName: '$(id)' }],
    [
      'DisassociateResolverQueryLogConfig',
      'route53resolver',
      { resolverQueryLogConfigId: 'x', resourceId: 'vpc-0a' },
    ],
    ['DeleteResolverQueryLogConfig', 'route53resolver', { resolverQueryLogConfigId: '; id' }],
    ['DeleteMetricFilter', 'logs', { logGroupName: GROUP, filterName: '$(id)' }],
  ])('%s of %s leads to nothing: %j', (eventName, source, requestParameters) => {
    const call = callOf({ eventName, requestParameters }, `${source}.amazonaws.com`);
    expect(alertingChanges.answers(call, account)).toBe(false);
  });
});

it('reads the example of each answer, and each is about another kind', () =>
  readsItsExamples(alertingChanges));
