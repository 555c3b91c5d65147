/** A malicious object: mark exactly that version, so that a policy can keep everybody from reading it. Nothing is deleted. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { awsErrorName, FirebreakError } from '../../core/errors.ts';
import type { Finding } from '../../core/finding/finding.ts';
import {
  definePlaybook,
  type Plan,
  type PlanOptions,
  type StepOf,
  type Target,
  type TargetChoice,
} from '../../core/journal/playbook.ts';
import type { Json } from '../../core/json.ts';
import { listOf } from '../common/details.ts';
import { protectedBy } from '../common/protected.ts';
import { QUARANTINE_TAG } from '../common/quarantine-tag.ts';
import { BUCKET, s3Target } from '../common/s3/bucket-target.ts';
import { stepKind } from '../common/step-kind.ts';

const OBJECTS = `arn:\${Partition}:s3:::*/*`;
/** S3 takes ten tags an object. */
const MOST_TAGS = 10;

const objectFacts = z.object({
  bucket: z.string(),
  key: z.string(),
  versionId: z.string().nullable(),
  eTag: z.string().nullable(),
  others: z.number(),
});
type ObjectFacts = z.infer<typeof objectFacts>;
const location = z.object({ bucket: z.string(), key: z.string(), versionId: z.string().nullable() });
type Location = z.infer<typeof location>;

const objectId = ({ bucket, key, versionId }: Location) => ({
  Bucket: bucket,
  Key: key,
  ...(versionId === null ? {} : { VersionId: versionId }),
});

/** The object's tags as an object; the order in which S3 gives them means nothing. */
async function tagsOf(aws: Aws, at: Location): Promise<Record<string, string>> {
  const { client, api } = await aws.s3();
  const { TagSet } = await client.send(new api.GetObjectTaggingCommand(objectId(at)));
  return Object.fromEntries((TagSet ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
}

/** PutObjectTagging replaces the whole set: what was there goes along. */
async function putTags(aws: Aws, at: Location, tags: Json): Promise<void> {
  const { client, api } = await aws.s3();
  const TagSet = Object.entries(z.record(z.string(), z.string()).parse(tags)).map(([Key, Value]) => ({
    Key,
    Value,
  }));
  await client.send(new api.PutObjectTaggingCommand({ ...objectId(at), Tagging: { TagSet } }));
}

const tag = stepKind(location, {
  read: async (at, { aws }) => ({ value: await tagsOf(aws, at) }),
  after: (_at, { caseId }, before) => ({
    ...z.record(z.string(), z.string()).parse(before),
    [QUARANTINE_TAG]: caseId,
  }),
  async apply(at, { aws }, _before, after) {
    await putTags(aws, at, after);
    return undefined;
  },
  async revert(at, { aws }, before) {
    await putTags(aws, at, before);
    return 'reverted';
  },
});

const objectState = z.object({
  tags: z.record(z.string(), z.string()),
  eTag: z.string(),
  versionId: z.string().nullable(),
});

type ObjectState = z.infer<typeof objectState>;

function targetOf(finding: Finding): TargetChoice<ObjectFacts> {
  const buckets = listOf(finding, 's3BucketDetails');
  const objects = buckets.flatMap((bucket) =>
    bucket
      .children('s3ObjectDetails')
      .map((object) => ({ bucket: bucket.optionalText('name') ?? '', object })),
  );
  const [first, ...others] = objects;
  const key = first?.object.optionalText('key') ?? '';
  // S3 takes keys up to 1,024 bytes.
  if (!first || !BUCKET.test(first.bucket) || key === '' || Buffer.byteLength(key) > 1024) {
    return { ok: false, reason: 'the finding names no S3 object' };
  }
  const { bucket, object } = first;
  const versionId = object.optionalText('versionId') || null;
  const choice = s3Target(finding, 's3-object', `${bucket}/${key}`, {
    bucket,
    key,
    versionId,
    eTag: object.optionalText('eTag')?.replaceAll('"', '') ?? null,
    others: others.length,
  });
  if (versionId === null) return choice;
  // Versions are held and locked apart; what people see is the object.
  return { ok: true, target: { ...choice.target, id: `${choice.target.id}?${versionId}` } };
}

/** Throws ResourceNotFound when the object is gone. */
async function read(target: Target<ObjectFacts>, aws: Aws): Promise<ObjectState> {
  const at = target.facts;
  const gone = (cause?: unknown) =>
    new FirebreakError('ResourceNotFound', 'the object does not exist any more', {
      resource: target.display,
      next: 'See CloudTrail for who deleted it, and look for copies in replicas.',
      cause,
    });
  try {
    const found = await versionOf(aws, at);
    if (!found) throw gone();
    const tags = await tagsOf(aws, { ...at, versionId: found.versionId });
    return { tags, eTag: found.eTag, versionId: found.versionId };
  } catch (error) {
    if (!['NotFound', 'NoSuchKey', 'NoSuchVersion', 'NoSuchBucket'].includes(awsErrorName(error) ?? ''))
      throw error;
    throw gone(error);
  }
}

/**
 * The version the finding names, or the latest. From the list of versions and not by HeadObject: that needs
 * s3:GetObject, and Firebreak should not be able to read anybody's data.
 */
async function versionOf(
  aws: Aws,
  { bucket, key, versionId }: Location,
): Promise<{ readonly eTag: string; readonly versionId: string | null } | undefined> {
  const { client, api } = await aws.s3();
  let markers: { KeyMarker: string; VersionIdMarker?: string } | undefined;
  do {
    const page = await client.send(
      new api.ListObjectVersionsCommand({ Bucket: bucket, Prefix: key, ...markers }),
    );
    const found = page.Versions?.find(
      (one) => one.Key === key && (versionId === null ? one.IsLatest === true : one.VersionId === versionId),
    );
    if (found) {
      // A bucket without versioning calls its only version "null".
      const id = found.VersionId === undefined || found.VersionId === 'null' ? null : found.VersionId;
      return { eTag: (found.ETag ?? '').replaceAll('"', ''), versionId: id };
    }
    markers =
      page.IsTruncated && page.NextKeyMarker !== undefined
        ? {
            KeyMarker: page.NextKeyMarker,
            ...(page.NextVersionIdMarker ? { VersionIdMarker: page.NextVersionIdMarker } : {}),
          }
        : undefined;
  } while (markers);
  return undefined;
}

const KINDS = { tag };

function plan(
  live: ObjectState,
  target: Target<ObjectFacts>,
  { caseId, protectedArns }: PlanOptions,
): Plan<StepOf<typeof KINDS>> {
  const at = target.facts;
  const refuse = (reason: string, alternative: string): Plan<never> => ({
    kind: 'refused',
    reason,
    alternative,
  });
  const pattern = protectedBy([at.bucket, target.display], protectedArns);
  if (pattern !== undefined)
    return refuse(`${target.display} is protected by policy.yml (protected: ${pattern})`, 'Ask its owner.');
  if (at.eTag !== null && at.eTag !== live.eTag) {
    return refuse(
      'the object was replaced since the scan: its ETag is another one',
      'Scan it again; the version that was scanned may still be there under its version id.',
    );
  }
  if (!Object.hasOwn(live.tags, QUARANTINE_TAG) && Object.keys(live.tags).length >= MOST_TAGS) {
    return refuse(
      'the object has ten tags, and S3 takes no more',
      'Take one away, or deny the object by its key.',
    );
  }
  // The version as read, so that what is tagged is what was scanned even if a new version comes in between.
  const step: Location = { bucket: at.bucket, key: at.key, versionId: live.versionId };
  return {
    kind: 'plan',
    steps: [
      {
        id: 'tag',
        kind: 'tag',
        role: 'contain',
        describe: `Tag the object as quarantined (${QUARANTINE_TAG}=${caseId})`,
        args: step,
        before: live.tags,
        after: { ...live.tags, [QUARANTINE_TAG]: caseId },
      },
    ],
    blastRadius: { count: 1, unit: 'objects', detail: [target.display] },
    warnings: [],
    residual: [
      `the tag keeps nobody out by itself: the bucket's policy must deny s3:GetObject where s3:ExistingObjectTag/${QUARANTINE_TAG} is there`,
      'replicas and other versions of the object are not tagged',
      ...(at.others > 0
        ? [`the finding names ${at.others} more objects, which are not tagged by this incident`]
        : []),
    ],
    askBecause: [],
    tags: live.tags,
    arns: [target.display],
  };
}

