import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awsFor, configureAws } from '../../core/aws/client.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import { loadPolicy } from '../../core/policy/policy.ts';
import { evaluate } from '../../sandbox/twin/policy-evaluation.ts';
import { newBucket, type TwinBucket } from '../../sandbox/twin/s3.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import {
  type Accounts,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
import { denyBucketPrincipal } from '../deny-bucket-principal/playbook.ts';
import { choosePlaybook } from '../index.ts';
import { suspendExpiry } from '../suspend-expiry/playbook.ts';

const BUCKET = 'customer-data';
const put = (twin: AccountTwin, world: Partial<TwinBucket>): void => {
  twin.state.s3.buckets[BUCKET] = newBucket(BUCKET, world);
};
const bucketIn = (twin: AccountTwin): TwinBucket => {
  const found = twin.state.s3.buckets[BUCKET];
  if (!found) throw new Error('the world has no bucket');
  return found;
};
const FOREIGN = 'AROAFOREIGN0000000001:thief';
const finding = (
  twin: AccountTwin,
  details: object,
  type = 'Exfiltration:S3/AnomalousBehavior',
  buckets: readonly string[] = [BUCKET],
) =>
  findingOn(twin, {
    seed: type,
    type,
    resource: {
      resourceType: 'S3Bucket',
      s3BucketDetails: buckets.map((name) => ({ name })),
      accessKeyDetails: { ...details },
    },
  });
const chosen = (details: object, buckets?: readonly string[]) =>
  choosePlaybook(parseFinding(finding(createTwin(SCOPE), details, undefined, buckets)));

describe('who works on a bucket', () => {
  it.each([
    [
      'a user',
      { userType: 'IAMUser', userName: 'bob', principalId: 'AIDAEXAMPLE000000001' },
      'disable-user-keys',
    ],
    [
      "an instance's session",
      { userType: 'AssumedRole', userName: 'app', principalId: 'AROAEXAMPLE000000001:i-0123456789abcdef0' },
      'revoke-instance-session',
    ],
    [
      'another session',
      { userType: 'AssumedRole', userName: 'app', principalId: 'AROAEXAMPLE000000001:build-42' },
      'revoke-role-sessions',
    ],
    [
      'a session of Identity Center',
      {
        userType: 'AssumedRole',
        userName: 'AWSReservedSSO_Admin_0123',
        principalId: 'AROASSO0000000000001:ann',
      },
      'deny-bucket-principal',
    ],
    ['another account', { userType: 'AWSAccount', principalId: FOREIGN }, 'deny-bucket-principal'],
    [
      "another account's root",
      { userType: 'AWSAccount', principalId: '999988887777' },
      'deny-bucket-principal',
    ],
    [
      'a federated user',
      { userType: 'FederatedUser', principalId: '111122223333:ann' },
      'deny-bucket-principal',
    ],
  ])('is contained as %s', (_name, details, playbook) => {
    const choice = chosen(details);
    expect(choice).toMatchObject({ id: 'contain-bucket-principal', parts: [{ playbook: { id: playbook } }] });
    if ('none' in choice) throw new Error(choice.none);
    expect(choice.unhandled).toHaveLength(playbook === 'deny-bucket-principal' ? 1 : 0);
  });

  it.each([
    ['root', { userType: 'Root', principalId: '111122223333' }, 'SCP'],
    [
      "the bucket's own account by its id",
      { userType: 'AWSAccount', principalId: '111122223333' },
      'on the resource',
    ],
    ['a service', { userType: 'AWSService', principalId: 'x' }, 'on the resource'],
    ['a hostile id', { userType: 'AWSAccount', principalId: '*' }, 'on the resource'],
    ['a policy variable', { userType: 'AWSAccount', principalId: '${aws:userid}' }, 'on the resource'],
    ['nobody', {}, 'no assumed role'],
  ])('is told with what works for %s', (_name, details, words) => {
    expect(chosen(details)).toEqual({ none: expect.stringContaining(words) });
  });

  it('is denied in the permission set and on the bucket where Identity Center issued it', () => {
    const choice = chosen({
      userType: 'AssumedRole',
      userName: 'AWSReservedSSO_Admin_0123456789abcdef',
      principalId: 'AROASSO0000000000001:ann@example.com',
    });
    expect(choice).toMatchObject({
      parts: [{ playbook: { id: 'revoke-sso-sessions' } }, { playbook: { id: 'deny-bucket-principal' } }],
      unhandled: [],
    });
  });

  it('is denied on every bucket of the finding, and no more than ten', () => {
    const names = Array.from({ length: 12 }, (_, index) => `data-${index}`);
    const choice = chosen({ userType: 'AWSAccount', principalId: FOREIGN }, names);
    if ('none' in choice) throw new Error(choice.none);
    expect(choice.parts).toHaveLength(10);
    expect(choice.unhandled.join('\n')).toContain('data-11 for');
  });
});

