/** The CloudWatch Logs calls Firebreak makes. */
export { CloudWatchLogsClient as Client, FilterLogEventsCommand } from '@aws-sdk/client-cloudwatch-logs';
