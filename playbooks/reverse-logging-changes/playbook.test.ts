/** What an attacker switched off records again, nothing is shortened, and undo restores what the attacker left. */
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
import { loggingChanges, reverseLoggingChanges } from './playbook.ts';

const TRAIL = 'arn:aws:cloudtrail:eu-west-1:111122223333:trail/audit';
const OTHER = 'arn:aws:cloudtrail:eu-west-1:111122223333:trail/data';
/** What is deleted stays once it is made again: these are the only ones. */
const LOST = 'arn:aws:cloudtrail:eu-west-1:111122223333:trail/billing';
const store = (end: number) =>
  `arn:aws:cloudtrail:eu-west-1:111122223333:eventdatastore/11111111-2222-4333-8444-55555555555${end}`;
const [LAKE, LOST_LAKE] = [store(1), store(2)];
const LOG_GROUP = 'arn:aws:logs:eu-west-1:111122223333:log-group:/aws/trail:*';
const [GROUP, LOST_GROUP] = ['/aws/cloudtrail', '/aws/lost'];
const VPC = 'vpc-0000000000000a001';
const TO_BUCKET = 'fl-0000000000000a001';
const TO_GROUP = 'fl-0000000000000a002';
const UNKNOWN = 'fl-0000000000000a003';
const KEY = 'arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab';
const RECORDER_ROLE = 'arn:aws:iam::111122223333:role/config';
const ROLE = 'arn:aws:iam::111122223333:role/flow-logs';

type Asked = Pick<Act, 'service' | 'operation' | 'input' | 'record'>;
const trail = (operation: string, Name: string): Asked => ({
  ...{ service: 'CloudTrail', operation, input: { Name } },
});
const selectors = (TrailName: string, ...EventSelectors: JsonObject[]): Asked => ({
  ...{ service: 'CloudTrail', operation: 'PutEventSelectors' },
  input: { TrailName, EventSelectors },
});
const updates = (Name: string, input: JsonObject): Asked => ({
  ...{ service: 'CloudTrail', operation: 'UpdateTrail', input: { Name, ...input } },
});
const lake = (operation: string, EventDataStore: string): Asked => ({
  ...{ service: 'CloudTrail', operation, input: { EventDataStore } },
});
const management = (ReadWriteType: string) => ({
  ...{ ReadWriteType, IncludeManagementEvents: true },
  ...{ DataResources: [], ExcludeManagementEventSources: [] },
});
const objects = {
  ...management('All'),
  DataResources: [{ Type: 'AWS::S3::Object', Values: ['arn:aws:s3:::orders/'] }],
};
const none = { ...management('ReadOnly'), IncludeManagementEvents: false };
const recorder = (operation: string): Asked => ({
  ...{ service: 'ConfigService', operation },
  input: { ConfigurationRecorderName: 'default' },
});
const records = (more: JsonObject, role = RECORDER_ROLE): Asked => ({
  ...{ service: 'ConfigService', operation: 'PutConfigurationRecorder' },
  input: { ConfigurationRecorder: { name: 'default', roleARN: role, ...more } },
});
const delivers = (s3BucketName: string, more: JsonObject = {}): Asked => ({
  ...{ service: 'ConfigService', operation: 'PutDeliveryChannel' },
  input: { DeliveryChannel: { name: 'default', s3BucketName, ...more } },
});
const channelGone: Asked = {
  ...{ service: 'ConfigService', operation: 'DeleteDeliveryChannel' },
  input: { DeliveryChannelName: 'default' },
};
const keeps = (retentionInDays: number): Asked => ({
  ...{ service: 'CloudWatchLogs', operation: 'PutRetentionPolicy' },
  input: { logGroupName: GROUP, retentionInDays },
});
const ofGroup = (operation: string, more: JsonObject = {}, logGroupName = GROUP): Asked => ({
  ...{ service: 'CloudWatchLogs', operation, input: { logGroupName, ...more } },
});
/** EC2's query calls stand in CloudTrail as XML turned into JSON. */
const deletes = (id: string): Asked => ({
  ...{ service: 'EC2', operation: 'DeleteFlowLogs', input: { FlowLogIds: [id] } },
  record: { request: { DeleteFlowLogsRequest: { FlowLogId: { tag: 1, content: id } } }, response: {} },
});

