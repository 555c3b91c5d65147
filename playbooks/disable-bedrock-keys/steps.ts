/** The step kind: one API key of Bedrock set Inactive. Keys are never reset or deleted. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { FirebreakError } from '../../core/errors.ts';
import { isNoSuchEntity } from '../common/iam/aws-reason.ts';
import { bedrockKeysOf } from '../common/iam/bedrock-keys.ts';
import { stepKind } from '../common/step-kind.ts';

const args = z.object({ userName: z.string(), keyId: z.string().regex(/^\w{20,128}$/) });

/** Always with the user's name: without it IAM takes the key to be the caller's own. */
async function setStatus(
  aws: Aws,
  { userName, keyId }: z.infer<typeof args>,
  Status: 'Active' | 'Inactive',
): Promise<void> {
  const { client, api } = await aws.iam();
  try {
    await client.send(
      new api.UpdateServiceSpecificCredentialCommand({
        UserName: userName,
        ServiceSpecificCredentialId: keyId,
        Status,
      }),
    );
  } catch (error) {
    if (!isNoSuchEntity(error)) throw error;
    throw new FirebreakError('StepFailed', `${keyId} was deleted meanwhile`, {
      resource: userName,
      next: 'Nothing: a deleted key lets no one in.',
      cause: error,
    });
  }
}

/** Its status; null when it is gone, which cuts it off as well. A credential of another service is none of Bedrock's keys. */
const bedrockApiKey = stepKind(args, {
  value: z.enum(['Active', 'Inactive', 'Expired']).nullable(),
  foreign: ({ userName }, { target }) =>
    userName === target.id ? undefined : `the user is ${target.id}, not ${userName}`,
  async read({ userName, keyId }, { aws }) {
    const keys = await bedrockKeysOf(aws, userName);
    return { value: keys.find(({ id }) => id === keyId)?.status ?? null };
  },
  after: (_args, _context, before) => (before === 'Active' ? 'Inactive' : before),
  async apply(given, { aws }) {
    await setStatus(aws, given, 'Inactive');
    return undefined;
  },
  async revert(given, { aws }, before) {
    if (before !== 'Active') return { kept: `${given.keyId} was ${before ?? 'not there'} before` };
    await setStatus(aws, given, 'Active');
    return 'reverted';
  },
});

export const KINDS = { 'bedrock-key': bedrockApiKey };
