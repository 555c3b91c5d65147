/** A malicious object: the scanned version is tagged with its own tags kept, and nothing is deleted. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newBucket } from '../../sandbox/twin/s3.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import { BUCKET, bucketIn, putBucket } from '../../test/playbooks/bucket-world.ts';
import { type Accounts, playbookProperties, scene, sceneDatabase } from '../../test/playbooks/properties.ts';
import { QUARANTINE_TAG } from '../common/quarantine-tag.ts';
import { quarantineObject } from './playbook.ts';
import { objectSettings } from './settings.ts';

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
      s3BucketDetails: [{ name: BUCKET, s3ObjectDetails: [{ ...s3ObjectDetails }] }],
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
    putBucket(twin, {
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

const COPIES = 'firebreak-quarantine-111122223333-eu-west-1';
const copied: Accounts<ObjectWorld> = {
  ...objects,
  settings: { copyTo: 'firebreak-quarantine-{account}-{region}' },
  open(twin, world) {
    const finding = objects.open(twin, world);
    twin.state.s3.buckets[COPIES] = newBucket(COPIES);
    return finding;
  },
  // A copy is evidence: it stays after an undo.
  without(account) {
    const { s3 } = account as { s3: { buckets: Record<string, unknown> } };
    delete s3.buckets[COPIES];
    return account;
  },
  runs: 5,
};
describe('with a bucket for copies', () => playbookProperties(quarantineObject, copied));

const database = sceneDatabase('quarantine-object-test');

describe('a malicious object', () => {
  const open = (world: Partial<ObjectWorld> = {}) =>
    scene(database(), quarantineObject, objects, {
      key: 'a.exe',
      versioned: true,
      others: [],
      tags: {},
      ...world,
    });

  it('is tagged in the version that was scanned, next to its own tags, and nothing is deleted', async () => {
    const at = open({ tags: { team: 'web' } });
    await at.contain();
    expect(bucketIn(at.twin).versions).toMatchObject([
      { VersionId: 'v2', Tags: { clean: 'yes' } },
      { VersionId: 'v1', Tags: { team: 'web', [QUARANTINE_TAG]: 'fb-aaaaaaaaaaaa' } },
    ]);
    const plan = await at.plan();
    expect(plan.kind === 'plan' && plan.residual.join()).toContain('keeps no one out');
  });

  it('refuses one that was replaced, and one with ten tags', async () => {
    const at = open({ versioned: false });
    const version = bucketIn(at.twin).versions[0];
    if (version) version.ETag = '"another"';
    expect(await at.plan()).toMatchObject({ kind: 'refused', reason: expect.stringContaining('replaced') });
    const tags = Object.fromEntries(Array.from({ length: 10 }, (_, index) => [`t${index}`, '']));
    expect(await open({ tags }).plan()).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('ten tags'),
    });
  });

  const DENY = {
    ...{ Effect: 'Deny', Principal: '*', Action: ['s3:GetObject', 's3:GetObjectVersion'] },
    Resource: `arn:aws:s3:::${BUCKET}/*`,
    Condition: { Null: { [`s3:ExistingObjectTag/${QUARANTINE_TAG}`]: 'false' } },
  };
  const keptOpen = { Condition: { ...DENY.Condition, StringEquals: { 'aws:username': 'x' } } };
  it.each<[string, object | object[] | null, boolean]>([
    [
      'denies everyone by the tag',
      [{ Effect: 'Allow', Principal: '*', Action: '*', Resource: '*' }, DENY],
      true,
    ],
    ['denies all of S3 by the tag', { ...DENY, Action: 's3:*' }, true],
    [
      'says so by a pattern',
      { ...DENY, Condition: { StringLike: { [`s3:ExistingObjectTag/${QUARANTINE_TAG}`]: '*' } } },
      true,
    ],
    ['denies only the current version', { ...DENY, Action: 's3:GetObject' }, false],
    ['denies one role', { ...DENY, Principal: { AWS: 'arn:aws:iam::111122223333:role/a' } }, false],
    [
      'denies all but one role',
      { ...DENY, Principal: undefined, NotPrincipal: { AWS: 'arn:aws:iam::111122223333:role/a' } },
      false,
    ],
    ['denies under one more condition', { ...DENY, ...keptOpen }, false],
    ['denies a folder', { ...DENY, Resource: `arn:aws:s3:::${BUCKET}/in/*` }, false],
    [
      'denies by another tag',
      { ...DENY, Condition: { Null: { 's3:ExistingObjectTag/scan': 'false' } } },
      false,
    ],
    [
      'denies what is not tagged',
      { ...DENY, Condition: { Null: { [`s3:ExistingObjectTag/${QUARANTINE_TAG}`]: 'true' } } },
      false,
    ],
    ['allows by the tag', { ...DENY, Effect: 'Allow' }, false],
    ['is not there', null, false],
  ])('keeps readers out or not where the policy of the bucket %s', async (_name, statement, denied) => {
    const at = open();
    bucketIn(at.twin).policy = statement === null ? null : JSON.stringify({ Statement: statement });
    const plan = await at.plan();
    expect(plan.kind === 'plan' && !plan.residual.join().includes('keeps no one out')).toBe(denied);
    await at.contain();
    const { residual, proven } = await at.prove();
    expect([proven, residual.join() === '']).toEqual([true, denied]);
  });

  it('is tagged where the policy cannot be read, and says so', async () => {
    const at = open();
    at.twin.failNext('GetBucketPolicy', 'AccessDenied', 1);
    const plan = await at.plan();
    expect(plan.kind === 'plan' && plan.residual.join()).toContain('could not be read');
  });

  describe('with a bucket for copies', () => {
    const copying = (world: Partial<ObjectWorld> = {}) =>
      scene(database(), quarantineObject, copied, {
        key: 'a b/ü.exe',
        versioned: true,
        others: [],
        tags: { team: 'web' },
        ...world,
      });
    const copies = (at: ReturnType<typeof copying>) => at.twin.state.s3.buckets[COPIES]?.versions ?? [];

    it.each([true, false])(
      'is copied once tagged, and the original stays: versioned %s',
      async (versioned) => {
        const at = copying({ versioned });
        const before = structuredClone(bucketIn(at.twin).versions);
        await at.contain();
        expect(copies(at)).toMatchObject([
          {
            Key: expect.stringMatching(/^fb-aaaaaaaaaaaa\/[0-9a-f]{64}$/),
            ETag: versioned ? '"etag-v1"' : '"etag-null"',
            Tags: { team: 'web', [QUARANTINE_TAG]: 'fb-aaaaaaaaaaaa' },
          },
        ]);
        const plan = await at.plan();
        expect(plan.kind === 'plan' && plan.residual.join()).toContain('never deletes');
        await at.contain();
        expect(copies(at)).toHaveLength(1);
        await at.undo();
        expect(bucketIn(at.twin).versions).toEqual(before);
        expect(copies(at)).toHaveLength(1);
      },
    );

    it('is not copied over five gibibytes, and is tagged all the same', async () => {
      const at = copying();
      for (const version of bucketIn(at.twin).versions) version.Size = 5 * 2 ** 30 + 1;
      const plan = await at.plan();
      expect(plan.kind === 'plan' && plan.residual.join()).toContain('larger than 5 GiB');
      await at.contain();
      expect(copies(at)).toEqual([]);
      expect(JSON.stringify(bucketIn(at.twin).versions)).toContain(QUARANTINE_TAG);
    });

    it('is tagged where the copy is refused, as under a KMS key', async () => {
      const at = copying();
      at.twin.failNext('CopyObject', 'AccessDenied', 5);
      await at.contain();
      expect(copies(at)).toEqual([]);
      expect(JSON.stringify(bucketIn(at.twin).versions)).toContain(QUARANTINE_TAG);
    });

    it.each(['uploads', 'firebreak-quarantine-', 'firebreak-quarantine-{case}', 'firebreak-quarantine-a/b'])(
      'goes to no bucket named %s',
      (name) => {
        expect(objectSettings.safeParse({ copyTo: name }).success).toBe(false);
      },
    );
  });

  it('says that it is gone', async () => {
    const at = open();
    bucketIn(at.twin).versions = [];
    await expect(at.plan()).rejects.toMatchObject({ code: 'ResourceNotFound' });
  });
});
