import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFinding } from '../../core/finding/finding.ts';
import { newBucket, type TwinBucket } from '../../sandbox/twin/s3.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import { publicAccessBlocks } from '../../test/playbooks/bucket-world.ts';
import {
  type Accounts,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
import { blockPublicBucket } from './playbook.ts';

const PUBLIC = JSON.stringify({ Statement: [{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject' }] });
const put = (twin: AccountTwin, world: Partial<TwinBucket>): void => {
  twin.state.s3.buckets['customer-data'] = newBucket('customer-data', world);
};
const bucketFinding = (twin: AccountTwin, s3BucketDetails: object[] = [{ name: 'customer-data' }]) =>
  findingOn(twin, {
    seed: 's3',
    type: 'Policy:S3/BucketAnonymousAccessGranted',
    resource: { resourceType: 'S3Bucket', s3BucketDetails: s3BucketDetails.map((one) => ({ ...one })) },
  });

const buckets: Accounts<Partial<TwinBucket>> = {
  worlds: fc.record({
    block: publicAccessBlocks,
    policy: fc.constantFrom(null, PUBLIC, '{"Statement":[]}'),
    website: fc.boolean(),
    Tags: fc.dictionary(fc.constantFrom('team', 'public-ok'), fc.string()),
    Region: fc.constantFrom('us-east-1', 'eu-west-1', 'ap-southeast-2'),
  }),
  open(twin, world) {
    put(twin, world);
    return bucketFinding(twin);
  },
};
playbookProperties(blockPublicBucket, buckets);

const database = sceneDatabase('s3-test');

describe('a bucket opened to the public', () => {
  const open = (world: Partial<TwinBucket> = {}) => scene(database(), blockPublicBucket, buckets, world);
  const live = (at: ReturnType<typeof open>) => at.twin.state.s3.buckets['customer-data'];

  it('is closed where it is, and "unset" is given back by deleting', async () => {
    const at = open({ policy: PUBLIC, Region: 'us-east-1' });
    await at.contain();
    expect(await at.prove()).toMatchObject({ proven: true });
    const bucket = live(at);
    if (bucket) bucket.block = null;
    expect(await at.prove()).toMatchObject({ proven: false, next: 'recontain' });
    await at.contain();
    await at.undo();
    expect(live(at)?.block).toBeNull();
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
    const bucket = live(at);
    if (bucket) bucket.block = { ...edited };
    expect((await at.undo()).kind).toBe('partial');
    expect(live(at)?.block).toEqual(edited);
  });

  it('names the other buckets of the finding, and refuses a protected one', async () => {
    const twin = createTwin(SCOPE);
    const choice = blockPublicBucket.targetOf(
      parseFinding(bucketFinding(twin, [{ name: 'customer-data' }, { name: 'second-one' }])),
    );
    expect(choice).toMatchObject({ ok: true, target: { facts: { others: ['second-one'] } } });
    expect(await open().plan('fb-aaaaaaaaaaaa', true, ['customer-*'])).toMatchObject({ kind: 'refused' });
  });

  it.each([[[]], [[{}]], [[{ name: '../x' }]], [[{ name: 'UPPER' }]], [[{ name: 'x'.repeat(64) }]]])(
    'is not guessed from %j',
    (details) => {
      expect(blockPublicBucket.targetOf(parseFinding(bucketFinding(createTwin(SCOPE), details))).ok).toBe(
        false,
      );
    },
  );
});