/** What the attacker does, by a name for it. */
const ATTACKS = {
  'stop trail': trail('StopLogging', 'audit'),
  'stop trail by its ARN': trail('StopLogging', OTHER),
  'narrow trail': selectors('audit', none),
  'narrow other trail': selectors(OTHER, none),
  'send trail elsewhere': updates('audit', {
    ...{ S3BucketName: 'collect', S3KeyPrefix: 'x', IsMultiRegionTrail: false },
    KmsKeyId: 'arn:aws:kms:eu-west-1:444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab',
  }),
  'silence trail': updates('audit', {
    ...{ SnsTopicName: '', CloudWatchLogsLogGroupArn: '', CloudWatchLogsRoleArn: '' },
    ...{ EnableLogFileValidation: false, IncludeGlobalServiceEvents: false, IsMultiRegionTrail: false },
    RecursiveLogging: false,
  }),
  'stop lost trail': trail('StopLogging', LOST),
  'narrow lost trail': selectors('billing', none),
  'delete trail': trail('DeleteTrail', 'billing'),
  'stop store': lake('StopEventDataStoreIngestion', LAKE),
  'delete store': lake('DeleteEventDataStore', LOST_LAKE),
  'narrow recorder': records({
    ...{ recordingGroup: { allSupported: false, resourceTypes: ['AWS::SNS::Topic'] } },
    recordingMode: { recordingFrequency: 'DAILY' },
  }),
  'send Config elsewhere': delivers('collect'),
  'delete recorder': recorder('DeleteConfigurationRecorder'),
  // It stops the recorder first, as AWS Config wants it: see below.
  'delete channel': channelGone,
  'stop recorder': recorder('StopConfigurationRecorder'),
  'short retention': keeps(1),
  'delete log group': ofGroup('DeleteLogGroup', {}, LOST_GROUP),
  'delete flow log to a bucket': deletes(TO_BUCKET),
  'delete flow log to a group': deletes(TO_GROUP),
} as const satisfies Readonly<Record<string, Asked>>;
type Attack = keyof typeof ATTACKS;
const ALL = Object.keys(ATTACKS) as Attack[];

const acts = (twin: AccountTwin, caller: Caller, asked: Asked, at: Date): void =>
  attempt(twin, caller, { ...asked, at });

/** The owner's trail, with every setting. */
const CREATES = (Name: string): Asked => ({
  ...{ service: 'CloudTrail', operation: 'CreateTrail' },
  input: {
    ...{ Name, S3BucketName: 'records', SnsTopicName: 'records', IsMultiRegionTrail: true },
    ...{ EnableLogFileValidation: true, CloudWatchLogsLogGroupArn: LOG_GROUP, CloudWatchLogsRoleArn: ROLE },
    KmsKeyId: KEY,
  },
});

/** The owner's flow log with this id, and the call that made it. */
function flowLog(twin: AccountTwin, FlowLogId: string, to: JsonObject): void {
  const region = twin.region(twin.scope.region);
  const made = { ResourceId: VPC, TrafficType: 'ALL', ...to };
  acts(
    twin,
    OWNER,
    {
      ...{ service: 'EC2', operation: 'CreateFlowLogs' },
      input: { ...to, ResourceIds: [VPC], ResourceType: 'VPC', TrafficType: 'ALL' },
      record: {
        request: { CreateFlowLogsRequest: { ...made, ResourceId: { tag: 1, content: VPC } } },
        response: { CreateFlowLogsResponse: { flowLogIdSet: { item: FlowLogId } } },
      },
    },
    LONG_AGO,
  );
  const newest = region.flowLogs.at(-1);
  if (newest) newest.FlowLogId = FlowLogId;
}

