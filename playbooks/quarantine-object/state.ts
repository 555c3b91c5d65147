/** Live state of one version of an object. Its content is never read. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { awsErrorName, FirebreakError } from '../../core/errors.ts';
import type { Target } from '../../core/journal/playbook.ts';
import { readDeny, readReadDeny } from './read-deny.ts';
import { bucketArn, type Location, type ObjectFacts } from './target.ts';

export const objectState = z.object({
  tags: z.record(z.string(), z.string()),
  eTag: z.string(),
  /** The version as read; null in a bucket without versioning. */
  versionId: z.string().nullable(),
  /** Absent in what earlier releases read. */
  bytes: z.number().nullable().default(null),
  readDeny: readDeny.default('unread'),
});
export type ObjectState = z.output<typeof objectState>;

/** Returns the parameters by which S3 finds an object. */
export const objectId = ({ bucket, key, versionId }: Location) => ({
  Bucket: bucket,
  Key: key,
  ...(versionId === null ? {} : { VersionId: versionId }),
});

/** Returns the object's tags by key; the order in which S3 lists them means nothing. */
export async function tagsOf(aws: Aws, at: Location): Promise<Record<string, string>> {
  const { client, api } = await aws.s3();
  const { TagSet } = await client.send(new api.GetObjectTaggingCommand(objectId(at)));
  return Object.fromEntries((TagSet ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));
}

/** Finds the version and reads its tags. Throws ResourceNotFound when the object is gone. */
export async function readObject(target: Target<ObjectFacts>, aws: Aws): Promise<ObjectState> {
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
    const [tags, denied] = await Promise.all([
      tagsOf(aws, { ...at, versionId: found.versionId }),
      readReadDeny(aws, at.bucket, bucketArn(target)),
    ]);
    return { tags, ...found, readDeny: denied };
  } catch (error) {
    if (!['NotFound', 'NoSuchKey', 'NoSuchVersion', 'NoSuchBucket'].includes(awsErrorName(error) ?? ''))
      throw error;
    throw gone(error);
  }
}

/**
 * Returns the version that the finding names, or the latest. It asks for the list of versions instead of HeadObject: that
 * needs s3:GetObject, and Firebreak must not be able to read anyone's data.
 */
export async function versionOf(
  aws: Aws,
  { bucket, key, versionId }: Location,
): Promise<Pick<ObjectState, 'eTag' | 'versionId' | 'bytes'> | undefined> {
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
      return { eTag: (found.ETag ?? '').replaceAll('"', ''), versionId: id, bytes: found.Size ?? null };
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
