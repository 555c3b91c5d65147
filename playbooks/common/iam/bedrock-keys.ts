/** Long-term API keys of Bedrock: credentials of an IAM user for that one service, which no access key list shows. */
import { z } from 'zod';
import type { Aws } from '../../../core/aws/client.ts';
import { pagesOf } from './iam-pages.ts';

/** The service's name in IAM: a condition keeps Firebreak from credentials of any other. */
export const BEDROCK = 'bedrock.amazonaws.com';

export const bedrockKey = z.object({
  id: z.string(),
  /** Active, Inactive or Expired. */
  status: z.string(),
  createdAt: z.string(),
  /** Null: it does not expire. */
  expiresAt: z.string().nullable(),
});
export type BedrockKey = z.infer<typeof bedrockKey>;

/** Throws NoSuchEntity when the user is gone. */
export async function bedrockKeysOf(aws: Aws, UserName: string): Promise<BedrockKey[]> {
  const { client, api } = await aws.iam();
  const found = await pagesOf(
    (marker) =>
      client.send(
        new api.ListServiceSpecificCredentialsCommand({ UserName, ServiceName: BEDROCK, ...marker }),
      ),
    (answer) => answer.ServiceSpecificCredentials,
  );
  return found.map(({ ServiceSpecificCredentialId = '', Status = '', CreateDate, ExpirationDate }) => ({
    id: ServiceSpecificCredentialId,
    status: Status,
    createdAt: CreateDate?.toISOString() ?? '',
    expiresAt: ExpirationDate?.toISOString() ?? null,
  }));
}
