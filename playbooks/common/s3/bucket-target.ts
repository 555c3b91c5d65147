/** Which bucket: from the finding alone. */
import { z } from 'zod';
import { arn } from '../../../core/aws/arn.ts';
import type { Finding } from '../../../core/finding/finding.ts';
import type { TargetChoice } from '../../../core/journal/playbook.ts';
import type { JsonObject } from '../../../core/json.ts';
import { listOf } from '../details.ts';

/** S3's naming rules; a name that fits cannot carry a path or an ARN of something else. */
export const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** Absent in targets that an attack sequence names: it names each bucket on its own. */
export const bucketFacts = z.object({
  /** More buckets that the finding names, which are not changed. */
  others: z.array(z.string()).default([]),
});
export type BucketFacts = z.infer<typeof bucketFacts>;

export function bucketOf(finding: Finding): TargetChoice<BucketFacts> {
  const names = listOf(finding, 's3BucketDetails').map((bucket) => bucket.optionalText('name') ?? '');
  const [name = '', ...others] = names;
  if (!BUCKET.test(name)) return { ok: false, reason: 'the finding does not name an S3 bucket' };
  return s3Target(finding, 's3-bucket', name, { others: others.filter((other) => BUCKET.test(other)) });
}

/** A bucket or object as target. S3's ARNs name neither account nor Region. */
export function s3Target<F extends JsonObject>(
  finding: Finding,
  kind: string,
  path: string,
  facts: F,
): TargetChoice<F> & { readonly ok: true } {
  const { partition, account, region } = finding;
  const display = arn({ partition, account: '', region: '' }, 's3', path);
  return { ok: true, target: { partition, account, region, kind, id: path, display, facts } };
}
