/**
 * The four switches of a public access block, at a bucket or at the account. "Unset" (NoSuchPublicAccessBlockConfiguration)
 * is a state of its own: undo deletes the configuration again and never writes four times false instead.
 */
import type { PublicAccessBlockConfiguration } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { awsErrorName } from '../../../core/errors.ts';
import type { Json } from '../../../core/json.ts';

export const ALL_BLOCKED = {
  BlockPublicAcls: true,
  BlockPublicPolicy: true,
  IgnorePublicAcls: true,
  RestrictPublicBuckets: true,
} as const;

/** What `blockOf` gives: four switches and nothing else. */
export const blockValue = z
  .strictObject({
    BlockPublicAcls: z.boolean(),
    BlockPublicPolicy: z.boolean(),
    IgnorePublicAcls: z.boolean(),
    RestrictPublicBuckets: z.boolean(),
  })
  .nullable();

/** The configuration, or null where none is set. */
export async function blockOf(
  read: () => Promise<{ PublicAccessBlockConfiguration?: PublicAccessBlockConfiguration | undefined }>,
): Promise<Json> {
  try {
    const { PublicAccessBlockConfiguration: found } = await read();
    return {
      BlockPublicAcls: found?.BlockPublicAcls === true,
      BlockPublicPolicy: found?.BlockPublicPolicy === true,
      IgnorePublicAcls: found?.IgnorePublicAcls === true,
      RestrictPublicBuckets: found?.RestrictPublicBuckets === true,
    };
  } catch (error) {
    if (awsErrorName(error) === 'NoSuchPublicAccessBlockConfiguration') return null;
    throw error;
  }
}
