/** GuardDuty reports again what an attacker silenced, never less than it does, and undo restores what the attacker left. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../core/finding/finding.ts';
import type { JsonObject } from '../../core/json.ts';
import type { Caller } from '../../sandbox/attacker.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import { type Accounts, playbookProperties, scene, sceneDatabase } from '../../test/playbooks/properties.ts';
import {
  attempt,
  callOf,
  LONG_AGO,
  OWNER,
  readsItsExamples,
  SEEN,
  THIEF,
  targetIn,
  thiefFound,
} from '../../test/playbooks/reversed.ts';
import { detectionChanges, reverseDetectionChanges } from './playbook.ts';

const DETECTOR = '12abc34d567e8fa901bc2d34e56789f0';
const MEMBER = '222233334444';
const OURS = 's3://lists/ours.txt';
const THEIRS = 's3://lists/theirs.txt';

interface Asked {
  readonly operation: string;
  readonly input: JsonObject;
}
const call = (operation: string, input: JsonObject): Asked => ({
  operation,
  input: { DetectorId: DETECTOR, ...input },
});
const criteria = { FindingCriteria: { Criterion: {} } };
const filter = (operation: string, input: JsonObject) => call(operation, { Description: '', ...input });
const list = (operation: string, input: JsonObject) =>
  call(operation, { Activate: true, ...(operation.startsWith('Create') ? { Format: 'TXT' } : {}), ...input });
const to = (DestinationArn: string) => ({
  ...{ DestinationType: 'S3' },
  DestinationProperties: { DestinationArn, KmsKeyArn: 'arn:aws:kms:eu-west-1:111122223333:key/a' },
});
const features = (Name: string, Status: string, ...parts: readonly string[]) => [
  {
    ...{ Name, Status },
    ...(parts.length > 0
      ? { AdditionalConfiguration: parts.map((part) => ({ Name: part, Status: 'DISABLED' })) }
      : {}),
  },
];

/** What the attacker does, by a name for it. */
const ATTACKS = {
  'new filter': filter('CreateFilter', { Name: 'hide', Action: 'ARCHIVE', ...criteria }),
  'wide filter': filter('UpdateFilter', { FilterName: 'noise', ...criteria }),
  'archiving filter': filter('UpdateFilter', { FilterName: 'marks', Action: 'ARCHIVE' }),
  'trusted entities': list('CreateTrustedEntitySet', { Name: 'x', Location: THEIRS }),
  'trusted addresses': list('UpdateIPSet', { IpSetId: 'set-1', Location: THEIRS }),
  'moved threat list': list('UpdateThreatIntelSet', { ThreatIntelSetId: 'set-2', Location: THEIRS }),
  'threat list off': list('UpdateThreatEntitySet', { ThreatEntitySetId: 'set-3', Activate: false }),
  'moved export': call('UpdatePublishingDestination', {
    ...{ DestinationId: 'destination-4' },
    ...{ DestinationProperties: to('arn:aws:s3:::theirs').DestinationProperties },
  }),
  'no export': call('DeletePublishingDestination', { DestinationId: 'destination-4' }),
  'paused member': call('StopMonitoringMembers', { AccountIds: [MEMBER] }),
  'lost member': call('DisassociateMembers', { AccountIds: [MEMBER] }),
  'member feature': call('UpdateMemberDetectors', {
    ...{ AccountIds: [MEMBER], Features: features('S3_DATA_EVENTS', 'DISABLED') },
  }),
  suspended: call('UpdateDetector', { Enable: false }),
  'no feature': call('UpdateDetector', { Features: features('EKS_AUDIT_LOGS', 'DISABLED') }),
  'no agents': call('UpdateDetector', {
    Features: features('RUNTIME_MONITORING', 'ENABLED', 'EC2_AGENT_MANAGEMENT'),
  }),
} as const satisfies Readonly<Record<string, Asked>>;
type Attack = keyof typeof ATTACKS;
const ALL = Object.keys(ATTACKS) as Attack[];

