/** Baselines that policy.yml names. They come before what CloudTrail remembers. */
import { z } from 'zod';
import { FirebreakError } from '../../../core/errors.ts';
import type { Json, JsonObject } from '../../../core/json.ts';

const json = z.string().transform((text, context): Json => {
  try {
    return JSON.parse(text) as Json;
  } catch {
    context.addIssue({ code: 'custom', message: 'expected JSON text' });
    return z.NEVER;
  }
});

export const loggingSettings = z.strictObject({
  /** `management`: all management events, read and write, as a new trail has; or selectors as JSON text. */
  eventSelectors: z.union([z.literal('management'), json]).optional(),
  /** Bucket that takes the server access logs of a bucket without a known target, under the name of that bucket. */
  accessLogBucket: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'expected the name of a bucket')
    .optional(),
  /** Password policy as JSON text, in the words of UpdateAccountPasswordPolicy. */
  passwordPolicy: json.optional(),
});
export type LoggingSettings = z.infer<typeof loggingSettings>;

/** Throws PolicyInvalid. */
export function settingsOf(settings: JsonObject): LoggingSettings {
  const parsed = loggingSettings.safeParse(settings);
  if (parsed.success) return parsed.data;
  throw new FirebreakError('PolicyInvalid', z.prettifyError(parsed.error), {
    resource: 'policy.yml: playbooks.restore-logging',
    next: 'Fix these settings in policy.yml.',
  });
}
