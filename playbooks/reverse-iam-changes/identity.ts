/** Users, roles and groups by name: what their ARN is, and their inline policies. */
import { z } from 'zod';
import { arn } from '../../core/aws/arn.ts';
import type { Aws } from '../../core/aws/client.ts';
import { isNoSuchEntity } from '../common/iam/aws-reason.ts';
import { decodePolicy } from '../common/iam/policy-documents.ts';

/** What IAM takes as the name of a user, role, policy or group. */
export const NAME = /^[\w+=,.@-]{1,128}$/;
export const identity = z.strictObject({
  of: z.enum(['user', 'role', 'group']),
  name: z.string().regex(NAME),
});
export type Identity = z.infer<typeof identity>;

export const USERS = 'arn:${Partition}:iam::${Account}:user/*';
export const ROLES = 'arn:${Partition}:iam::${Account}:role/*';
const GROUPS = 'arn:${Partition}:iam::${Account}:group/*';
export const EVERYONE = [USERS, ROLES, GROUPS];

/** Reads that say what the ARN of an identity is. */
export const NAMES = {
  actions: ['iam:GetGroup', 'iam:GetRole', 'iam:GetUser'],
  resources: EVERYONE,
  why: 'the path of what was changed, which its name does not tell',
};

/** Returns what the work found; undefined where IAM does not know what it names. */
async function unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isNoSuchEntity(error)) return undefined;
    throw error;
  }
}

interface Live {
  readonly Arn?: string | undefined;
  readonly Path?: string | undefined;
}

/** Returns the identity as IAM has it; undefined where it is gone. */
export async function liveIdentity(aws: Aws, { of, name }: Identity) {
  const { client, api } = await aws.iam();
  if (of === 'user') {
    const found = await unlessGone(client.send(new api.GetUserCommand({ UserName: name })));
    return found?.User && { ...found.User, id: found.User.UserId };
  }
  if (of === 'role') {
    const found = await unlessGone(client.send(new api.GetRoleCommand({ RoleName: name })));
    return found?.Role && { ...found.Role, id: found.Role.RoleId };
  }
  const found = await unlessGone(client.send(new api.GetGroupCommand({ GroupName: name })));
  return found?.Group && { ...found.Group, id: found.Group.GroupId };
}

/** Returns its live ARN and the names that policy.yml may protect it by. */
export async function identityNames(aws: Aws, { of, name }: Identity): Promise<readonly string[]> {
  const live: Live | undefined = await liveIdentity(aws, { of, name });
  const path = live?.Path ?? '/';
  return [live?.Arn ?? arn(aws.scope, 'iam', `${of}/${name}`, { global: true }), `${of}${path}${name}`, name];
}

/** Returns the text of an inline policy; null where there is none. */
export async function inlinePolicy(
  aws: Aws,
  { of, name }: Identity,
  PolicyName: string,
): Promise<string | null> {
  const { client, api } = await aws.iam();
  const found =
    of === 'user'
      ? await unlessGone(client.send(new api.GetUserPolicyCommand({ UserName: name, PolicyName })))
      : of === 'role'
        ? await unlessGone(client.send(new api.GetRolePolicyCommand({ RoleName: name, PolicyName })))
        : await unlessGone(client.send(new api.GetGroupPolicyCommand({ GroupName: name, PolicyName })));
  return found ? decodePolicy(found.PolicyDocument).text : null;
}

/** Writes an inline policy, or deletes it. */
export async function putInline(
  aws: Aws,
  { of, name }: Identity,
  PolicyName: string,
  text: string | null,
): Promise<void> {
  const { client, api } = await aws.iam();
  if (text === null) {
    if (of === 'user')
      await unlessGone(client.send(new api.DeleteUserPolicyCommand({ UserName: name, PolicyName })));
    else if (of === 'role')
      await unlessGone(client.send(new api.DeleteRolePolicyCommand({ RoleName: name, PolicyName })));
    else await unlessGone(client.send(new api.DeleteGroupPolicyCommand({ GroupName: name, PolicyName })));
    return;
  }
  const written = { PolicyName, PolicyDocument: text };
  if (of === 'user') await client.send(new api.PutUserPolicyCommand({ UserName: name, ...written }));
  else if (of === 'role') await client.send(new api.PutRolePolicyCommand({ RoleName: name, ...written }));
  else await client.send(new api.PutGroupPolicyCommand({ GroupName: name, ...written }));
}