const acts = (twin: AccountTwin, caller: Caller, asked: Asked, at: Date): void =>
  attempt(twin, caller, { service: 'GuardDuty', ...asked, at });

function open(twin: AccountTwin, attacks: readonly Asked[]): unknown {
  const { guardduty } = twin.region(twin.scope.region);
  for (const path of ['lists/theirs.txt', 'lists/ours.txt'])
    twin.state.s3.objects[path] = { body: '198.51.100.0/24\n', etag: '"1"' };
  const set = (id: string) => ({
    ...{ id, Name: id, Format: 'TXT', Location: OURS, Status: 'ACTIVE', loaded: ['198.51.100.0/24'] },
  });
  guardduty.enabled = true;
  guardduty.ipSets.push(set('set-1'));
  guardduty.threatSets.push(set('set-2'));
  guardduty.threatEntitySets = [set('set-3')];
  guardduty.destination = {
    ...{ id: 'destination-4', arn: 'arn:aws:s3:::findings' },
    key: 'arn:aws:kms:eu-west-1:111122223333:key/a',
  };
  guardduty.features = {
    ...{ EKS_AUDIT_LOGS: 'ENABLED', RUNTIME_MONITORING: 'ENABLED', LAMBDA_NETWORK_LOGS: 'DISABLED' },
    'RUNTIME_MONITORING/EC2_AGENT_MANAGEMENT': 'ENABLED',
  };
  guardduty.members = {
    [MEMBER]: { email: 'a@example.com', status: 'Enabled', features: { S3_DATA_EVENTS: 'ENABLED' } },
  };
  const owned: readonly Asked[] = [
    filter('CreateFilter', { Name: 'noise', Action: 'ARCHIVE', ...criteria }),
    filter('CreateFilter', { Name: 'marks', Action: 'NOOP', ...criteria }),
    list('UpdateThreatIntelSet', { ThreatIntelSetId: 'set-2', Location: OURS }),
    call('UpdatePublishingDestination', {
      ...{ DestinationId: 'destination-4' },
      ...{ DestinationProperties: to('arn:aws:s3:::findings').DestinationProperties },
    }),
  ];
  for (const asked of owned) acts(twin, OWNER, asked, LONG_AGO);
  attacks.forEach((asked, index) => {
    acts(twin, THIEF, asked, new Date(SEEN + 60_000 * (index + 1)));
  });
  return thiefFound(twin);
}

/** A list that is activated again is on its way for a while. */
const settled = (account: unknown): unknown =>
  JSON.parse(JSON.stringify(account).replaceAll('"ACTIVATING"', '"ACTIVE"'));

let opened: AccountTwin | undefined;
const accounts: Accounts<readonly Attack[]> = {
  worlds: fc
    .array(fc.constantFrom(...ALL), { maxLength: 5 })
    // One that leaves something to reverse in every order.
    .map((attacks): Attack[] => ['new filter', ...attacks]),
  runs: 8,
  without: settled,
  open(twin, world) {
    opened = twin;
    return open(
      twin,
      world.map((attack) => ATTACKS[attack]),
    );
  },
  target: (finding: Finding) => targetIn(detectionChanges, opened, finding, finding.region),
};
playbookProperties(reverseDetectionChanges, accounts);

const database = sceneDatabase('reverse-detection-changes-test');
const at = (attacks: readonly Attack[], ...more: Asked[]) =>
  scene(
    database(),
    reverseDetectionChanges,
    {
      ...accounts,
      open(twin) {
        opened = twin;
        return open(twin, [...attacks.map((attack) => ATTACKS[attack]), ...more]);
      },
    },
    attacks,
  );

