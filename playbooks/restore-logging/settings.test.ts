/** What is switched off next to trails: each with a value before, one that the attacker left, and the calls CloudTrail remembers. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awsFor } from '../../core/aws/client.ts';
import type { JsonObject } from '../../core/json.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import { type Accounts, playbookProperties, scene, sceneDatabase } from '../../test/playbooks/properties.ts';
import { restoreLogging } from './playbook.ts';

const ATTACKER = {
  accessKeyId: 'AKIAEXAMPLE000000666',
  principalId: 'AIDAEXAMPLE000000666',
  userName: 'mallory',
};
const BEFORE = '2026-11-01T09:00:00Z';
const ATTACK = '2026-11-24T07:00:00Z';

const finding = (
  twin: AccountTwin,
  type: string,
  api: string,
  resource: JsonObject = {},
  affected?: JsonObject,
) =>
  findingOn(twin, {
    seed: 'setting',
    type,
    updatedAt: new Date(ATTACK),
    resource: {
      resourceType: 'AccessKey',
      accessKeyDetails: { userType: 'IAMUser', ...ATTACKER },
      ...resource,
    },
    action: {
      actionType: 'AWS_API_CALL',
      awsApiCallAction: { api, ...(affected ? { affectedResources: affected } : {}) },
    },
  });

/** A call in the event history of a Region, newest first as CloudTrail tells them. */
function remember(
  twin: AccountTwin,
  eventName: string,
  requestParameters: object | null,
  more: {
    readonly by?: 'attacker' | 'owner';
    readonly region?: string;
    readonly responseElements?: object;
  } = {},
): void {
  const { by = 'owner', region, responseElements } = more;
  twin.region(region).cloudtrail.history.unshift({
    event: {
      eventName,
      eventTime: by === 'owner' ? BEFORE : ATTACK,
      userIdentity: by === 'owner' ? { principalId: 'AIDAEXAMPLE000000001' } : ATTACKER,
      requestParameters,
      ...(responseElements ? { responseElements } : {}),
    },
  });
}

interface Named {
  readonly known: boolean;
}
const worlds = fc.record({ known: fc.constant(true) });

function bucket(
  twin: AccountTwin,
  Name: string,
  logging: { TargetBucket: string; TargetPrefix: string } | null,
) {
  twin.state.s3.buckets[Name] = {
    Name,
    Region: 'eu-west-1',
    block: null,
    policy: null,
    website: false,
    Tags: {},
    logging,
    versions: [],
  };
}
const accessLogs = (settings: JsonObject = {}): Accounts<Named> => ({
  worlds,
  settings,
  runs: 3,
  open(twin, { known }) {
    bucket(twin, 'customer-data', null);
    bucket(twin, 'log-archive', null);
    bucket(twin, 'other', null);
    const logging = (bucketName: string, TargetPrefix: string) => ({
      bucketName,
      logging: '',
      BucketLoggingStatus: { xmlns: '', LoggingEnabled: { TargetBucket: 'log-archive', TargetPrefix } },
    });
    if (known) remember(twin, 'PutBucketLogging', logging('customer-data', 'data/'));
    remember(twin, 'PutBucketLogging', logging('other', 'other/'));
    remember(
      twin,
      'PutBucketLogging',
      { bucketName: 'customer-data', BucketLoggingStatus: {} },
      { by: 'attacker' },
    );
    return finding(twin, 'Stealth:S3/ServerAccessLoggingDisabled', 'PutBucketLogging', {
      s3BucketDetails: [{ name: 'customer-data' }],
    });
  },
});

const STRONG = {
  minimumPasswordLength: 16,
  requireSymbols: true,
  requireNumbers: true,
  requireUppercaseCharacters: true,
  requireLowercaseCharacters: true,
  allowUsersToChangePassword: true,
  maxPasswordAge: 90,
};
const passwords = (settings: JsonObject = {}): Accounts<Named> => ({
  worlds,
  settings,
  runs: 3,
  open(twin, { known }) {
    if (known) remember(twin, 'UpdateAccountPasswordPolicy', STRONG, { region: 'us-east-1' });
    remember(twin, 'DeleteAccountPasswordPolicy', null, { by: 'attacker', region: 'us-east-1' });
    return finding(twin, 'Stealth:IAMUser/PasswordPolicyChange', 'DeleteAccountPasswordPolicy');
  },
});

