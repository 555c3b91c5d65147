/** The CloudWatch calls Firebreak makes. */
export {
  CloudWatchClient as Client,
  DescribeAlarmsCommand,
  DisableAlarmActionsCommand,
  EnableAlarmActionsCommand,
  GetMetricDataCommand,
} from '@aws-sdk/client-cloudwatch';
