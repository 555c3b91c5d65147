/** Server access logging of a bucket: where its log goes, or that it keeps none. */
import type { TargetGrant } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { bucketRegion } from '../../core/aws/regions.ts';
import { isJsonObject, type Json, toJson } from '../../core/json.ts';
import { lastGood, type PastCall, pastCalls } from '../common/logging/history.ts';
import { settingsOf } from '../common/logging/settings.ts';
import { settingSubject } from './setting.ts';

const loggingSchema = z.strictObject({
  TargetBucket: z.string(),
  TargetPrefix: z.string(),
  TargetGrants: z.array(z.custom<TargetGrant>(isJsonObject)).optional(),
  TargetObjectKeyFormat: z
    .object({
      SimplePrefix: z.object({}).optional(),
      PartitionedPrefix: z.object({ PartitionDateSource: z.enum(['EventTime', 'DeliveryTime']) }).optional(),
    })
    .optional(),
});

/** As it stands in the PutBucketLogging call; null for one that switches it off, undefined for another bucket's [M-LAB]. */
function loggingIn({ request }: PastCall, bucket: string): Json | undefined {
  if (request['bucketName'] !== bucket) return undefined;
  const status = request['BucketLoggingStatus'];
  const enabled = isJsonObject(status) ? status['LoggingEnabled'] : undefined;
  if (!isJsonObject(enabled)) return null;
  const parsed = z
    .object({ TargetBucket: z.string(), TargetPrefix: z.string().catch('') })
    .safeParse(enabled);
  return parsed.success ? parsed.data : null;
}

export const accessLogs = settingSubject({
  kind: 'bucket-access-logs',
  name: ({ id }) => `server access logging of ${id}`,
  async live(aws, { id }) {
    const { client, api } = await aws.inRegion(await bucketRegion(aws, id)).s3();
    const { LoggingEnabled } = await client.send(new api.GetBucketLoggingCommand({ Bucket: id }));
    return LoggingEnabled === undefined ? null : toJson(LoggingEnabled);
  },
  async baseline(aws, target, live, settings) {
    const here = aws.inRegion(await bucketRegion(aws, target.id));
    const past = lastGood(await pastCalls(here, ['PutBucketLogging']), target.facts, (call) =>
      loggingIn(call, target.id),
    );
    if (past.known) return past;
    // It logs, and nothing shows that it logged elsewhere.
    if (live !== null) return { known: true, value: live, from: 'as it is now', unsure: [] };
    const { accessLogBucket } = settingsOf(settings);
    if (accessLogBucket === undefined) return past;
    return {
      known: true,
      value: { TargetBucket: accessLogBucket, TargetPrefix: `${target.id}/` },
      from: 'policy.yml',
      unsure: [],
    };
  },
  async put(aws, { id }, value) {
    const { client, api } = await aws.inRegion(await bucketRegion(aws, id)).s3();
    const LoggingEnabled = value === null ? undefined : loggingSchema.parse(value);
    await client.send(
      new api.PutBucketLoggingCommand({
        Bucket: id,
        // Without LoggingEnabled it is switched off.
        BucketLoggingStatus: LoggingEnabled ? { LoggingEnabled } : {},
      }),
    );
  },
  byHand:
    'Switch it on with a log bucket of the same account and Region, or name one in policy.yml (playbooks.restore-logging.accessLogBucket).',
  residual: [
    'S3 delivers access logs within hours, as well as it can: requests made meanwhile were not logged',
  ],
});
