/** The step kinds: the tag set of one version, and a copy of it. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { bucketRegion } from '../../core/aws/regions.ts';
import { QUARANTINE_TAG } from '../common/quarantine-tag.ts';
import { stepKind } from '../common/step-kind.ts';
import { copyBucket } from './settings.ts';
import { objectId, tagsOf, versionOf } from './state.ts';
import { copied, copyName, type Location, location, objectFacts } from './target.ts';

const tagSet = z.record(z.string(), z.string());
type Tags = z.infer<typeof tagSet>;

/** Sets the one tag, or takes it away. PutObjectTagging replaces the set, so the others are sent again as they are now. */
async function setTag(aws: Aws, at: Location, value: string | undefined): Promise<void> {
  const { client, api } = await aws.s3();
  const { [QUARANTINE_TAG]: _before, ...others } = await tagsOf(aws, at);
  const tags: Tags = value === undefined ? others : { ...others, [QUARANTINE_TAG]: value };
  const TagSet = Object.entries(tags).map(([Key, Value]) => ({ Key, Value }));
  await client.send(new api.PutObjectTaggingCommand({ ...objectId(at), Tagging: { TagSet } }));
}

const tag = stepKind(location, {
  value: tagSet,
  foreign({ bucket, key, versionId }, { target }) {
    const facts = objectFacts.parse(target.facts);
    if (bucket !== facts.bucket || key !== facts.key) return `the object is ${target.display}`;
    return facts.versionId === null || versionId === facts.versionId
      ? undefined
      : `the version is ${facts.versionId}, not ${versionId}`;
  },
  read: async (at, { aws }) => ({ value: await tagsOf(aws, at) }),
  after: (_at, { caseId }, before) => ({ ...before, [QUARANTINE_TAG]: caseId }),
  async apply(at, { aws, caseId }) {
    await setTag(aws, at, caseId);
    return undefined;
  },
  async revert(at, { aws }, before) {
    await setTag(aws, at, before[QUARANTINE_TAG]);
    return 'reverted';
  },
  // The other tags of the object are its owner's, before and after.
  same: (a, b) => a[QUARANTINE_TAG] === b[QUARANTINE_TAG],
});

const copy = stepKind(copied, {
  /** Whether the copy is there. */
  value: z.boolean(),
  foreign({ bucket, key, versionId, to, as }, { target, caseId, settings }) {
    const facts = objectFacts.parse(target.facts);
    if (bucket !== facts.bucket || key !== facts.key) return `the object is ${target.display}`;
    if (facts.versionId !== null && versionId !== facts.versionId)
      return `the version is ${facts.versionId}, not ${versionId}`;
    if (as !== copyName(caseId, facts)) return `the copy is named ${copyName(caseId, facts)}`;
    const bucketOfCopies = copyBucket(settings, target);
    return to === bucketOfCopies ? undefined : `policy.yml names ${bucketOfCopies ?? 'no bucket for copies'}`;
  },
  async read({ to, as }, { aws }) {
    const there = aws.inRegion(await bucketRegion(aws, to));
    return { value: (await versionOf(there, { bucket: to, key: as, versionId: null })) !== undefined };
  },
  after: () => true,
  async apply({ bucket, key, versionId, eTag, to, as }, { aws, target }) {
    const { client, api } = await aws.inRegion(await bucketRegion(aws, to)).s3();
    const version = versionId === null ? '' : `?versionId=${encodeURIComponent(versionId)}`;
    await client.send(
      new api.CopyObjectCommand({
        ...{ Bucket: to, Key: as, ExpectedBucketOwner: target.account },
        CopySource: `${bucket}/${key.split('/').map(encodeURIComponent).join('/')}${version}`,
        // What was tagged, and nothing that took its place since.
        ...{ CopySourceIfMatch: `"${eTag}"`, ExpectedSourceBucketOwner: target.account },
      }),
    );
    return undefined;
  },
  revert: 'keep',
});

export const KINDS = { tag, copy };
