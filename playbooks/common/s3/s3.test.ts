import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFinding } from '../../../core/finding/finding.ts';
import { newBucket, type TwinBucket } from '../../../sandbox/twin/s3.ts';
import { type AccountTwin, createTwin } from '../../../sandbox/twin/twin.ts';
import { findingOn } from '../../../sandbox/worlds.ts';
import {
  type Accounts,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../../test/playbooks/properties.ts';
import { blockPublicAccount } from '../../block-public-account/playbook.ts';
import { blockPublicBucket } from '../../block-public-bucket/playbook.ts';
import { quarantineObject } from '../../quarantine-object/playbook.ts';
import { QUARANTINE_TAG } from '../quarantine-tag.ts';

const PUBLIC = JSON.stringify({ Statement: [{ Effect: 'Allow', Principal: '*', Action: 's3:GetObject' }] });
const block = fc.option(
  fc.record({
    BlockPublicAcls: fc.boolean(),
    BlockPublicPolicy: fc.boolean(),
    IgnorePublicAcls: fc.boolean(),
    RestrictPublicBuckets: fc.boolean(),
  }),
  { nil: null },
);

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
    block,
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
playbookProperties(blockPublicAccount, {
  worlds: fc.record({ block }),
  open(twin, world) {
    twin.state.s3.accountBlock = world.block;
    return findingOn(twin, {
      seed: 'account',
      type: 'Policy:S3/AccountBlockPublicAccessDisabled',
      resource: { resourceType: 'AccessKey' },
    });
  },
});

interface ObjectWorld {
  readonly key: string;
  readonly versioned: boolean;
  readonly others: readonly string[];
  readonly tags: Record<string, string>;
}
const objectFinding = (twin: AccountTwin, s3ObjectDetails: object) =>
  findingOn(twin, {
    seed: 'object',
    type: 'Object:S3/MaliciousFile',
    resource: {
      resourceType: 'S3Object',
      s3BucketDetails: [{ name: 'customer-data', s3ObjectDetails: [{ ...s3ObjectDetails }] }],
    },
  });
const objects: Accounts<ObjectWorld> = {
  worlds: fc.record({
    key: fc.constantFrom('a.exe', 'in/a b+c.zip', 'ü/😀', '../../etc'),
    versioned: fc.boolean(),
    others: fc.array(fc.constantFrom('a.exe.bak', 'in/', 'a.exe2'), { maxLength: 3 }),
    tags: fc.dictionary(fc.string({ minLength: 1, maxLength: 8 }), fc.string({ maxLength: 8 }), {
      maxKeys: 9,
    }),
  }),
  open(twin, { key, versioned, others, tags }) {
    const version = (Key: string, VersionId: string, IsLatest: boolean, Tags = {}) => ({
      Key,
      VersionId,
      ETag: `"etag-${VersionId}"`,
      IsLatest,
      Tags,
    });
    put(twin, {
      versions: [
        ...others.map((other, index) => version(`${key}${other}`, `o${index}`, true)),
        ...(versioned
          ? [version(key, 'v2', true, { clean: 'yes' }), version(key, 'v1', false, { ...tags })]
          : [version(key, 'null', true, { ...tags })]),
      ],
    });
    return objectFinding(twin, {
      key,
      eTag: versioned ? 'etag-v1' : 'etag-null',
      ...(versioned ? { versionId: 'v1' } : {}),
    });
  },
};
playbookProperties(quarantineObject, objects);

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

describe('a malicious object', () => {
  const open = (world: Partial<ObjectWorld> = {}) =>
    scene(database(), quarantineObject, objects, {
      key: 'a.exe',
      versioned: true,
      others: [],
      tags: {},
      ...world,
    });

  it('is tagged in the version that was scanned, beside its own tags, and nothing is deleted', async () => {
    const at = open({ tags: { team: 'web' } });
    await at.contain();
    expect(at.twin.state.s3.buckets['customer-data']?.versions).toMatchObject([
      { VersionId: 'v2', Tags: { clean: 'yes' } },
      { VersionId: 'v1', Tags: { team: 'web', [QUARANTINE_TAG]: 'fb-aaaaaaaaaaaa' } },
    ]);
    const plan = await at.plan();
    expect(plan.kind === 'plan' && plan.residual.join()).toContain('keeps nobody out by itself');
  });

  it('refuses one that was replaced, and one with ten tags', async () => {
    const at = open({ versioned: false });
    const version = at.twin.state.s3.buckets['customer-data']?.versions[0];
    if (version) version.ETag = '"another"';
    expect(await at.plan()).toMatchObject({ kind: 'refused', reason: expect.stringContaining('replaced') });
    const tags = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`t${index}`, '']));
    expect(await open({ tags }).plan()).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('ten tags'),
    });
  });

  it('says that it is gone', async () => {
    const at = open();
    const bucket = at.twin.state.s3.buckets['customer-data'];
    if (bucket) bucket.versions = [];
    await expect(at.plan()).rejects.toMatchObject({ code: 'ResourceNotFound' });
  });
});
