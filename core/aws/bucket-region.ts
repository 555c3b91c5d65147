import { awsErrorName, FirebreakError } from '../errors.ts';
import type { Aws } from './client.ts';

/** Only the first Region of the commercial partition has no name in a location constraint. */
const FIRST_REGION: Readonly<Record<string, string>> = { aws: 'us-east-1' };

/**
 * The Region a bucket lives in, where every call about it must go. GetBucketLocation gives nothing for us-east-1 and EU
 * for the oldest buckets of eu-west-1. Throws ResourceNotFound when the bucket is gone.
 */
export async function bucketRegion(aws: Aws, Bucket: string): Promise<string> {
  const { client, api } = await aws.s3();
  try {
    const { LocationConstraint } = await client.send(new api.GetBucketLocationCommand({ Bucket }));
    const found: string = LocationConstraint ?? '';
    if (found === 'EU') return 'eu-west-1';
    return found === '' ? (FIRST_REGION[aws.scope.partition] ?? aws.scope.region) : found;
  } catch (error) {
    if (awsErrorName(error) !== 'NoSuchBucket') throw error;
    throw new FirebreakError('ResourceNotFound', 'the bucket does not exist any more', {
      resource: Bucket,
      next: 'See CloudTrail for who deleted it.',
      cause: error,
    });
  }
}
