import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadPolicy } from '../../core/policy/policy.ts';
import { evaluate } from '../../sandbox/twin/policy-evaluation.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import { BUCKET, bucketIn, FOREIGN, onBucket, putBucket } from '../../test/playbooks/bucket-world.ts';
import { type Accounts, playbookProperties, scene, sceneDatabase } from '../../test/playbooks/properties.ts';
import { denyBucketPrincipal } from './playbook.ts';

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
    putBucket(twin, { policy, Region });
    return onBucket(twin, { userType: 'AWSAccount', principalId: principal });
  },
};
playbookProperties(denyBucketPrincipal, accounts);

const database = sceneDatabase('deny-bucket-principal-test');

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

  it('is seen when someone wrote over it, and written again', async () => {
    const at = open();
    await at.contain();
    bucketIn(at.twin).policy = JSON.stringify({ Statement: [statement] });
    expect(await at.prove()).toMatchObject({ proven: false, next: 'recontain' });
    await at.contain();
    expect(await at.prove()).toMatchObject({ proven: true });
  });

  it('one that someone edited is drift and is not taken out', async () => {
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
