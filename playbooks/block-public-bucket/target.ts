/** Which bucket: from the finding alone. */
import { arn } from '../../core/arn.ts';
import type { Finding } from '../../core/finding.ts';
import type { TargetChoice } from '../../core/playbook.ts';
import { listOf } from '../shared/details.ts';

/** S3's naming rules; a name that fits cannot carry a path or an ARN of something else. */
export const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

export function bucketOf(finding: Finding): TargetChoice {
  const names = listOf(finding, 's3BucketDetails').map((bucket) => bucket.optionalText('name') ?? '');
  const [name = '', ...others] = names;
  if (!BUCKET.test(name)) return { ok: false, reason: 'the finding names no S3 bucket' };
  const { partition, account, region } = finding;
  return {
    ok: true,
    target: {
      partition,
      account,
      region,
      kind: 's3-bucket',
      id: name,
      display: arn({ partition, account: '', region: '' }, 's3', name),
      facts: { others: others.filter((other) => BUCKET.test(other)) },
    },
  };
}