export const quarantineObject = definePlaybook({
  id: 'quarantine-object',
  title: 'Quarantine a malicious S3 object by a tag',
  about: `
Adds the tag \`${QUARANTINE_TAG}\` to exactly the version that was scanned; the tags that are there stay. Nothing is deleted.

The tag keeps people out where the bucket's policy says so:

\`\`\`json
{"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": "<bucket ARN>/*",
 "Condition": {"Null": {"s3:ExistingObjectTag/${QUARANTINE_TAG}": "false"}}}
\`\`\`

**Refused**: an object that was replaced since the scan (another ETag), and one that has ten tags already.

**Undo** gives the tags back as they were.
`.trim(),
  handles: ['Object:S3/*', 'S3Object:S3/*'],
  reversible: { kind: 'fully' },
  tagsOnly: true,
  permissions: {
    read: [
      {
        actions: ['s3:GetObjectTagging', 's3:GetObjectVersionTagging'],
        resources: [OBJECTS],
        why: 'the tags of the object; its content is never read',
      },
      {
        actions: ['s3:ListBucketVersions'],
        resources: [`arn:\${Partition}:s3:::*`],
        why: 'whether the version that was scanned is still the one that is there',
      },
    ],
    write: [
      {
        actions: ['s3:PutObjectTagging', 's3:PutObjectVersionTagging'],
        resources: [OBJECTS],
        why: 'tags the malicious object, and gives its tags back',
      },
    ],
  },
  proofDelaySeconds: 2,
  facts: objectFacts,
  state: objectState,
  targetOf,
  read,
  plan,
  kinds: KINDS,
  async verify({ aws, caseId }, steps) {
    const [step] = steps;
    const tags = step ? await tagsOf(aws, location.parse(step.args)) : {};
    const found = tags[QUARANTINE_TAG];
    const proven = found === caseId;
    const saw = found === undefined ? 'the object carries no quarantine tag' : `${QUARANTINE_TAG}=${found}`;
    return {
      proven,
      checks: [{ id: 'tag', ok: proven, saw }],
      residual: [],
      next: proven ? 'final' : 'recontain',
    };
  },
});