interface PolicyWorld {
  readonly policy: string | null;
  readonly Region: string;
  readonly principal: string;
}
const statement = {
  Sid: 'Own',
  Effect: 'Allow',
  Principal: '*',
  Action: 's3:GetObject',
  Resource: `arn:aws:s3:::${BUCKET}/*`,
};
const accounts: Accounts<PolicyWorld> = {
  worlds: fc.record({
    // Texts as people write them: one statement without a list, an Id, odd spaces, an order of their own.
    policy: fc.constantFrom(
      null,
      JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
      JSON.stringify({ Statement: statement, Id: 'x', Version: '2008-10-17' }, null, 2),
      `{ "Statement" : [${JSON.stringify(statement)}, ${JSON.stringify({ ...statement, Sid: 'Two' })}] }`,
    ),
    Region: fc.constantFrom('us-east-1', 'eu-west-1', 'ap-southeast-2'),
    principal: fc.constantFrom(FOREIGN, 'AIDAFOREIGN0000000001', '999988887777', '111122223333:ann'),
  }),
  open(twin, { policy, Region, principal }) {
    put(twin, { policy, Region });
    return finding(twin, { userType: 'AWSAccount', principalId: principal });
  },
};
playbookProperties(denyBucketPrincipal, accounts);

const database = sceneDatabase('contain-bucket-principal-test');

describe('the deny in the policy of the bucket', () => {
  const open = (world: Partial<PolicyWorld> = {}) =>
    scene(database(), denyBucketPrincipal, accounts, {
      policy: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
      Region: 'eu-west-1',
      principal: FOREIGN,
      ...world,
    });
  const as = (twin: AccountTwin, keys: Record<string, string>) =>
    evaluate(new Map([['bucket', bucketIn(twin).policy ?? '{"Statement":[]}']]), {
      action: 's3:GetObject',
      resource: `arn:aws:s3:::${BUCKET}/a`,
      keys,
    }).decision;

  it('hits this principal alone', async () => {
    const at = open();
    await at.contain();
    expect(as(at.twin, { 'aws:userid': FOREIGN })).toBe('explicitDeny');
    expect(as(at.twin, { 'aws:userid': 'AROAFOREIGN0000000001:other' })).toBe('allowed');
    expect(as(at.twin, {})).toBe('allowed');
  });

  it('is always asked, and silence does not do it', async () => {
    const at = open();
    const policy = await loadPolicy('policy.yml');
    const plan = await at.plan();
    const decision = policy.decide(at.finding, {
      now: new Date(0),
      playbook: { id: 'contain-bucket-principal', kind: 'contain-bucket-principal' },
      parts: [{ playbook: denyBucketPrincipal.id, display: at.target.display, plan }],
    });
    expect(decision).toMatchObject({ kind: 'ask', expiry: 'escalate' });
  });

  it('leaves what others wrote meanwhile, before and after', async () => {
    const at = open();
    await at.contain();
    const theirs = { ...statement, Sid: 'Theirs' };
    const bucket = bucketIn(at.twin);
    const live = JSON.parse(bucket.policy ?? '') as { Statement: object[] };
    bucket.policy = JSON.stringify({ ...live, Statement: [...live.Statement, theirs] });
    expect((await at.undo()).kind).toBe('undone');
    expect(JSON.parse(bucketIn(at.twin).policy ?? '')).toEqual({
      Version: '2012-10-17',
      Statement: [statement, theirs],
    });
  });

  it('is seen when somebody wrote over it, and written again', async () => {
    const at = open();
    await at.contain();
    bucketIn(at.twin).policy = JSON.stringify({ Statement: [statement] });
    expect(await at.prove()).toMatchObject({ proven: false, next: 'recontain' });
    await at.contain();
    expect(await at.prove()).toMatchObject({ proven: true });
  });

  it('one that somebody edited is drift and is not taken out', async () => {
    const at = open();
    await at.contain();
    const bucket = bucketIn(at.twin);
    bucket.policy = (bucket.policy ?? '').replace('"s3:*"', '"s3:Get*"');
    const edited = bucket.policy;
    expect((await at.undo()).kind).toBe('partial');
    expect(bucketIn(at.twin).policy).toBe(edited);
  });

  it('gives "no policy" back as none', async () => {
    const at = open({ policy: null });
    await at.contain();
    await at.undo();
    expect(bucketIn(at.twin).policy).toBeNull();
    expect(at.twin.calls.map(({ operation }) => operation)).toContain('DeleteBucketPolicy');
  });

  it.each([
    [
      'a policy without room',
      { policy: JSON.stringify({ Statement: [{ ...statement, Sid: 'x'.repeat(20_200) }] }) },
      [],
      'no room',
    ],
    ['what is no policy', { policy: '[]' }, [], 'no policy document'],
    ['a protected bucket', {}, ['customer-*'], 'protected'],
    ['a protected caller', {}, ['AROAFOREIGN*'], 'protected'],
  ])('refuses %s', async (_name, world, patterns, words) => {
    expect(await open(world).plan('fb-aaaaaaaaaaaa', true, patterns)).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining(words),
    });
  });
});

