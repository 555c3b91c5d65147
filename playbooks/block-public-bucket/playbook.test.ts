/** A bucket opened to the public: closed at the bucket, and exactly what was there after undo. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TwinBucket } from '../../sandbox/twin/s3.ts';
import {
  BUCKET,
  bucketIn,
  onBucket,
  publicAccessBlocks,
  putBucket,
} from '../../test/playbooks/bucket-world.ts';
import { type Accounts, playbookProperties, scene, sceneDatabase } from '../../test/playbooks/properties.ts';
import { blockPublicBucket } from './playbook.ts';

const PUBLIC = JSON.stringify({ Statement: [{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject' }] });

const accounts = (named: readonly string[] = [BUCKET]): Accounts<Partial<TwinBucket>> => ({
  worlds: fc.record({
    block: publicAccessBlocks,
    policy: fc.constantFrom(null, PUBLIC, '{"Statement":[]}'),
    website: fc.boolean(),
    Tags: fc.dictionary(fc.constantFrom('team', 'public-ok'), fc.string()),
    Region: fc.constantFrom('us-east-1', 'eu-west-1', 'ap-southeast-2'),
  }),
  open(twin, world) {
    putBucket(twin, world);
    return onBucket(twin, {}, 'Policy:S3/BucketAnonymousAccessGranted', named);
  },
});
playbookProperties(blockPublicBucket, accounts());

const database = sceneDatabase('block-public-bucket-test');

describe('a bucket opened to the public', () => {
  const open = (world: Partial<TwinBucket> = {}, named?: readonly string[]) =>
    scene(database(), blockPublicBucket, accounts(named), world);

  it('is closed where it is, and "unset" is restored by deleting', async () => {
    const at = open({ policy: PUBLIC, Region: 'us-east-1' });
    await at.contain();
    expect(await at.prove()).toMatchObject({ proven: true });
    bucketIn(at.twin).block = null;
    expect(await at.prove()).toMatchObject({ proven: false, next: 'recontain' });
    await at.contain();
    await at.undo();
    expect(bucketIn(at.twin).block).toBeNull();
    expect(at.twin.calls.map(({ operation }) => operation)).toContain('DeletePublicAccessBlock');
  });

  it('asks for a website and for one marked public', async () => {
    const plan = await open({ website: true, Tags: { 'public-ok': 'yes' } }).plan();
    expect(plan.kind === 'plan' && plan.askBecause).toHaveLength(2);
  });

  it('an edited block is drift on undo and is not overwritten', async () => {
    const at = open({ policy: PUBLIC });
    await at.contain();
    const edited = {
      BlockPublicAcls: false,
      BlockPublicPolicy: true,
      IgnorePublicAcls: true,
      RestrictPublicBuckets: true,
    };
    bucketIn(at.twin).block = { ...edited };
    expect((await at.undo()).kind).toBe('partial');
    expect(bucketIn(at.twin).block).toEqual(edited);
  });

  it('names the other buckets of the finding, which it does not change', async () => {
    expect(await open({}, [BUCKET, 'second-one']).plan()).toMatchObject({
      residual: [expect.stringContaining('also names second-one')],
    });
  });

  it('refuses a protected bucket', async () => {
    expect(await open().plan('fb-aaaaaaaaaaaa', true, ['customer-*'])).toMatchObject({ kind: 'refused' });
  });
});
