/** The step kinds: a deny on the user, and its keys and other credentials set Inactive. */
import { z } from 'zod';
import { arn } from '../../core/aws/arn.ts';
import type { Aws } from '../../core/aws/client.ts';
import { FirebreakError } from '../../core/errors.ts';
import type { StepContext, Target } from '../../core/journal/playbook.ts';
import { isNoSuchEntity } from '../common/iam/aws-reason.ts';
import { deniesOnly, denyEverything, isOwnPolicy, policyText } from '../common/iam/policy-documents.ts';
import { userPolicy } from '../common/iam/user-policies.ts';
import { anyJson, cannotRestore, damaged, stepKind } from '../common/step-kind.ts';
import { formSchema, setStatus as setCredential, statusOf } from './credentials.ts';
import { attachedOf, keysOf, keysToDisable } from './state.ts';
import { userFacts } from './target.ts';

const user = z.object({ userName: z.string() });

/** The user of an incident is its target. */
const another = (userName: string, { target }: StepContext): string | undefined =>
  userName === target.id ? undefined : `the user is ${target.id}, not ${userName}`;

/** The inline policy of our own name: its document, or null. */
const denyPolicy = stepKind(user.extend({ policyName: z.string() }), {
  value: anyJson,
  foreign: ({ userName, policyName }, context) =>
    another(userName, context) ??
    (isOwnPolicy(policyName, context.caseId) ? undefined : `${policyName} is not a policy of the case`),
  read: async ({ userName, policyName }, { aws }) => ({
    value: (await userPolicy(aws, userName, policyName))?.value ?? null,
  }),
  after: () => denyEverything(),
  async apply({ userName, policyName }, { aws }) {
    const { client, api } = await aws.iam();
    await client.send(
      new api.PutUserPolicyCommand({
        UserName: userName,
        PolicyName: policyName,
        PolicyDocument: policyText(denyEverything()),
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
      if (!deniesOnly(before))
        throw cannotRestore(
          `the recorded prior policy ${policyName} does more than deny, so it was not written back`,
          userName,
          'Compare the record with CloudTrail, then write or delete the policy yourself.',
        );
      await client.send(new api.PutUserPolicyCommand({ ...named, PolicyDocument: policyText(before) }));
    }
    return 'reverted';
  },
});

/** The managed policy AWSDenyAll, where the user has no room for an inline one: attached or not. */
const denyAttached = stepKind(user.extend({ policyArn: z.string() }), {
  value: z.boolean(),
  foreign: ({ userName, policyArn }, context) =>
    another(userName, context) ??
    (policyArn === denyAllOf(context.target) ? undefined : `${policyArn} is not AWSDenyAll`),
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

/** AWS's own policy that denies everything: no other is ever attached. */
export const denyAllOf = (target: Target): string =>
  arn({ ...target, account: 'aws' }, 'iam', 'policy/AWSDenyAll', { global: true });

/** A key's status; null when it is gone, which cuts it off as well. */
const key = stepKind(user.extend({ keyId: z.string() }), {
  value: z.enum(['Active', 'Inactive']).nullable(),
  foreign: ({ userName }, context) => another(userName, context),
  async read({ userName, keyId }, { aws }) {
    const keys = await keysOf(aws, userName);
    return { value: keys.find(({ id }) => id === keyId)?.status ?? null };
  },
  after: (_args, _context, before) => (before === null ? null : 'Inactive'),
  async apply({ userName, keyId }, { aws, target }) {
    await mustBeSuspect(aws, target, keyId);
    await setStatus(aws, userName, keyId, 'Inactive');
    return undefined;
  },
  async revert({ userName, keyId }, { aws, target }, before) {
    await mustBeSuspect(aws, target, keyId);
    if (before !== 'Active') return { kept: `${keyId} was ${JSON.stringify(before)} before` };
    await setStatus(aws, userName, keyId, 'Active');
    return 'reverted';
  },
});

/** The status of a credential that is not an access key; null when it is gone, which cuts it off as well. */
const credential = stepKind(user.extend({ form: formSchema, keyId: z.string().regex(/^\w{20,128}$/) }), {
  value: z.enum(['Active', 'Inactive', 'Expired']).nullable(),
  foreign: ({ userName }, context) => another(userName, context),
  read: async ({ userName, form, keyId: id }, { aws }) => ({
    value: await statusOf(aws, userName, { form, id }),
  }),
  after: (_args, _context, before) => (before === 'Active' ? 'Inactive' : before),
  async apply({ userName, form, keyId: id }, { aws }) {
    await setCredential(aws, userName, { form, id }, 'Inactive');
    return undefined;
  },
  async revert({ userName, form, keyId: id }, { aws }, before) {
    if (before !== 'Active') return { kept: `${id} was ${before ?? 'not there'} before` };
    await setCredential(aws, userName, { form, id }, 'Active');
    return 'reverted';
  },
});

/** The finding's key, or one made since, as IAM tells it now: no other is switched off, and none switched on. */
async function mustBeSuspect(aws: Aws, target: Target, keyId: string): Promise<void> {
  const keys = await keysOf(aws, target.id);
  const facts = userFacts.parse(target.facts);
  // The call reports one that is gone.
  if (!keys.some(({ id }) => id === keyId) || keysToDisable({ keys }, facts).some(({ id }) => id === keyId))
    return;
  throw damaged(`${keyId} is neither the reported key nor one made since`, target.display);
}

/** Always with the user's name: without it IAM takes the key to be the caller's own. */
async function setStatus(
  aws: Aws,
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
      next: 'Nothing: a deleted key lets no one in.',
      cause: error,
    });
  }
}

function unlessGone(error: unknown): undefined {
  if (isNoSuchEntity(error)) return undefined; // gone already: that is what undo wants
  throw error;
}

export const KINDS = { 'deny-policy': denyPolicy, 'deny-attached': denyAttached, key, credential };
