import type { Scope } from './arn.ts';

/** Where IAM lives in each partition. */
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
