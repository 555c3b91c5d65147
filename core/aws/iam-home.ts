/** Home Regions: IAM, and AWS WAF for CloudFront. */
import type { Scope } from './arn.ts';

/** Where the global services of each partition live: the one place that names Regions. */
const IAM_HOME: Readonly<Record<string, string>> = {
  aws: 'us-east-1',
  'aws-cn': 'cn-north-1',
  'aws-us-gov': 'us-gov-west-1',
};

/**
 * GuardDuty raises a finding about credentials in the Region that was called, and a thief may call several: the lock key
 * of an identity must not depend on it. IAM is global, so the target sits in IAM's home Region.
 */
export const iamHome = ({ partition, account, region }: Scope): Scope => ({
  partition,
  account,
  region: IAM_HOME[partition] ?? region,
});

/**
 * AWS WAF keeps what protects CloudFront (scope CLOUDFRONT) in one Region of the partition. CloudFront is part of the
 * partition `aws` only; in the others there is no such scope: undefined.
 */
export const wafCloudFrontRegion = (partition: string): string | undefined =>
  partition === 'aws' ? IAM_HOME['aws'] : undefined;
