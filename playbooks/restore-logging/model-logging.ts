/** Amazon Bedrock's log of model invocations: one setting for an account and Region. */
import { z } from 'zod';
import { isJsonObject, toJson } from '../../core/json.ts';
import { lastGood, pastCalls } from '../common/logging/history.ts';
import { settingSubject } from './setting.ts';

const s3Config = z.strictObject({ bucketName: z.string(), keyPrefix: z.string().optional() });
const loggingSchema = z
  .strictObject({
    cloudWatchConfig: z
      .strictObject({
        logGroupName: z.string(),
        roleArn: z.string(),
        largeDataDeliveryS3Config: s3Config.optional(),
      })
      .optional(),
    s3Config: s3Config.optional(),
    textDataDeliveryEnabled: z.boolean().optional(),
    imageDataDeliveryEnabled: z.boolean().optional(),
    embeddingDataDeliveryEnabled: z.boolean().optional(),
    videoDataDeliveryEnabled: z.boolean().optional(),
    audioDataDeliveryEnabled: z.boolean().optional(),
  })
  .refine((config) => Object.keys(config).length > 0, 'names nothing');

export const modelLogging = settingSubject({
  kind: 'model-invocation-logging',
  name: ({ region }) => `model invocation logging of Bedrock in ${region}`,
  async live(aws) {
    const { client, api } = await aws.bedrock();
    const { loggingConfig } = await client.send(new api.GetModelInvocationLoggingConfigurationCommand({}));
    // An empty setting logs nowhere, as none does.
    return loggingConfig && Object.keys(loggingConfig).length > 0 ? toJson(loggingConfig) : null;
  },
  async baseline(aws, target) {
    const calls = await pastCalls(aws, [
      'PutModelInvocationLoggingConfiguration',
      'DeleteModelInvocationLoggingConfiguration',
    ]);
    // The members of the request as the API spells them [M-LAB].
    return lastGood(calls, target.facts, ({ name, request }) => {
      if (name.startsWith('Delete')) return null;
      const parsed = loggingSchema.safeParse(request['loggingConfig']);
      return parsed.success && isJsonObject(request['loggingConfig']) ? toJson(parsed.data) : undefined;
    });
  },
  async put(aws, _target, value) {
    const { client, api } = await aws.bedrock();
    if (value === null) await client.send(new api.DeleteModelInvocationLoggingConfigurationCommand({}));
    else {
      await client.send(
        new api.PutModelInvocationLoggingConfigurationCommand({ loggingConfig: loggingSchema.parse(value) }),
      );
    }
  },
  byHand: 'Set it in Bedrock (settings, model invocation logging) with your log group or bucket.',
  residual: ['models that were called while it was off were called without a log'],
});
