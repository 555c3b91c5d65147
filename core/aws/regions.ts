/** Where things live: the Regions an account uses, the home Region of each global service, the Region of a bucket. */
import { awsErrorName, FirebreakError, isAccessDenied } from '../errors.ts';
import { own } from '../json.ts';
import type { Scope } from './arn.ts';
import type { Aws } from './client.ts';

/** Where the global services of each partition live: the one place that names Regions. */
const IAM_HOME: Readonly<Record<string, string>> = {
  aws: 'us-east-1',
  'aws-cn': 'cn-north-1',
  'aws-us-gov': 'us-gov-west-1',
};

/**
 * Returns the scope of an identity. GuardDuty raises a finding about credentials in the Region that was called, and a
 * thief may call several: the lock key of an identity must not depend on it. IAM is global, so the target sits in IAM's
 * home Region.
 */
export const iamHome = ({ partition, account, region }: Scope): Scope => ({
  partition,
  account,
  region: own(IAM_HOME, partition) ?? region,
});

/**
 * Returns the one Region in which AWS WAF keeps what protects CloudFront (scope CLOUDFRONT). CloudFront is part of the
 * partition `aws` only; the others have no such scope: undefined.
 */
export const wafCloudFrontRegion = (partition: string): string | undefined =>
  partition === 'aws' ? IAM_HOME['aws'] : undefined;

/** Returns the names of the enabled Regions, as the Region of `aws` lists them; or why they may not be read. */
export async function enabledRegions(aws: Aws): Promise<string[] | { readonly why: string }> {
  const { client, api } = await aws.ec2();
  try {
    const { Regions } = await client.send(new api.DescribeRegionsCommand({}));
    return (Regions ?? []).map(({ RegionName }) => RegionName ?? '').filter((name) => name !== '');
  } catch (error) {
    if (isAccessDenied(error)) return { why: awsErrorName(error) ?? 'denied' };
    throw error;
  }
}

/** Only the first Region of the commercial partition has no name in a location constraint. */
const UNNAMED_REGION: Readonly<Record<string, string>> = { aws: 'us-east-1' };

/**
 * Returns the Region of a bucket, where every call about it must go. GetBucketLocation returns nothing for us-east-1 and
 * EU for the oldest buckets of eu-west-1. Throws ResourceNotFound when the bucket is gone.
 */
export async function bucketRegion(aws: Aws, Bucket: string): Promise<string> {
  const { client, api } = await aws.s3();
  try {
    const { LocationConstraint } = await client.send(new api.GetBucketLocationCommand({ Bucket }));
    const found: string = LocationConstraint ?? '';
    if (found === 'EU') return 'eu-west-1';
    return found === '' ? (own(UNNAMED_REGION, aws.scope.partition) ?? aws.scope.region) : found;
  } catch (error) {
    if (awsErrorName(error) !== 'NoSuchBucket') throw error;
    throw new FirebreakError('ResourceNotFound', 'the bucket no longer exists', {
      resource: Bucket,
      next: 'See CloudTrail for who deleted it.',
      cause: error,
    });
  }
}
