/** The SNS calls Firebreak makes. */
export {
  AddPermissionCommand,
  GetTopicAttributesCommand,
  PublishCommand,
  RemovePermissionCommand,
  SetTopicAttributesCommand,
  SNSClient as Client,
} from '@aws-sdk/client-sns';
