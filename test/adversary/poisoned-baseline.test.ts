/** The attacker writes the history that a restoration relies on: what `restore-logging` restores is then theirs. */
import { describe, expect, it } from 'vitest';
import type { Playbook } from '../../core/journal/playbook.ts';
import type { JsonObject } from '../../core/json.ts';
import { restoreEventSelectors } from '../../playbooks/restore-event-selectors/playbook.ts';
import { restoreLogging } from '../../playbooks/restore-logging/playbook.ts';
import type { TwinTrail } from '../../sandbox/twin/cloudtrail.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import { type Accounts, scene, sceneDatabase } from '../playbooks/properties.ts';

const ATTACK = '2026-11-24T07:00:00Z';
const minutesBefore = (minutes: number) => new Date(Date.parse(ATTACK) - minutes * 60_000).toISOString();
const MONTH = 30 * 24 * 60;
const ROLE = 'AROAEXAMPLE000000666';
const OWNER = 'AIDAEXAMPLE000000001';
const TRAIL = 'arn:aws:cloudtrail:us-east-1:111122223333:trail/audit';

const ALL = [{ name: 'all', fieldSelectors: [{ field: 'eventCategory', equals: ['Management'] }] }];
const READS = [
  {
    name: 'reads',
    fieldSelectors: [
      { field: 'eventCategory', equals: ['Management'] },
      { field: 'readOnly', equals: ['true'] },
    ],
  },
];
const OBJECTS = {
  Name: 'objects',
  FieldSelectors: [
    { Field: 'eventCategory', Equals: ['Data'] },
    { Field: 'resources.type', Equals: ['AWS::S3::Object'] },
  ],
};
/** The same as CloudTrail remembers the request. */
const DATA = {
  name: 'objects',
  fieldSelectors: [
    { field: 'eventCategory', equals: ['Data'] },
    { field: 'resources.type', equals: ['AWS::S3::Object'] },
  ],
};
const NARROW = { AdvancedEventSelectors: [OBJECTS] };

interface Call {
  readonly name: string;
  readonly by: string;
  readonly minutesBefore: number;
  readonly request: JsonObject;
}
const selectors = (by: string, minutes: number, advancedEventSelectors: JsonObject[]): Call => ({
  name: 'PutEventSelectors',
  by,
  minutesBefore: minutes,
  request: { trailName: 'audit', advancedEventSelectors },
});

interface World {
  readonly type: string;
  readonly resource?: JsonObject;
  readonly trail?: Partial<TwinTrail>;
  readonly buckets?: Readonly<Record<string, { TargetBucket: string; TargetPrefix: string } | null>>;
  readonly calls: readonly Call[];
}

const accounts = (world: World): Accounts<World> => ({
  worlds: undefined as never,
  open(twin) {
    const { cloudtrail } = twin.region('us-east-1');
    if (world.trail) {
      cloudtrail.trails.push({
        ...{ TrailARN: TRAIL, Name: 'audit', HomeRegion: 'us-east-1', IsOrganizationTrail: false },
        ...{ logging: true, deliveryError: null },
        ...world.trail,
      });
    }
    for (const [Name, logging] of Object.entries(world.buckets ?? {})) {
      twin.state.s3.buckets[Name] = {
        ...{ Name, Region: 'us-east-1', block: null, policy: null, website: false, Tags: {} },
        ...{ logging, versions: [] },
      };
    }
    for (const call of world.calls) {
      cloudtrail.history.push({
        event: {
          eventName: call.name,
          eventTime: minutesBefore(call.minutesBefore),
          userIdentity: { principalId: call.by },
          requestParameters: call.request,
        },
      });
    }
    return findingOn(twin, {
      seed: 'poisoned',
      type: world.type,
      updatedAt: new Date(ATTACK),
      resource: {
        resourceType: 'AccessKey',
        accessKeyDetails: {
          ...{ userType: 'AssumedRole', userName: 'deployer' },
          ...{ principalId: `${ROLE}:tonight`, accessKeyId: 'ASIAEXAMPLE000000666' },
        },
        ...world.resource,
      },
      action: {
        actionType: 'AWS_API_CALL',
        awsApiCallAction: {
          api: 'PutEventSelectors',
          affectedResources: { 'AWS::CloudTrail::Trail': TRAIL },
        },
      },
    });
  },
});

const database = sceneDatabase('poisoned-baseline-test');
const open = (world: World, playbook: Playbook = restoreLogging) =>
  scene(database(), playbook, { ...accounts(world), target: restoreLogging.targetOf }, world);

