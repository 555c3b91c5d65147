/** What an attacker opened of a bucket is closed again, and undo restores what they left. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import { act, type Caller } from '../../sandbox/attacker.ts';
import { newBucket } from '../../sandbox/twin/s3.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import {
  type Accounts,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
import {
  callOf,
  forgetTheOwner,
  LONG_AGO,
  OWNER,
  readsItsExamples,
  recorded,
  SEEN,
  THIEF,
  targetIn,
  thiefFound,
} from '../../test/playbooks/reversed.ts';
import { samePolicy } from '../common/changes/policy.ts';
import { ALL_BLOCKED } from '../common/s3/public-access-block.ts';
import { bucketChanges, reverseBucketChanges } from './playbook.ts';

const BUCKET = 'customer-data';
const OBJECTS = `arn:aws:s3:::${BUCKET}/*`;
const policy = (...Statement: JsonObject[]) => JSON.stringify({ Version: '2012-10-17', Statement }, null, 1);
const OVER_TLS: JsonObject = {
  ...{ Effect: 'Deny', Principal: '*', Action: 's3:*', Resource: [OBJECTS] },
  Condition: { Bool: { 'aws:SecureTransport': 'false' } },
};
const OWN: JsonObject = {
  ...{ Effect: 'Allow', Action: 's3:GetObject', Resource: OBJECTS },
  Principal: { AWS: 'arn:aws:iam::111122223333:root' },
};
const PUBLIC: JsonObject = { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: OBJECTS };
const OPEN = {
  ...{ BlockPublicAcls: false, BlockPublicPolicy: false },
  ...{ IgnorePublicAcls: false, RestrictPublicBuckets: false },
};
const TO_THIEF = {
  Role: 'arn:aws:iam::111122223333:role/replication',
  Rules: [
    {
      ...{ ID: 'all', Priority: 1, Status: 'Enabled', Filter: { Prefix: '' } },
      DeleteMarkerReplication: { Status: 'Disabled' },
      Destination: { Bucket: 'arn:aws:s3:::elsewhere', Account: '444455556666' },
    },
  ],
};
const expiry = (Days: number) => ({
  Rules: [
    { ID: 'soon', Status: 'Enabled', Filter: { Prefix: 'tmp/' }, Expiration: { Days } },
    {
      ...{ ID: 'cold', Status: 'Enabled' },
      Filter: { And: { Prefix: '', Tags: [{ Key: 'cold', Value: '1' }] } },
      Transitions: [{ Days: 30, StorageClass: 'GLACIER' }],
    },
  ],
});
const CANONICAL = '0a'.repeat(32);
const right = (ID: string, Permission: string) => ({
  Grantee: { Type: 'CanonicalUser', ID },
  Permission,
});

interface Asked {
  readonly operation: string;
  readonly input?: JsonObject;
  readonly service?: 'S3Control';
}
/** What the attacker does, by a name for it. */
const ATTACKS = {
  'public policy': { operation: 'PutBucketPolicy', input: { Policy: policy(OVER_TLS, OWN, PUBLIC) } },
  'no policy': { operation: 'DeleteBucketPolicy' },
  'public ACL': { operation: 'PutBucketAcl', input: { ACL: 'public-read-write' } },
  'ACL of another account': {
    operation: 'PutBucketAcl',
    input: {
      AccessControlPolicy: {
        Owner: { ID: CANONICAL },
        Grants: [right(CANONICAL, 'FULL_CONTROL'), right('0b'.repeat(32), 'READ')],
      },
    },
  },
  'block off': { operation: 'PutPublicAccessBlock', input: { PublicAccessBlockConfiguration: OPEN } },
  'no block': { operation: 'DeletePublicAccessBlock' },
  'account block off': {
    ...{ operation: 'PutPublicAccessBlock', service: 'S3Control' },
    input: { PublicAccessBlockConfiguration: OPEN },
  },
  'no account block': { operation: 'DeletePublicAccessBlock', service: 'S3Control' },
  replication: { operation: 'PutBucketReplication', input: { ReplicationConfiguration: TO_THIEF } },
  expiry: {
    operation: 'PutBucketLifecycleConfiguration',
    input: { LifecycleConfiguration: expiry(1) },
  },
  'no versions': {
    operation: 'PutBucketVersioning',
    input: { VersioningConfiguration: { Status: 'Suspended' } },
  },
  'no lifecycle': { operation: 'DeleteBucketLifecycle' },
} as const satisfies Readonly<Record<string, Asked>>;
type Attack = keyof typeof ATTACKS;
const ALL = Object.keys(ATTACKS) as Attack[];

