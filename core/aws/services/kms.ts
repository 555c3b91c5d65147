/** The KMS calls Firebreak makes. */
export {
  CancelKeyDeletionCommand,
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  KMSClient as Client,
} from '@aws-sdk/client-kms';
