/** Live state of one bucket, as far as its policy is concerned. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { bucketRegion } from '../../core/aws/regions.ts';
import { awsErrorName } from '../../core/errors.ts';
import type { Target } from '../../core/journal/playbook.ts';
import { bucketTags } from '../common/s3/bucket-tags.ts';
import type { PrincipalFacts } from '../common/s3/principal-target.ts';

export const bucketState = z.object({
  region: z.string(),
  /** The text as S3 gives it; null where there is no policy. */
  policy: z.string().nullable(),
  tags: z.record(z.string(), z.string()),
});

export type BucketPolicyState = z.infer<typeof bucketState>;

/** The policy's text, or null where there is none. */
export async function policyTextOf(aws: Aws, Bucket: string): Promise<string | null> {
  const { client, api } = await aws.s3();
  try {
    return (await client.send(new api.GetBucketPolicyCommand({ Bucket }))).Policy ?? null;
  } catch (error) {
    if (awsErrorName(error) === 'NoSuchBucketPolicy') return null;
    throw error;
  }
}

/** Throws ResourceNotFound when the bucket is gone. */
export async function readBucketPolicy(
  { facts: { bucket: Bucket } }: Target<PrincipalFacts>,
  aws: Aws,
): Promise<BucketPolicyState> {
  const region = await bucketRegion(aws, Bucket);
  const there = aws.inRegion(region);
  const [policy, tags] = await Promise.all([policyTextOf(there, Bucket), bucketTags(there, Bucket)]);
  return { region, policy, tags };
}
