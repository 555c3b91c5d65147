/** Which version of which object: from the finding alone. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { arn } from '../../core/aws/arn.ts';
import type { Finding } from '../../core/finding/finding.ts';
import type { Target, TargetChoice } from '../../core/journal/playbook.ts';
import { listOf } from '../common/details.ts';
import { BUCKET, s3Target } from '../common/s3/bucket-target.ts';

/** One version of one object; null where its bucket keeps no versions, or the finding names none. */
export const location = z.object({
  bucket: z.string().regex(BUCKET),
  key: z.string(),
  versionId: z.string().nullable(),
});
export type Location = z.infer<typeof location>;

export const objectFacts = location.extend({
  eTag: z.string().nullable(),
  /** How many more objects the finding names, which are not tagged. */
  others: z.number(),
});
export type ObjectFacts = z.infer<typeof objectFacts>;

/** The copy of one version: in which bucket, under which name. */
export const copied = location.extend({ eTag: z.string(), to: z.string().regex(BUCKET), as: z.string() });

/** Returns the name of the copy: none that an uploader chose, so that it is no path to anything. */
export const copyName = (caseId: string, { bucket, key, versionId }: Location): string =>
  `${caseId}/${createHash('sha256')
    .update(JSON.stringify([bucket, key, versionId]))
    .digest('hex')}`;

/** Returns the ARN of the target's bucket, which names neither account nor Region. */
export const bucketArn = ({ partition, facts: { bucket } }: Target<Pick<Location, 'bucket'>>): string =>
  arn({ partition, account: '', region: '' }, 's3', bucket);

/** Returns the first object that the finding names, in the version that was scanned. */
export function objectOf(finding: Finding): TargetChoice<ObjectFacts> {
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
    return { ok: false, reason: 'the finding does not name an S3 object' };
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
