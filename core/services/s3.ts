/** The S3 calls Firebreak makes. None of them reads an object's content. */
export {
  DeletePublicAccessBlockCommand,
  GetBucketLocationCommand,
  GetBucketPolicyCommand,
  GetBucketPolicyStatusCommand,
  GetBucketTaggingCommand,
  GetBucketWebsiteCommand,
  GetObjectTaggingCommand,
  GetPublicAccessBlockCommand,
  ListObjectVersionsCommand,
  PutObjectTaggingCommand,
  PutPublicAccessBlockCommand,
  S3Client as Client,
} from '@aws-sdk/client-s3';
