/** The CloudWatch Logs calls Firebreak makes. */
export {
  CloudWatchLogsClient as Client,
  DeleteRetentionPolicyCommand,
  DescribeLogGroupsCommand,
  FilterLogEventsCommand,
  PutRetentionPolicyCommand,
} from '@aws-sdk/client-cloudwatch-logs';
