/** The lifecycle rules of one bucket. */
import type { LifecycleRule, TransitionDefaultMinimumObjectSize } from '@aws-sdk/client-s3';
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { bucketRegion } from '../../core/aws/regions.ts';
import { awsErrorName } from '../../core/errors.ts';
import type { Target } from '../../core/journal/playbook.ts';
import { bucketTags } from '../common/s3/bucket-tags.ts';

export const lifecycleFacts = z.object({
  bucket: z.string(),
  /** Ids of the rules in the call; null where CloudTrail does not show them. */
  ruleIds: z.array(z.string()).nullable(),
  /** Who wrote them, and when, for people. */
  by: z.string(),
  at: z.string(),
});

export type LifecycleFacts = z.infer<typeof lifecycleFacts>;

export const lifecycleState = z.object({
  region: z.string(),
  rules: z.array(z.object({ id: z.string(), status: z.string(), expires: z.boolean() })),
  /** Enabled, Suspended, or "never switched on". */
  versioning: z.string(),
  tags: z.record(z.string(), z.string()),
});

export type LifecycleState = z.infer<typeof lifecycleState>;

/** The configuration as S3 gives it; a bucket without one has no rules. */
export async function rulesOf(
  aws: Aws,
  Bucket: string,
): Promise<{
  readonly rules: readonly LifecycleRule[];
  readonly minimum: TransitionDefaultMinimumObjectSize | undefined;
}> {
  const { client, api } = await aws.s3();
  try {
    const answer = await client.send(new api.GetBucketLifecycleConfigurationCommand({ Bucket }));
    return { rules: answer.Rules ?? [], minimum: answer.TransitionDefaultMinimumObjectSize };
  } catch (error) {
    if (awsErrorName(error) === 'NoSuchLifecycleConfiguration') return { rules: [], minimum: undefined };
    throw error;
  }
}

/** It deletes objects or versions; what only moves them to another storage class does no harm. */
export const expires = ({ Expiration, NoncurrentVersionExpiration }: LifecycleRule): boolean =>
  Expiration !== undefined || NoncurrentVersionExpiration !== undefined;

/** Throws ResourceNotFound when the bucket is gone. */
export async function readLifecycle(
  { facts: { bucket: Bucket } }: Target<LifecycleFacts>,
  aws: Aws,
): Promise<LifecycleState> {
  const region = await bucketRegion(aws, Bucket);
  const there = aws.inRegion(region);
  const { client, api } = await there.s3();
  const [{ rules }, versioning, tags] = await Promise.all([
    rulesOf(there, Bucket),
    client.send(new api.GetBucketVersioningCommand({ Bucket })),
    bucketTags(there, Bucket),
  ]);
  return {
    region,
    rules: rules.map((rule) => ({ id: rule.ID ?? '', status: rule.Status ?? '', expires: expires(rule) })),
    versioning: versioning.Status ?? 'never switched on',
    tags,
  };
}