function open(twin: AccountTwin, attacks: readonly Asked[]): unknown {
  const region = twin.region(twin.scope.region);
  region.cloudtrail.trails.push({
    ...{ TrailARN: OTHER, Name: 'data', HomeRegion: twin.scope.region },
    ...{ IsOrganizationTrail: false, logging: true, deliveryError: null },
  });
  for (const Name of ['audit', 'billing']) {
    acts(twin, OWNER, CREATES(Name), LONG_AGO);
    acts(twin, OWNER, trail('StartLogging', Name), LONG_AGO);
  }
  region.cloudtrail.stores = { [LAKE]: 'ENABLED', [LOST_LAKE]: 'ENABLED' };
  region.logGroups = { [GROUP]: 365 };
  const owned: readonly Asked[] = [
    records({
      recordingGroup: {
        ...{ allSupported: false, exclusionByResourceTypes: { resourceTypes: ['AWS::EC2::Volume'] } },
        recordingStrategy: { useOnly: 'EXCLUSION_BY_RESOURCE_TYPES' },
      },
    }),
    delivers('records', {
      ...{ s3KeyPrefix: 'config', snsTopicARN: 'arn:aws:sns:eu-west-1:111122223333:records' },
      configSnapshotDeliveryProperties: { deliveryFrequency: 'Six_Hours' },
    }),
    recorder('StartConfigurationRecorder'),
    ofGroup('CreateLogGroup', { kmsKeyId: KEY, logGroupClass: 'INFREQUENT_ACCESS' }, LOST_GROUP),
    ofGroup('PutRetentionPolicy', { retentionInDays: 400 }, LOST_GROUP),
  ];
  for (const asked of owned) acts(twin, OWNER, asked, LONG_AGO);
  const LogDestination = 'arn:aws:s3:::flows';
  flowLog(twin, TO_BUCKET, { LogDestinationType: 's3', LogDestination });
  flowLog(twin, TO_GROUP, { LogGroupName: 'flows', DeliverLogsPermissionArn: ROLE });
  region.flowLogs.push({
    ...{ FlowLogId: UNKNOWN, ResourceId: 'vpc-0000000000000a002', TrafficType: 'ALL' },
    ...{ LogDestinationType: 's3', LogDestination, Tags: [] },
  });
  for (const asked of [selectors('audit', objects), selectors('billing', objects), keeps(90)])
    acts(twin, OWNER, asked, LONG_AGO);
  attacks.forEach((asked, index) => {
    acts(twin, THIEF, asked, new Date(SEEN + 60_000 * (index + 1)));
  });
  return thiefFound(twin);
}

/** Without what undo does not restore: a short retention, which would delete logs, and deletions. */
const withoutLost = (account: unknown): unknown =>
  JSON.parse(
    JSON.stringify(account, (name, value) =>
      name === 'logGroups' || name === LOST_LAKE || name === LOST_GROUP
        ? undefined
        : Array.isArray(value)
          ? value.filter((each) => each?.TrailARN !== LOST)
          : value,
    ),
  );

/** Undo schedules no deletion and shortens no retention. */
const KEPT: ReadonlySet<Attack> = new Set<Attack>(['short retention', 'delete store']);
/** How many steps it takes to make a thing again. */
const AGAIN: Partial<Record<Attack, number>> = {
  ...{ 'delete trail': 3, 'delete log group': 2, 'delete recorder': 2, 'delete channel': 2 },
};

let opened: AccountTwin | undefined;
const accounts: Accounts<readonly Attack[]> = {
  worlds: fc
    .array(fc.constantFrom(...ALL), { maxLength: 5 })
    // Some that leave something to reverse in every order.
    .map((attacks): Attack[] => ['stop trail', 'short retention', 'delete trail', ...attacks]),
  runs: 8,
  without: withoutLost,
  open(twin, world) {
    opened = twin;
    return open(
      twin,
      world.map((attack) => ATTACKS[attack]),
    );
  },
  target: (finding: Finding) => targetIn(loggingChanges, opened, finding, finding.region),
};
playbookProperties(reverseLoggingChanges, accounts);

const database = sceneDatabase('reverse-logging-changes-test');
const at = (...attacks: Asked[]) =>
  scene(
    database(),
    reverseLoggingChanges,
    {
      ...accounts,
      without: (account) => account,
      open(twin) {
        opened = twin;
        return open(twin, attacks);
      },
    },
    [],
  );

