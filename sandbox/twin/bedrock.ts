/** Amazon Bedrock, as far as its log of model invocations goes: one setting for a Region. */
import type { Answers } from './twin.ts';

export const bedrock: Readonly<Record<string, Answers>> = {
  Bedrock: {
    GetModelInvocationLoggingConfiguration: ({ region }) =>
      region.modelLogging === null ? {} : { loggingConfig: region.modelLogging },
    PutModelInvocationLoggingConfiguration: ({ region, input }) => {
      region.modelLogging = structuredClone(input['loggingConfig']) as Record<string, unknown>;
      return {};
    },
    DeleteModelInvocationLoggingConfiguration: ({ region }) => {
      region.modelLogging = null;
      return {};
    },
  },
};