const rule = (ID: string, more: object = {}) => ({
  ID,
  Status: 'Enabled',
  Filter: { Prefix: '' },
  Expiration: { Days: 1 },
  ...more,
});
const lifecycle = [
  rule('attacker'),
  rule('logs', { Filter: { Prefix: 'logs/' } }),
  { ID: 'cold', Status: 'Enabled', Filter: {}, Transitions: [{ Days: 30, StorageClass: 'GLACIER' }] },
];
interface LifecycleWorld {
  readonly ruleIds: readonly string[] | null;
  readonly Region: string;
}
/** As `locate` finds it; the registry's own `targetOf` knows nothing without CloudTrail. */
const located = {
  ...suspendExpiry,
  targetOf: ({ detail }: ReturnType<typeof parseFinding>) => ({
    ok: true as const,
    target: {
      ...SCOPE,
      kind: 's3-lifecycle',
      id: BUCKET,
      display: BUCKET,
      facts: { bucket: BUCKET, by: 'AIDA', at: 'then', ruleIds: detail['rules'] ?? null },
    },
  }),
};
const rulesWorld: Accounts<LifecycleWorld> = {
  worlds: fc.record({
    ruleIds: fc.constantFrom(null, ['attacker'], ['attacker', 'cold', 'gone']),
    Region: fc.constantFrom('us-east-1', 'eu-west-1'),
  }),
  open(twin, { ruleIds, Region }) {
    put(twin, { lifecycle: structuredClone(lifecycle), Region });
    const event = finding(twin, {}) as { detail: object };
    return { ...event, detail: { ...event.detail, ...(ruleIds ? { rules: ruleIds } : {}) } };
  },
};
playbookProperties(suspendExpiry, {
  ...rulesWorld,
  target: (given) => located.targetOf(given),
  runs: 10,
});

describe('lifecycle rules of the attacker', () => {
  const open = (world: Partial<LifecycleWorld> = {}) =>
    scene(database(), located, rulesWorld, { ruleIds: ['attacker'], Region: 'eu-west-1', ...world });
  const statuses = (twin: AccountTwin) =>
    bucketIn(twin).lifecycle?.map(({ ID, Status }) => `${ID} ${Status}`);

  it('are suspended alone, and the plan says that versioning is off', async () => {
    const at = open();
    const plan = await at.plan();
    expect(plan).toMatchObject({ kind: 'plan', askBecause: [expect.any(String)] });
    expect(plan.kind === 'plan' && plan.warnings.join()).toContain('never switched on');
    await at.contain();
    expect(statuses(at.twin)).toEqual(['attacker Disabled', 'logs Enabled', 'cold Enabled']);
    expect(bucketIn(at.twin).lifecycle?.[2]).toEqual(lifecycle[2]);
  });

  it('are every rule that expires where CloudTrail does not show them', async () => {
    const at = open({ ruleIds: null });
    await at.contain();
    expect(statuses(at.twin)).toEqual(['attacker Disabled', 'logs Disabled', 'cold Enabled']);
  });

  it('are refused once they are gone', async () => {
    const at = open();
    delete bucketIn(at.twin).lifecycle;
    expect(await at.plan()).toMatchObject({ kind: 'refused' });
  });

  const event = (principalId: string, requestParameters: unknown, more: object = {}) => ({
    resource: BUCKET,
    event: {
      eventName: 'PutBucketLifecycle',
      eventTime: '2026-11-24T07:00:00Z',
      userIdentity: { principalId },
      requestParameters,
      ...more,
    },
  });
  const oneRule = { LifecycleConfiguration: { Rule: { ID: 'attacker' } } };
  it.each([
    [
      'by the principal, one rule',
      [event('AIDAEXAMPLE000000001', oneRule)],
      { ok: true, target: { facts: { ruleIds: ['attacker'] } } },
    ],
    [
      'by the principal, rules not shown',
      [event('AIDAEXAMPLE000000001', null)],
      { ok: true, target: { facts: { ruleIds: null } } },
    ],
    [
      'by somebody else',
      [event('AIDAOTHER', oneRule)],
      { ok: false, reason: expect.stringContaining('did not write') },
    ],
    ['refused by S3', [event('AIDAEXAMPLE000000001', oneRule, { errorCode: 'AccessDenied' })], { ok: false }],
    ['never', [], { ok: false }],
  ])('are looked for in CloudTrail: set %s', async (_name, history, expected) => {
    const twin = createTwin(SCOPE);
    configureAws({ answer: twin.answer, retryBaseMs: 1 });
    put(twin, { Region: 'ap-southeast-2' });
    twin.region('ap-southeast-2').cloudtrail.history.push(...history);
    const given = parseFinding(
      finding(twin, { principalId: 'AIDAEXAMPLE000000001' }, 'Impact:S3/AnomalousBehavior.Delete'),
    );
    expect(await suspendExpiry.locate?.(given, awsFor(SCOPE))).toMatchObject(expected);
  });
});
