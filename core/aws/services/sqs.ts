/** The SQS calls Firebreak makes. */
export {
  AddPermissionCommand,
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  RemovePermissionCommand,
  SetQueueAttributesCommand,
  SQSClient as Client,
} from '@aws-sdk/client-sqs';