const ONE: Readonly<Record<string, string>> = {
  ...{ Rules: 'Rule', Transitions: 'Transition', Tags: 'Tag', Grants: 'Grant' },
};
/** The XML of a request as CloudTrail writes it: a list of one is its entry. */
function xml(value: Json): Json {
  if (Array.isArray(value)) return value.map(xml);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => {
      const inner = xml(member);
      return [ONE[name] ?? name, Array.isArray(inner) && inner.length === 1 ? (inner[0] ?? null) : inner];
    }),
  );
}
const NAMES: Readonly<Record<string, string>> = {
  PutPublicAccessBlock: 'PutBucketPublicAccessBlock',
  DeletePublicAccessBlock: 'DeleteBucketPublicAccessBlock',
  PutBucketLifecycleConfiguration: 'PutBucketLifecycle',
};

/** The call as S3 takes it, and as CloudTrail writes it. */
function call(twin: AccountTwin, by: Caller, { operation, input = {}, service }: Asked, at: Date): void {
  if (service) {
    const name = operation.replace('Public', 'AccountPublic');
    const AccountId = twin.scope.account;
    const record = { name, request: { accountId: AccountId, ...input } };
    act(twin, by, { ...{ service, operation, at, record }, input: { AccountId, ...input } });
    return;
  }
  const { Policy, ACL, AccessControlPolicy, ...rest } = input;
  const written = xml(isJsonObject(AccessControlPolicy) ? accessList(AccessControlPolicy) : rest);
  const request = {
    ...(isJsonObject(written) ? written : {}),
    ...(typeof Policy === 'string' ? { bucketPolicy: JSON.parse(Policy) } : {}),
    ...(ACL === undefined ? {} : { 'x-amz-acl': [ACL] }),
    bucketName: BUCKET,
  };
  act(twin, by, {
    ...{ service: 'S3', operation, at, input: { Bucket: BUCKET, ...input } },
    record: { name: NAMES[operation] ?? operation, request },
  });
}
const accessList = ({ Owner = null, Grants = [] }: JsonObject): JsonObject => ({
  AccessControlPolicy: { Owner, AccessControlList: { Grants } },
});

/** What the owner set up, by calls that CloudTrail still shows. */
function owned(twin: AccountTwin): void {
  twin.state.s3.buckets[BUCKET] = newBucket(BUCKET, { Region: twin.scope.region });
  const all: readonly Asked[] = [
    { operation: 'PutBucketPolicy', input: { Policy: policy(OVER_TLS, OWN) } },
    { operation: 'PutBucketAcl', input: { ACL: 'log-delivery-write' } },
    { operation: 'PutPublicAccessBlock', input: { PublicAccessBlockConfiguration: ALL_BLOCKED } },
    {
      ...{ operation: 'PutPublicAccessBlock', service: 'S3Control' },
      input: { PublicAccessBlockConfiguration: ALL_BLOCKED },
    },
    { operation: 'PutBucketLifecycleConfiguration', input: { LifecycleConfiguration: expiry(400) } },
    { operation: 'PutBucketVersioning', input: { VersioningConfiguration: { Status: 'Enabled' } } },
  ];
  for (const one of all) call(twin, OWNER, one, LONG_AGO);
}

type World = readonly Asked[];
let opened: AccountTwin | undefined;
const accounts: Accounts<World> = {
  worlds: fc
    .array(fc.constantFrom(...ALL), { maxLength: 5 })
    // One that leaves something to reverse in every order.
    .map((world) => ['replication' as const, ...world].map((attack) => ATTACKS[attack])),
  runs: 8,
  open(twin, world) {
    opened = twin;
    owned(twin);
    world.forEach((one, index) => {
      call(twin, THIEF, one, new Date(SEEN + 60_000 * (index + 1)));
    });
    return thiefFound(twin);
  },
  target: (finding) => targetIn(bucketChanges, opened, finding, finding.region),
};
playbookProperties(reverseBucketChanges, accounts);

