/** The Bedrock calls Firebreak makes. */
export {
  BedrockClient as Client,
  DeleteModelInvocationLoggingConfigurationCommand,
  GetGuardrailCommand,
  GetModelInvocationLoggingConfigurationCommand,
  PutModelInvocationLoggingConfigurationCommand,
  UpdateGuardrailCommand,
} from '@aws-sdk/client-bedrock';