const LOG_ROLE = 'arn:aws:iam::111122223333:role/writes-logs';
const MODELS = {
  cloudWatchConfig: { logGroupName: 'models', roleArn: LOG_ROLE },
  s3Config: { bucketName: 'log-archive', keyPrefix: 'bedrock' },
  textDataDeliveryEnabled: true,
};
const models: Accounts<Named> = {
  worlds,
  runs: 3,
  open(twin, { known }) {
    if (known) remember(twin, 'PutModelInvocationLoggingConfiguration', { loggingConfig: MODELS });
    remember(twin, 'DeleteModelInvocationLoggingConfiguration', null, { by: 'attacker' });
    return finding(
      twin,
      'DefenseEvasion:IAMUser/BedrockLoggingDisabled',
      'DeleteModelInvocationLoggingConfiguration',
    );
  },
};

interface DetectorWorld {
  readonly enabled: boolean;
  readonly off: readonly string[];
}
const EVASION = 'DefenseEvasion:IAMUser/AnomalousBehavior';
const detectors: Accounts<DetectorWorld> = {
  worlds: fc.record({
    enabled: fc.boolean(),
    off: fc.uniqueArray(fc.constantFrom('S3_DATA_EVENTS', 'RUNTIME_MONITORING'), { minLength: 1 }),
  }),
  runs: 6,
  open(twin, { enabled, off }) {
    const { guardduty } = twin.region();
    guardduty.enabled = enabled;
    guardduty.features = { EKS_AUDIT_LOGS: 'DISABLED', LAMBDA_NETWORK_LOGS: 'ENABLED' };
    for (const name of off) guardduty.features[name] = 'DISABLED';
    const features = off.map((name) => ({ name, status: 'DISABLED' }));
    remember(
      twin,
      'UpdateDetector',
      { detectorId: guardduty.detector, enable: enabled, features },
      { by: 'attacker' },
    );
    return finding(twin, EVASION, 'UpdateDetector');
  },
};

interface FlowWorld {
  readonly deleted: number;
  readonly unknown: boolean;
  readonly kept: boolean;
}
const idOf = (index: number) => `fl-000000000000000f${index}`;
const PARQUET = { FileFormat: 'parquet', HiveCompatiblePartitions: true, PerHourPartition: false };
const flows: Accounts<FlowWorld> = {
  worlds: fc.record({ deleted: fc.integer({ min: 1, max: 3 }), unknown: fc.boolean(), kept: fc.boolean() }),
  runs: 6,
  open(twin, { deleted, unknown, kept }) {
    for (let index = 0; index < deleted; index++) {
      remember(
        twin,
        'CreateFlowLogs',
        {
          CreateFlowLogsRequest: {
            ResourceType: 'VPC',
            ResourceId: { content: `vpc-0000000000000000${index}`, tag: 1 },
            TrafficType: 'ALL',
            // The second one wrote to a log group, under a role that has to be passed on again.
            ...(index === 1
              ? {
                  LogDestinationType: 'cloud-watch-logs',
                  LogGroupName: 'flow',
                  DeliverLogsPermissionArn: LOG_ROLE,
                }
              : {
                  LogDestinationType: 's3',
                  LogDestination: 'arn:aws:s3:::log-archive',
                  ...(index === 0 ? { DestinationOptions: PARQUET } : {}),
                }),
          },
        },
        { responseElements: { CreateFlowLogsResponse: { flowLogIdSet: { item: idOf(index) } } } },
      );
    }
    const ids = Array.from({ length: deleted + (unknown ? 1 : 0) }, (_, index) => idOf(index));
    remember(
      twin,
      'DeleteFlowLogs',
      { DeleteFlowLogsRequest: { FlowLogId: ids.map((content, index) => ({ content, tag: index + 1 })) } },
      { by: 'attacker' },
    );
    if (kept)
      twin.region().flowLogs.push({
        FlowLogId: 'fl-00000000000000aaa',
        ResourceId: 'vpc-00000000000000000',
        TrafficType: 'REJECT',
        LogDestinationType: 'cloud-watch-logs',
        LogGroupName: 'flow',
        Tags: [],
      });
    return finding(twin, EVASION, 'DeleteFlowLogs');
  },
};

playbookProperties(restoreLogging, accessLogs());
playbookProperties(restoreLogging, passwords());
playbookProperties(restoreLogging, models);
playbookProperties(restoreLogging, detectors);
playbookProperties(restoreLogging, flows);