/** What is planned automatically, and what a person is asked about, for a trail that the attacker narrowed. */
async function narrowedAfter(...calls: Call[]) {
  const world: World = {
    type: 'Stealth:IAMUser/CloudTrailLoggingDisabled',
    trail: { selectors: NARROW },
    calls,
  };
  const planned = async (playbook: Playbook) => {
    const plan = await open(world, playbook).plan();
    if (plan.kind !== 'plan') throw new Error(plan.reason);
    const wanted = plan.steps.find(({ kind }) => kind === 'event-selectors')?.after;
    return {
      wanted: wanted === undefined ? undefined : JSON.stringify(wanted),
      ask: plan.askBecause.join('; '),
      residual: plan.residual.join('; '),
    };
  };
  return { automatic: await planned(restoreLogging), asked: await planned(restoreEventSelectors) };
}
const ALL_MANAGEMENT = '{"Field":"eventCategory","Equals":["Management"]}]}';

describe('the event selectors of a trail', () => {
  it.each([
    ['another session of the same role, the day before', `${ROLE}:yesterday`, 24 * 60],
    ['the same session, 61 minutes before', `${ROLE}:tonight`, 61],
  ])('that %s put are not restored', async (_who, by, minutes) => {
    const { automatic, asked } = await narrowedAfter(selectors(by, minutes, READS));
    expect(automatic).toMatchObject({ wanted: undefined, ask: '' });
    expect(automatic.residual).toMatch(/records no management events.*only the finding's own principal/);
    expect(asked.wanted).toContain(ALL_MANAGEMENT);
    expect(asked.ask).toContain("only the finding's own principal");
  });

  it('that the owner put are confirmed by a person when the role changed them since', async () => {
    const { automatic, asked } = await narrowedAfter(
      selectors(`${ROLE}:yesterday`, 24 * 60, READS),
      selectors(OWNER, MONTH, ALL),
    );
    expect(automatic).toMatchObject({ wanted: undefined, ask: '' });
    expect(asked.wanted).toContain(ALL_MANAGEMENT);
    expect(asked.ask).toContain("the finding's own principal changed it since");
  });

  it('that another principal put within a day of the finding are confirmed by a person', async () => {
    const { automatic, asked } = await narrowedAfter(selectors('AIDAEXAMPLE000000667', 90, ALL));
    expect(automatic.wanted).toBeUndefined();
    expect(asked.ask).toContain('less than a day before');
  });

  it('never lose what the trail records now', async () => {
    const { automatic, asked } = await narrowedAfter(selectors(OWNER, MONTH, READS));
    expect(automatic.wanted).toContain('AWS::S3::Object');
    expect(automatic.wanted).toContain('"readOnly"');
    expect(automatic.ask).toBe('');
    expect(asked.wanted).toContain('AWS::S3::Object');
  });

  it('leave a blind spot that is residual', async () => {
    const { automatic } = await narrowedAfter(selectors(OWNER, MONTH, [...READS, DATA]));
    expect(automatic.wanted).toContain('"readOnly"');
    expect(automatic.residual).toContain('records a part of the management events');
  });

  it('are restored without a question where an owner put them long ago and nothing is lost', async () => {
    const { automatic } = await narrowedAfter(selectors(OWNER, MONTH, [...ALL, DATA]));
    expect(automatic.ask).toBe('');
    expect(automatic.residual).not.toContain('records a part');
    expect(automatic.wanted).toContain(ALL_MANAGEMENT);
  });
});

describe('the server access log of a bucket', () => {
  const logged = (by: string, minutes: number, TargetBucket: string): Call => ({
    name: 'PutBucketLogging',
    by,
    minutesBefore: minutes,
    request: {
      bucketName: 'customer-data',
      BucketLoggingStatus: { LoggingEnabled: { TargetBucket, TargetPrefix: 'data/' } },
    },
  });
  const world = (
    logging: { TargetBucket: string; TargetPrefix: string } | null,
    ...calls: Call[]
  ): World => ({
    type: 'Stealth:S3/ServerAccessLoggingDisabled',
    resource: { s3BucketDetails: [{ name: 'customer-data' }] },
    buckets: { 'customer-data': logging, 'log-archive': null, 'mallory-logs': null },
    calls,
  });

  it('that the attacker sent to a bucket of theirs is restored, and a person is asked', async () => {
    const at = open(
      world(
        { TargetBucket: 'mallory-logs', TargetPrefix: '' },
        logged(`${ROLE}:tonight`, 1, 'mallory-logs'),
        logged(OWNER, MONTH, 'log-archive'),
      ),
    );
    const plan = await at.plan();
    expect(plan).toMatchObject({ kind: 'plan', steps: [{ after: { TargetBucket: 'log-archive' } }] });
    expect(plan.kind === 'plan' && plan.askBecause.join()).toContain('replaces');
  });

  it('does not go where another session of the role sent it before', async () => {
    const plan = await open(world(null, logged(`${ROLE}:yesterday`, 24 * 60, 'mallory-logs'))).plan();
    expect(plan.kind === 'refused' || plan.askBecause.join().includes('principal')).toBe(true);
  });
});