describe('what an attacker switched off', () => {
  it.each(ALL)('%s: is on again, proven, and undone', async (attack) => {
    const first = attack === 'delete channel' ? [ATTACKS['stop recorder']] : [];
    const here = at(...first, ATTACKS[attack]);
    const before = here.account();
    const { steps } = await here.contain();
    expect(steps.map(({ status }) => status)).toEqual(Array(AGAIN[attack] ?? 1).fill('done'));
    expect(await here.prove()).toMatchObject({ proven: true });
    const after = here.account();
    expect(after).not.toEqual(before);
    await here.undo();
    if (attack === 'delete trail' || attack === 'delete log group') return;
    expect(here.account()).toEqual(KEPT.has(attack) ? after : before);
  });

  it('creates a deleted trail again as it was, whatever was done to it before', async () => {
    const attacks = ['stop lost trail', 'narrow lost trail', 'delete trail'] as const;
    const owned = at(ATTACKS['stop trail']).twin;
    const was = owned.region(owned.scope.region).cloudtrail.trails.find(({ TrailARN }) => TrailARN === LOST);
    expect(was).toMatchObject({
      logging: true,
      S3BucketName: 'records',
      selectors: { EventSelectors: [objects] },
    });
    const here = at(...attacks.map((attack) => ATTACKS[attack]));
    const { steps } = await here.contain();
    expect(steps.map(({ kind, needs }) => [kind, needs.length])).toEqual([
      ['changed-trail', 0],
      ['trail-logging', 1],
      ['trail-selectors', 1],
    ]);
    const now = () =>
      here.twin.region(here.twin.scope.region).cloudtrail.trails.find(({ TrailARN }) => TrailARN === LOST);
    expect(now()).toEqual(was);
    await here.undo();
    // It is not deleted: it is off, with the selectors of a new trail.
    expect(now()).toEqual({ ...was, logging: false, selectors: { EventSelectors: [management('All')] } });
    const [kept] = (await here.journal()).filter(({ kind }) => kind === 'changed-trail');
    expect(kept).toMatchObject({
      status: 'kept',
      note: expect.stringContaining(`aws cloudtrail delete-trail --region=eu-west-1 --name=${LOST}`),
    });
  });

  it.each([true, false])('knows from AWS Config what a deleted trail was: %s', async (hasItem) => {
    const here = at(trail('DeleteTrail', 'data'), ATTACKS['stop trail']);
    if (hasItem)
      recorded(here.twin, here.twin.scope.region, {
        ...{ type: 'AWS::CloudTrail::Trail', id: OTHER, name: 'data' },
        configuration: {
          ...{
            name: 'data',
            s3BucketName: 'records',
            includeGlobalServiceEvents: true,
            homeRegion: 'eu-west-1',
          },
          ...{ isMultiRegionTrail: false, trailARN: OTHER, logFileValidationEnabled: true },
          ...{ isOrganizationTrail: false, hasCustomEventSelectors: false, hasInsightSelectors: false },
        },
      });
    const made = await here.plan();
    const kinds = made.kind === 'plan' ? made.steps.map(({ kind }) => kind) : [];
    expect(kinds).toEqual(
      hasItem
        ? ['trail-logging', 'changed-trail', 'trail-logging', 'trail-selectors']
        : ['trail-logging', 'trail-logging'],
    );
    if (made.kind === 'plan' && !hasItem)
      expect(made.residual.join()).toContain('what it was before is not known');
    const { steps } = await here.contain();
    expect(steps.filter(({ status }) => status === 'failed')).toHaveLength(hasItem ? 0 : 1);
  });

  it('leaves whether a trail records the organization to a person', async () => {
    const plan = await at(updates('audit', { IsOrganizationTrail: true }), ATTACKS['stop trail']).plan();
    expect(plan.kind === 'plan' && plan.residual.join()).toContain(
      'aws cloudtrail update-trail --region=eu-west-1 --name=audit --s3-bucket-name=records',
    );
  });

  it('records what it recorded', async () => {
    const here = at(...ALL.map((attack) => ATTACKS[attack]));
    await here.contain();
    const region = here.twin.region(here.twin.scope.region);
    const [data, audit] = region.cloudtrail.trails;
    expect([audit?.logging, data?.logging]).toEqual([true, true]);
    expect(audit?.selectors).toEqual({ EventSelectors: [objects] });
    // What it was is not known: every management event, and what is recorded.
    expect(data?.selectors).toEqual({ EventSelectors: [management('All')] });
    expect(region.recorders).toEqual({ default: true });
    expect(region.logGroups).toEqual({ [GROUP]: 90, [LOST_GROUP]: 400 });
    expect(region.logFilters?.[LOST_GROUP]).toMatchObject({
      kmsKeyId: KEY,
      logGroupClass: 'INFREQUENT_ACCESS',
    });
    expect(region.flowLogs.map(({ LogDestination, LogGroupName }) => LogDestination ?? LogGroupName)).toEqual(
      expect.arrayContaining(['arn:aws:s3:::flows', 'flows']),
    );
  });

  it('keeps a longer retention, and undo gives the command for a shorter one', async () => {
    const longer = await at(keeps(400), ATTACKS['stop trail']).plan();
    expect(longer.kind === 'plan' && longer.steps.map(({ kind }) => kind)).toEqual(['trail-logging']);
    expect(longer.kind === 'plan' && longer.residual.join()).toContain('does not shorten the retention');
    const here = at(keeps(1));
    await here.contain();
    await here.undo();
    expect(await here.journal()).toMatchObject([
      {
        status: 'kept',
        note: expect.stringContaining(
          `aws logs put-retention-policy --region=eu-west-1 --log-group-name=${GROUP} --retention-in-days=1`,
        ),
      },
    ]);
  });

  it('records no less than now where an attacker let a trail record more', () => {
    const inverse = loggingChanges.inverses.find(({ id }) => id === 'trail-selectors');
    const narrow = { basic: [management('WriteOnly')] };
    const all = { basic: [management('All')] };
    const never = (by: 'reversal' | 'undo', value: JsonObject, from: JsonObject) =>
      inverse?.never?.({ trail: TRAIL }, value, { region: 'eu-west-1', by, from });
    expect(never('reversal', narrow, all)).toContain('which is less');
    expect(never('reversal', all, narrow)).toBeUndefined();
    expect(never('undo', narrow, all)).toBeUndefined();
  });

  it('makes the recorder, its channel and its recording again in this order, and undoes all three', async () => {
    const attacks = ['stop recorder', 'delete channel', 'delete recorder'] as const;
    const here = at(...attacks.map((attack) => ATTACKS[attack]));
    const before = here.account();
    const { steps } = await here.contain();
    expect(steps.map(({ kind, needs, status }) => [kind, needs.length, status])).toEqual([
      ['changed-recorder', 0, 'done'],
      ['delivery-channel', 1, 'done'],
      ['config-recorder', 2, 'done'],
    ]);
    expect(await here.prove()).toMatchObject({ proven: true });
    await here.undo();
    expect(here.account()).toEqual(before);
  });

  it('gives the command for a recorder with the role of AWS Config itself', async () => {
    const role =
      'arn:aws:iam::111122223333:role/aws-service-role/config.amazonaws.com/AWSServiceRoleForConfig';
    const here = at(ATTACKS['narrow recorder'], ATTACKS['stop trail']);
    const region = here.twin.region(here.twin.scope.region);
    for (const { event } of region.cloudtrail.history) {
      const request = event['requestParameters'] as { configurationRecorder?: { roleARN: string } };
      if (request.configurationRecorder) request.configurationRecorder.roleARN = role;
    }
    Object.assign(region.recorderSettings?.['default'] ?? {}, { roleARN: role });
    const made = await here.plan();
    expect(made.kind === 'plan' && made.steps.map(({ kind }) => kind)).toEqual(['trail-logging']);
    expect(made.kind === 'plan' && made.residual.join()).toContain(
      `aws configservice put-configuration-recorder --region=eu-west-1 --configuration-recorder='{"name":"default","roleARN":"${role}"`,
    );
  });

  it('is named where CloudTrail does not show how it was made', async () => {
    const plan = await at(deletes(UNKNOWN), ATTACKS['stop trail']).plan();
    expect(plan.kind === 'plan' && plan.residual.join()).toContain(`${UNKNOWN} was changed`);
  });
});

