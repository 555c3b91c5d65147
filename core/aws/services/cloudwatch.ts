/** The CloudWatch calls Firebreak makes. */
export { CloudWatchClient as Client, GetMetricDataCommand } from '@aws-sdk/client-cloudwatch';
