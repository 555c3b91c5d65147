/** Buckets as S3's records and answers name them. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { awsErrorName } from '../../core/errors.ts';
import type { ConfigResource } from '../common/changes/recorded.ts';
import { BUCKET } from '../common/s3/bucket-target.ts';

export const SOURCE = 's3.amazonaws.com';
export const BUCKETS = 'arn:${Partition}:s3:::*';

export const bucket = z.strictObject({ bucket: z.string().regex(BUCKET) });
type Bucket = z.infer<typeof bucket>;

/** Returns the ARN and the name. */
export const bucketNames = ({ scope }: Aws, { bucket: name }: Bucket): readonly string[] => [
  ['arn', scope.partition, 's3', '', '', name].join(':'),
  name,
];

export const inConfig = ({ bucket: id }: Bucket): ConfigResource => ({ type: 'AWS::S3::Bucket', id });

/** Returns what names the bucket in a call. A bucket of another account, which a record may name as well, is refused by S3. */
export const ownBucket = ({ scope }: Aws, { bucket: Bucket }: Bucket) => ({
  Bucket,
  ExpectedBucketOwner: scope.account,
});

/** Returns the answer; null where S3 says with one of these errors that there is none. */
export async function orNone<T>(errors: readonly string[], call: () => Promise<T>): Promise<T | null> {
  try {
    return await call();
  } catch (error) {
    if ([...errors, 'NoSuchBucket'].includes(awsErrorName(error) ?? '')) return null;
    throw error;
  }
}
