/** Where a copy of what is tagged goes, as policy.yml says. */
import { z } from 'zod';
import type { Scope } from '../../core/aws/arn.ts';

/** IAM permits copies into buckets of this name in the account of the object, and nowhere else. */
export const COPIES = 'firebreak-quarantine-';

export const objectSettings = z.strictObject({
  copyTo: z
    .string()
    .regex(
      /^firebreak-quarantine-(?:[a-z0-9.-]|\{account\}|\{region\})+$/,
      'expected a bucket named firebreak-quarantine-…, in which {account} and {region} stand for those of the object',
    )
    .optional()
    .describe('Bucket that a copy of the tagged object is kept in, in the same account; none without it.'),
});

/** Returns the bucket for copies of an account's and Region's objects; undefined where policy.yml names none. */
export function copyBucket(settings: unknown, { account, region }: Scope): string | undefined {
  const { copyTo } = objectSettings.parse(settings ?? {});
  return copyTo?.replaceAll('{account}', account).replaceAll('{region}', region);
}
