/** The S3 account-level calls Firebreak makes. */
export {
  DeletePublicAccessBlockCommand,
  GetPublicAccessBlockCommand,
  PutPublicAccessBlockCommand,
  S3ControlClient as Client,
} from '@aws-sdk/client-s3-control';
