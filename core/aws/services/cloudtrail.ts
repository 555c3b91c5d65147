/** The CloudTrail calls Firebreak makes. */
export {
  CancelQueryCommand,
  CloudTrailClient as Client,
  DescribeTrailsCommand,
  GetEventSelectorsCommand,
  GetQueryResultsCommand,
  GetTrailStatusCommand,
  ListTagsCommand,
  LookupEventsCommand,
  PutEventSelectorsCommand,
  StartLoggingCommand,
  StartQueryCommand,
  StopLoggingCommand,
} from '@aws-sdk/client-cloudtrail';
