/** The recorder of AWS Config: a Region has one that customers manage, and one delivery channel. Records hold both whole [M-LAB]. */
import type { ConfigurationRecorder } from '@aws-sdk/client-config-service';
import { z } from 'zod';
import { arn } from '../../core/aws/arn.ts';
import type { Aws } from '../../core/aws/client.ts';
import { awsErrorName } from '../../core/errors.ts';

export const RECORDERS = 'arn:${Partition}:config:${Region}:${Account}:configuration-recorder/*';
export const recorder = z.strictObject({ recorder: z.string().regex(/^[\w.-]{1,256}$/) });
type Recorder = z.infer<typeof recorder>;

/** The ARN ends with an id that no call names. */
export const recorderNames = ({ scope }: Aws, { recorder: name }: Recorder): readonly string[] => [
  arn(scope, 'config', 'configuration-recorder/*'),
  name,
];

/** Returns the recorder; undefined where it is gone. */
export async function liveRecorder(
  aws: Aws,
  { recorder: name }: Recorder,
): Promise<ConfigurationRecorder | undefined> {
  const { client, api } = await aws.config();
  const asked = { ConfigurationRecorderNames: [name] };
  try {
    const found = await client.send(new api.DescribeConfigurationRecordersCommand(asked));
    return found.ConfigurationRecorders?.[0];
  } catch (error) {
    if (awsErrorName(error) === 'NoSuchConfigurationRecorderException') return undefined;
    throw error;
  }
}