describe('a record with hostile names', () => {
  const account = { partition: 'aws', account: '111122223333' };
  it.each([
    ['StopLogging', 'cloudtrail', { name: 'audit; id' }],
    ['StopLogging', 'cloudtrail', { name: 'arn:aws:s3:::bucket' }],
    ['PutEventSelectors', 'cloudtrail', { trailName: 'audit', eventSelectors: 'none' }],
    ['PutConfigurationRecorder', 'config', { configurationRecorder: { name: 'default', roleARN: 'x' } }],
    ['PutDeliveryChannel', 'config', { deliveryChannel: { name: '--help', s3BucketName: 'x' } }],
    ['StopConfigurationRecorder', 'config', { configurationRecorderName: '$(id)' }],
    ['PutRetentionPolicy', 'logs', { logGroupName: GROUP, retentionInDays: '1; id' }],
    ['DeleteFlowLogs', 'ec2', { DeleteFlowLogsRequest: { FlowLogId: 'fl-x' } }],
    ['DeleteLogGroup', 'logs', { logGroupName: '`id`' }],
    ['DeleteTrail', 'cloudtrail', { name: '--help' }],
    ['DeleteEventDataStore', 'cloudtrail', { eventDataStore: '11111111-2222-4333-8444-x' }],
    ['UpdateTrail', 'cloudtrail', { name: 'audit', s3BucketName: 'collect' }],
  ])('%s of %s leads to nothing: %j', (eventName, source, requestParameters) => {
    const call = callOf({ eventName, requestParameters }, `${source}.amazonaws.com`);
    expect(loggingChanges.answers(call, account)).toBe(false);
  });
});

it('reads the example of each answer, and each is about another kind', () =>
  readsItsExamples(loggingChanges));
