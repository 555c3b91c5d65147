/** A malicious object: the scanned version is tagged with its own tags kept, and nothing is deleted. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import { BUCKET, bucketIn, putBucket } from '../../test/playbooks/bucket-world.ts';
import { type Accounts, playbookProperties, scene, sceneDatabase } from '../../test/playbooks/properties.ts';
import { QUARANTINE_TAG } from '../common/quarantine-tag.ts';
import { quarantineObject } from './playbook.ts';

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

  it('is tagged in the version that was scanned, beside its own tags, and nothing is deleted', async () => {
    const at = open({ tags: { team: 'web' } });
    await at.contain();
    expect(bucketIn(at.twin).versions).toMatchObject([
      { VersionId: 'v2', Tags: { clean: 'yes' } },
      { VersionId: 'v1', Tags: { team: 'web', [QUARANTINE_TAG]: 'fb-aaaaaaaaaaaa' } },
    ]);
    const plan = await at.plan();
    expect(plan.kind === 'plan' && plan.residual.join()).toContain('keeps nobody out by itself');
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

  it('says that it is gone', async () => {
    const at = open();
    bucketIn(at.twin).versions = [];
    await expect(at.plan()).rejects.toMatchObject({ code: 'ResourceNotFound' });
  });
});