const database = sceneDatabase('reverse-bucket-changes-test');
const at = (...world: World) => scene(database(), reverseBucketChanges, accounts, world);
const calm = () => {
  const twin = createTwin(SCOPE);
  owned(twin);
  return twin;
};
/** Everything but the policy, whose text a record does not show. */
function settings({ state }: AccountTwin) {
  const { policy: text = null, ...rest } = state.s3.buckets[BUCKET] ?? {};
  return { text, rest: { ...rest, account: state.s3.accountBlock } };
}

describe('what was there before', () => {
  it.each(ALL)('%s: is restored, proven, and undone letter for letter', async (attack) => {
    const here = at(ATTACKS[attack]);
    const before = here.account();
    const { steps } = await here.contain();
    expect(steps.map(({ status }) => status)).toEqual(['done']);
    const [restored, wanted] = [settings(here.twin), settings(calm())];
    expect(restored.rest).toEqual(wanted.rest);
    expect(samePolicy(restored.text, wanted.text)).toBe(true);
    expect(await here.prove()).toMatchObject({ proven: true });
    await here.undo();
    expect(here.account()).toEqual(before);
  });

  const known = (items: Parameters<typeof recorded>[2][]) => {
    const forgotten: Accounts<World> = {
      ...accounts,
      open(twin, world) {
        const finding = accounts.open(twin, world);
        forgetTheOwner(twin, twin.scope.region);
        for (const item of items) recorded(twin, twin.scope.region, item);
        return finding;
      },
    };
    return (...world: World) => scene(database(), reverseBucketChanges, forgotten, world);
  };
  const small = Object.fromEntries(
    Object.entries(ALL_BLOCKED).map(([key, on]) => [key.slice(0, 1).toLowerCase() + key.slice(1), on]),
  );
  const owner = { id: CANONICAL, displayName: null };
  const ITEMS = [
    {
      ...{ type: 'AWS::S3::Bucket', id: BUCKET },
      supplementary: {
        BucketPolicy: { policyText: policy(OVER_TLS, OWN) },
        PublicAccessBlockConfiguration: small,
        BucketVersioningConfiguration: { status: 'Enabled', isMfaDeleteEnabled: null },
        // A text of a text.
        AccessControlList: JSON.stringify({
          grantList: [
            { grantee: owner, permission: 'FullControl' },
            { grantee: 'LogDelivery', permission: 'Write' },
            { grantee: 'LogDelivery', permission: 'ReadAcp' },
          ],
          owner,
        }),
      },
    },
    {
      ...{ type: 'AWS::S3::AccountPublicAccessBlock', id: SCOPE.account },
      configuration: small,
    },
  ];
  it.each(ALL.filter((attack) => !/expiry|lifecycle/.test(attack)))(
    '%s: is what AWS Config recorded where CloudTrail does not show it',
    async (attack) => {
      const here = known(ITEMS)(ATTACKS[attack]);
      const plan = await here.plan();
      expect(plan.kind === 'plan' && plan.steps[0]?.describe).toContain('from AWS Config');
      await here.contain();
      const [restored, wanted] = [settings(here.twin), settings(calm())];
      expect(restored.rest).toEqual(wanted.rest);
      // Config keeps the text.
      if (/policy/.test(attack)) expect(restored.text).toBe(wanted.text);
    },
  );

  it('is guessed only where that closes: what lets others in goes, the rest of the policy stays', async () => {
    const here = known([])(ATTACKS['public policy'], ATTACKS['no block'], ATTACKS['public ACL']);
    const plan = await here.plan();
    for (const { describe: line } of plan.kind === 'plan' ? plan.steps : [])
      expect(line).toContain('not sure');
    await here.contain();
    const { text, rest } = settings(here.twin);
    expect(samePolicy(text, policy(OVER_TLS, OWN))).toBe(true);
    expect(rest).toMatchObject({ block: ALL_BLOCKED });
    expect(Object.hasOwn(rest, 'acl')).toBe(false);
    expect(await known([])(ATTACKS['no policy']).plan()).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('what it was before is not known'),
    });
  });
});