const database = sceneDatabase('restore-logging-settings-test');
const open = <W>(accounts: Accounts<W>, world: W) => scene<W>(database(), restoreLogging, accounts, world);
const asks = async (at: ReturnType<typeof open>) => {
  const plan = await at.plan();
  return plan.kind === 'plan' ? plan.askBecause : plan;
};

describe('server access logging', () => {
  it('goes where it went before, automatically; two people undo it', async () => {
    const at = open(accessLogs(), { known: true });
    expect(await asks(at)).toEqual([]);
    await at.contain();
    expect(at.twin.state.s3.buckets['customer-data']?.logging).toEqual({
      TargetBucket: 'log-archive',
      TargetPrefix: 'data/',
    });
    expect(await at.undoSafety()).toMatchObject({ safe: false });
  });

  it('goes to the bucket of policy.yml where nothing is known, and nowhere without one', async () => {
    const at = open(accessLogs({ accessLogBucket: 'log-archive' }), { known: false });
    await at.contain();
    expect(at.twin.state.s3.buckets['customer-data']?.logging).toMatchObject({
      TargetPrefix: 'customer-data/',
    });
    const unknown = open(accessLogs(), { known: false });
    expect(await unknown.plan()).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('no baseline is known'),
      alternative: expect.stringContaining('accessLogBucket'),
    });
    expect(unknown.changes()).toBe(0);
  });

  it('is not restored when its log bucket is gone', async () => {
    const at = open(accessLogs(), { known: true });
    delete at.twin.state.s3.buckets['log-archive'];
    expect((await at.contain()).steps).toMatchObject([{ status: 'failed' }]);
    expect(await at.prove()).toMatchObject({ proven: false });
  });
});

describe('the password policy', () => {
  it('is restored only when a person says so', async () => {
    const at = open(passwords(), { known: true });
    expect(await asks(at)).toHaveLength(1);
    await at.contain();
    expect(at.twin.state.passwordPolicy).toMatchObject({ MinimumPasswordLength: 16, MaxPasswordAge: 90 });
    await at.undo();
    expect(at.twin.state.passwordPolicy).toBeNull();
  });

  it('is reported where nothing is known, and taken from policy.yml where it is named', async () => {
    expect(await open(passwords(), { known: false }).plan()).toMatchObject({ kind: 'refused' });
    const at = open(passwords({ passwordPolicy: '{"MinimumPasswordLength": 20}' }), { known: false });
    await at.contain();
    expect(at.twin.state.passwordPolicy).toMatchObject({ MinimumPasswordLength: 20 });
  });
});

describe("Bedrock's log", () => {
  it('is set again as it was; without a known one a person is notified', async () => {
    const at = open(models, { known: true });
    expect(await asks(at)).toEqual([]);
    await at.contain();
    expect(at.twin.region().modelLogging).toEqual(MODELS);
    expect(await open(models, { known: false }).plan()).toMatchObject({ kind: 'refused' });
  });
});

describe('the detector', () => {
  it('is enabled with the features the attacker disabled, and no others', async () => {
    const at = open(detectors, { enabled: false, off: ['S3_DATA_EVENTS'] });
    await at.contain();
    expect(at.twin.region().guardduty).toMatchObject({
      enabled: true,
      features: { S3_DATA_EVENTS: 'ENABLED', EKS_AUDIT_LOGS: 'DISABLED' },
    });
    expect(await at.prove()).toMatchObject({ proven: true });
    await at.undo();
    expect(at.twin.region().guardduty).toMatchObject({ enabled: false });
  });
});

