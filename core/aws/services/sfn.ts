/** The Step Functions calls Firebreak makes; the reads are those of the console. */
export {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  ListExecutionsCommand,
  SendTaskSuccessCommand,
  SFNClient as Client,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
