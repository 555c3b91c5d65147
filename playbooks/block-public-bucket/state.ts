/** Live state of one bucket. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { bucketRegion } from '../../core/aws/regions.ts';
import { awsErrorName } from '../../core/errors.ts';
import type { Target } from '../../core/journal/playbook.ts';
import type { Json } from '../../core/json.ts';
import { bucketTags } from '../common/s3/bucket-tags.ts';
import { blockOf } from '../common/s3/public-access-block.ts';

export const bucketState = z.object({
  /** The bucket's own Region; calls must go there. */
  region: z.string(),
  block: z.custom<Json>(),
  website: z.boolean(),
  publicByPolicy: z.boolean(),
  policy: z.string().nullable(),
  tags: z.record(z.string(), z.string()),
});
export type BucketState = z.infer<typeof bucketState>;

/** Throws ResourceNotFound when the bucket is gone. */
export async function readBucket(target: Target, aws: Aws): Promise<BucketState> {
  const Bucket = target.id;
  const region = await bucketRegion(aws, target.id);
  const { client, api } = await aws.inRegion(region).s3();
  const [block, website, isPublic, policy, tags] = await Promise.all([
    blockOf(() => client.send(new api.GetPublicAccessBlockCommand({ Bucket }))),
    unless('NoSuchWebsiteConfiguration', () => client.send(new api.GetBucketWebsiteCommand({ Bucket }))),
    isPublicByPolicy(aws.inRegion(region), Bucket),
    unless('NoSuchBucketPolicy', () => client.send(new api.GetBucketPolicyCommand({ Bucket }))),
    bucketTags(aws.inRegion(region), Bucket),
  ]);
  return {
    region,
    block,
    website: website !== undefined,
    publicByPolicy: isPublic,
    policy: policy?.Policy ?? null,
    tags,
  };
}

export async function isPublicByPolicy(aws: Aws, Bucket: string): Promise<boolean> {
  const { client, api } = await aws.s3();
  const answer = await unless('NoSuchBucketPolicy', () =>
    client.send(new api.GetBucketPolicyStatusCommand({ Bucket })),
  );
  return answer?.PolicyStatus?.IsPublic === true;
}

/** S3 answers "there is none" as an error of its own name. */
async function unless<T>(name: string, call: () => Promise<T>): Promise<T | undefined> {
  try {
    return await call();
  } catch (error) {
    if (awsErrorName(error) === name) return undefined;
    throw error;
  }
}