describe('the detector of November 2026', () => {
  function attacked(features: readonly object[], more: (twin: AccountTwin) => void = () => {}) {
    const at = open(detectors, { enabled: true, off: ['S3_DATA_EVENTS'] });
    const { guardduty } = at.twin.region();
    guardduty.features = {
      AI_PROTECTION: 'DISABLED',
      RDS_LOGIN_EVENTS: 'ENABLED',
      'RDS_LOGIN_EVENTS/RDS_DATA_RISK': 'DISABLED',
      RUNTIME_MONITORING: 'ENABLED',
      'RUNTIME_MONITORING/EKS_ADDON_MANAGEMENT': 'DISABLED',
    };
    more(at.twin);
    remember(at.twin, 'UpdateDetector', { detectorId: guardduty.detector, features }, { by: 'attacker' });
    return at;
  }

  it('gets back features and parts of features, and no part that was off before', async () => {
    const at = attacked([
      { name: 'AI_PROTECTION', status: 'DISABLED' },
      {
        name: 'RDS_LOGIN_EVENTS',
        status: 'ENABLED',
        additionalConfiguration: [{ name: 'RDS_DATA_RISK', status: 'DISABLED' }],
      },
    ]);
    await at.contain();
    expect(at.twin.region().guardduty.features).toEqual({
      AI_PROTECTION: 'ENABLED',
      RDS_LOGIN_EVENTS: 'ENABLED',
      'RDS_LOGIN_EVENTS/RDS_DATA_RISK': 'ENABLED',
      RUNTIME_MONITORING: 'ENABLED',
      'RUNTIME_MONITORING/EKS_ADDON_MANAGEMENT': 'DISABLED',
    });
    expect(await at.prove()).toMatchObject({ proven: true });
    await at.undo();
    expect(at.twin.region().guardduty.features).toMatchObject({
      AI_PROTECTION: 'DISABLED',
      'RDS_LOGIN_EVENTS/RDS_DATA_RISK': 'DISABLED',
    });
  });

  it('leaves what an organisation policy manages', async () => {
    const at = attacked(
      [
        { name: 'AI_PROTECTION', status: 'DISABLED' },
        {
          name: 'RUNTIME_MONITORING',
          additionalConfiguration: [{ name: 'EKS_ADDON_MANAGEMENT', status: 'DISABLED' }],
        },
      ],
      (twin) => {
        twin.region().guardduty.managed = ['AI_PROTECTION'];
      },
    );
    await at.contain();
    expect(at.twin.region().guardduty.features).toMatchObject({
      AI_PROTECTION: 'DISABLED',
      'RUNTIME_MONITORING/EKS_ADDON_MANAGEMENT': 'ENABLED',
    });
  });
});

describe('flow logs', () => {
  it('are re-created from the calls that made them, which a person checks; others are left alone', async () => {
    const at = open(flows, { deleted: 2, unknown: true, kept: true });
    const plan = await at.plan();
    expect(plan).toMatchObject({ kind: 'plan', blastRadius: { count: 2 } });
    expect(plan.kind === 'plan' && plan.askBecause).toHaveLength(1);
    expect(plan.kind === 'plan' && plan.residual.join()).toContain('how it was made is not known');
    await at.contain();
    expect(
      at.twin
        .region()
        .flowLogs.map(({ ResourceId, LogDestination, DeliverLogsPermissionArn }) => [
          ResourceId,
          LogDestination ?? DeliverLogsPermissionArn,
        ]),
    ).toEqual([
      ['vpc-00000000000000000', undefined],
      ['vpc-00000000000000000', 'arn:aws:s3:::log-archive'],
      ['vpc-00000000000000001', LOG_ROLE],
    ]);
    const [, made] = at.twin.region().flowLogs;
    expect(made?.DestinationOptions).toEqual(PARQUET);
    if (made) made.DeliverLogsStatus = 'FAILED';
    expect(await at.prove()).toMatchObject({ proven: false });
  });

  it('are made whole from a step that an earlier release planned without these options', async () => {
    const at = open(flows, { deleted: 1, unknown: false, kept: false });
    const plan = await at.plan();
    if (plan.kind !== 'plan') throw new Error(plan.reason);
    const { args } = plan.steps[0] ?? {};
    const { destinationOptions: _options, crossAccountRole: _role, ...spec } = Object(args?.['spec']);
    await restoreLogging.kinds['flow-log']?.apply(
      { ...args, spec },
      {
        aws: awsFor(at.target),
        target: at.target,
        caseId: 'fb-aaaaaaaaaaaa',
        outputs: {},
        now: () => new Date(),
      },
      null,
      'there',
    );
    expect(at.twin.region().flowLogs.map(({ DestinationOptions }) => DestinationOptions)).toEqual([PARQUET]);
  });

  it('that are not known to be deleted by the principal are reported', async () => {
    const at = open(flows, { deleted: 1, unknown: false, kept: false });
    at.twin.region().cloudtrail.history = [];
    expect(await at.plan()).toMatchObject({ kind: 'refused' });
    const denied = open(flows, { deleted: 1, unknown: false, kept: false });
    denied.twin.failNext('LookupEvents', 'AccessDenied', 9);
    expect(await denied.plan()).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('may not be read'),
    });
  });
});
