/** The step kinds: a deny on the user, and keys set Inactive. */
import { z } from 'zod';
import { FirebreakError } from '../../core/errors.ts';
import { isNoSuchEntity } from '../common/iam/aws-reason.ts';
import { denyEverything, policyText } from '../common/iam/policy-documents.ts';
import { stepKind } from '../common/step-kind.ts';
import { attachedOf, keysOf, policyOf } from './state.ts';

const user = z.object({ userName: z.string() });

/** The inline policy of our own name: its document, or null. */
const denyPolicy = stepKind(user.extend({ policyName: z.string() }), {
  read: async ({ userName, policyName }, { aws }) => ({
    value: (await policyOf(aws, userName, policyName))?.value ?? null,
  }),
  after: () => denyEverything(),
  async apply({ userName, policyName }, { aws }, _before, after) {
    const { client, api } = await aws.iam();
    await client.send(
      new api.PutUserPolicyCommand({
        UserName: userName,
        PolicyName: policyName,
        PolicyDocument: policyText(after),
      }),
    );
    return undefined;
  },
  async revert({ userName, policyName }, { aws }, before) {
    const { client, api } = await aws.iam();
    const named = { UserName: userName, PolicyName: policyName };
    if (before === null) {
      await client.send(new api.DeleteUserPolicyCommand(named)).catch(unlessGone);
    } else {
      await client.send(new api.PutUserPolicyCommand({ ...named, PolicyDocument: policyText(before) }));
    }
    return 'reverted';
  },
});

/** The managed policy AWSDenyAll, where the user has no room for an inline one: attached or not. */
const denyAttached = stepKind(user.extend({ policyArn: z.string() }), {
  read: async ({ userName, policyArn }, { aws }) => ({
    value: (await attachedOf(aws, userName)).includes(policyArn),
  }),
  after: () => true,
  async apply({ userName, policyArn }, { aws }) {
    const { client, api } = await aws.iam();
    await client.send(new api.AttachUserPolicyCommand({ UserName: userName, PolicyArn: policyArn }));
    return undefined;
  },
  async revert({ userName, policyArn }, { aws }) {
    const { client, api } = await aws.iam();
    await client
      .send(new api.DetachUserPolicyCommand({ UserName: userName, PolicyArn: policyArn }))
      .catch(unlessGone);
    return 'reverted';
  },
});

/** A key's status; null when it is gone, which cuts it off as well. */
const key = stepKind(user.extend({ keyId: z.string() }), {
  async read({ userName, keyId }, { aws }) {
    const keys = await keysOf(aws, userName);
    return { value: keys.find(({ id }) => id === keyId)?.status ?? null };
  },
  after: (_args, _context, before) => (before === null ? null : 'Inactive'),
  async apply({ userName, keyId }, { aws }) {
    await setStatus(aws, userName, keyId, 'Inactive');
    return undefined;
  },
  async revert({ userName, keyId }, { aws }, before) {
    if (before !== 'Active') return { kept: `${keyId} was ${JSON.stringify(before)} before` };
    await setStatus(aws, userName, keyId, 'Active');
    return 'reverted';
  },
});

/** Always with the user's name: without it IAM takes the key to be the caller's own. */
async function setStatus(
  aws: Parameters<typeof keysOf>[0],
  UserName: string,
  AccessKeyId: string,
  Status: 'Active' | 'Inactive',
): Promise<void> {
  const { client, api } = await aws.iam();
  try {
    await client.send(new api.UpdateAccessKeyCommand({ UserName, AccessKeyId, Status }));
  } catch (error) {
    if (!isNoSuchEntity(error)) throw error;
    throw new FirebreakError('StepFailed', `${AccessKeyId} was deleted meanwhile`, {
      resource: UserName,
      next: 'Nothing: a deleted key lets nobody in.',
      cause: error,
    });
  }
}

function unlessGone(error: unknown): undefined {
  if (isNoSuchEntity(error)) return undefined; // gone already: that is what undo wants
  throw error;
}

export const KINDS = { 'deny-policy': denyPolicy, 'deny-attached': denyAttached, key };