describe('a reversal lets no one in', () => {
  const planned = async (mine: Asked, theirs: Asked) => {
    const world: Accounts<World> = {
      ...accounts,
      open(twin, attacks) {
        owned(twin);
        call(twin, OWNER, mine, LONG_AGO);
        opened = twin;
        attacks.forEach((one) => {
          call(twin, THIEF, one, new Date(SEEN + 60_000));
        });
        return thiefFound(twin);
      },
    };
    const plan = await scene(database(), reverseBucketChanges, world, [theirs]).plan();
    return plan.kind === 'plan' ? plan.steps : plan.reason;
  };
  it.each<readonly [string, Asked, Asked]>([
    [
      'a public policy that was removed',
      { operation: 'PutBucketPolicy', input: { Policy: policy(PUBLIC) } },
      ATTACKS['no policy'],
    ],
    [
      'rights in an ACL',
      ATTACKS['ACL of another account'],
      { operation: 'PutBucketAcl', input: { ACL: 'private' } },
    ],
    [
      'a block that was off',
      ATTACKS['block off'],
      { operation: 'PutPublicAccessBlock', input: { PublicAccessBlockConfiguration: ALL_BLOCKED } },
    ],
    [
      "the account's block",
      ATTACKS['no account block'],
      {
        ...{ operation: 'PutPublicAccessBlock', service: 'S3Control' },
        input: { PublicAccessBlockConfiguration: ALL_BLOCKED },
      },
    ],
    ['replication', ATTACKS.replication, { operation: 'DeleteBucketReplication' }],
  ])('%s is for a person', async (_what, mine, theirs) => {
    expect(await planned(mine, theirs)).toContain('is for a person to restore');
  });

  it('a policy that let a partner in keeps it, and loses the public', async () => {
    const PARTNER = { ...PUBLIC, Principal: { AWS: '222233334444' } };
    const steps = await planned(
      { operation: 'PutBucketPolicy', input: { Policy: policy(PARTNER) } },
      { operation: 'PutBucketPolicy', input: { Policy: policy(PARTNER, PUBLIC) } },
    );
    expect(steps).toMatchObject([{ kind: 'reversed-bucket-policy' }]);
  });
});

it('names a bucket of another account, which it may not read, and reverses the others', async () => {
  const foreign: Accounts<World> = {
    ...accounts,
    open(twin, world) {
      const finding = accounts.open(twin, world);
      const bucket = twin.state.s3.buckets[BUCKET];
      if (bucket) bucket.owner = '444455556666';
      return finding;
    },
  };
  const here = scene(database(), reverseBucketChanges, foreign, [
    ATTACKS['public policy'],
    ATTACKS['account block off'],
  ]);
  const plan = await here.plan();
  expect(plan).toMatchObject({
    kind: 'plan',
    steps: [{ kind: 'reversed-account-block' }],
    residual: expect.arrayContaining([expect.stringContaining('may not be read (AccessDenied)')]),
  });
});

it('reads lists of one and numbers that are texts', () => {
  const rule = {
    ID: '7',
    Status: 'Enabled',
    Filter: '',
    Expiration: { Days: '7', Date: '2027-01-01T00:00:00Z' },
  };
  const [inverse] = bucketChanges.inverses.filter(({ id }) => id === 'reversed-bucket-lifecycle');
  const record = {
    eventName: 'PutBucketLifecycle',
    requestParameters: { bucketName: BUCKET, LifecycleConfiguration: { xmlns: 'x', Rule: rule } },
  };
  expect(inverse?.effects(callOf(record, 's3.amazonaws.com'), SCOPE)).toMatchObject([
    {
      left: {
        rules: [{ ...rule, Filter: {}, Expiration: { Days: 7, Date: '2027-01-01T00:00:00.000Z' } }],
      },
    },
  ]);
});

it('reads the example of each answer, and each is about another kind', () => readsItsExamples(bucketChanges));