describe('what an attacker silenced', () => {
  it.each(ALL)('%s: is reversed, proven, and undone', async (attack) => {
    const here = at([attack]);
    const before = here.account();
    const { steps } = await here.contain();
    expect(steps.map(({ status }) => status)).toEqual(['done']);
    expect(await here.prove()).toMatchObject({ proven: true });
    expect(here.account()).not.toEqual(before);
    await here.undo();
    expect(here.account()).toEqual(before);
  });

  it('is heard again', async () => {
    const here = at(ALL.filter((attack) => attack !== 'no export'));
    await here.contain();
    const { guardduty } = here.twin.region(here.twin.scope.region);
    expect(guardduty.filters.map(({ Action }) => Action)).toEqual(['NOOP', 'NOOP', 'NOOP']);
    expect(guardduty.ipSets[0]?.Status).toBe('INACTIVE');
    expect(guardduty.trustedEntitySets?.[0]?.Status).toBe('INACTIVE');
    expect(guardduty.threatSets[0]).toMatchObject({
      Location: OURS,
      Status: expect.stringMatching(/^ACTIV/),
    });
    expect(guardduty.threatEntitySets?.[0]?.Status).toMatch(/^ACTIV/);
    expect(guardduty.destination?.arn).toBe('arn:aws:s3:::findings');
    expect(guardduty.members?.[MEMBER]).toMatchObject({
      ...{ status: 'Enabled', features: { S3_DATA_EVENTS: 'ENABLED' } },
    });
    expect(guardduty.enabled).toBe(true);
    expect(guardduty.features).toEqual({
      ...{ EKS_AUDIT_LOGS: 'ENABLED', RUNTIME_MONITORING: 'ENABLED', LAMBDA_NETWORK_LOGS: 'DISABLED' },
      'RUNTIME_MONITORING/EC2_AGENT_MANAGEMENT': 'ENABLED',
    });
  });

  it('is exported again to where findings went, after the export was deleted and made elsewhere', async () => {
    const here = at(['no export'], call('CreatePublishingDestination', to('arn:aws:s3:::theirs')));
    await here.contain();
    const { guardduty } = here.twin.region(here.twin.scope.region);
    expect(guardduty.destination?.arn).toBe('arn:aws:s3:::findings');
  });

  it('of the owner is never switched off: what an attacker switched on stays', async () => {
    const on = features('LAMBDA_NETWORK_LOGS', 'ENABLED');
    const here = scene(
      database(),
      reverseDetectionChanges,
      {
        ...accounts,
        open(twin) {
          opened = twin;
          open(twin, []);
          const off = features('LAMBDA_NETWORK_LOGS', 'DISABLED');
          acts(twin, OWNER, call('UpdateDetector', { Features: off }), LONG_AGO);
          acts(twin, THIEF, call('UpdateDetector', { Features: on }), new Date(SEEN + 60_000));
          acts(twin, THIEF, ATTACKS['new filter'], new Date(SEEN + 120_000));
          return thiefFound(twin);
        },
      },
      [],
    );
    const plan = await here.plan();
    expect(plan.kind === 'plan' && plan.steps.map(({ kind }) => kind)).toEqual(['detection-filter']);
    expect(plan.kind === 'plan' && plan.residual.join()).toContain('LAMBDA_NETWORK_LOGS was off before');
  });

  it('with the detector is named', () => {
    const [gone] = detectionChanges.byHand;
    const deleted = callOf(
      { eventName: 'DeleteDetector', requestParameters: { detectorId: DETECTOR } },
      'guardduty.amazonaws.com',
    );
    const scope = { partition: 'aws', account: '111122223333', region: 'us-east-1' };
    expect(gone?.next(deleted, scope)?.next).toBe(
      'aws guardduty create-detector --region=us-east-1 --enable',
    );
    const hostile = callOf(
      { eventName: 'DeleteMembers', requestParameters: { detectorId: '$(id)', accountIds: [MEMBER] } },
      'guardduty.amazonaws.com',
    );
    expect(gone?.next(hostile, scope)).toBeUndefined();
  });
});

it('reads the example of each answer, and each is about another kind', () =>
  readsItsExamples(detectionChanges));
