/** The Step Functions calls Firebreak makes. */
export {
  SendTaskFailureCommand,
  SendTaskSuccessCommand,
  SFNClient as Client,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
