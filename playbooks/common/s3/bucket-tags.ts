import type { Aws } from '../../../core/aws/client.ts';
import { awsErrorName } from '../../../core/errors.ts';

/** The tags of a bucket; S3 tells "there are none" as an error of its own name. */
export async function bucketTags(aws: Aws, Bucket: string): Promise<Record<string, string>> {
  const { client, api } = await aws.s3();
  try {
    const { TagSet = [] } = await client.send(new api.GetBucketTaggingCommand({ Bucket }));
    return Object.fromEntries(TagSet.map(({ Key = '', Value = '' }) => [Key, Value]));
  } catch (error) {
    if (awsErrorName(error) === 'NoSuchTagSet') return {};
    throw error;
  }
}
