/** One inline policy of our own name on a role or user: read, written and removed alike. */
import { z } from 'zod';
import type { Aws } from '../../../core/aws/client.ts';
import type { Change } from '../../../core/journal/playbook.ts';
import type { Json, JsonObject } from '../../../core/json.ts';
import { isNoSuchEntity } from '../iam/aws-reason.ts';
import { pagesOf } from '../iam/iam-pages.ts';
import { INLINE_QUOTA, policySize, policyText } from '../iam/policy-documents.ts';
import { USER_INLINE_QUOTA, userInline, userPolicy } from '../iam/user-policies.ts';
import { readPolicy } from './state.ts';

export interface InlinePolicy {
  readonly principal: 'role' | 'user';
  readonly name: string;
  readonly policyName: string;
}

export const liveInline = async (aws: Aws, { principal, name, policyName }: InlinePolicy): Promise<Json> =>
  (principal === 'role' ? await readPolicy(aws, name, policyName) : await userPolicy(aws, name, policyName))
    ?.value ?? null;

export async function putInline(
  aws: Aws,
  { principal, name, policyName }: InlinePolicy,
  document: JsonObject,
): Promise<void> {
  const { client, api } = await aws.iam();
  const policy = { PolicyName: policyName, PolicyDocument: policyText(document) };
  if (principal === 'role') await client.send(new api.PutRolePolicyCommand({ RoleName: name, ...policy }));
  else await client.send(new api.PutUserPolicyCommand({ UserName: name, ...policy }));
}

export async function removeInline(aws: Aws, { principal, name, policyName }: InlinePolicy): Promise<void> {
  const { client, api } = await aws.iam();
  try {
    if (principal === 'role')
      await client.send(new api.DeleteRolePolicyCommand({ RoleName: name, PolicyName: policyName }));
    else await client.send(new api.DeleteUserPolicyCommand({ UserName: name, PolicyName: policyName }));
  } catch (error) {
    if (!isNoSuchEntity(error)) throw error; // gone already: that is what undo wants
  }
}

/** A role or user as a deny on it needs to know it. */
export const livePrincipal = z.object({
  arn: z.string(),
  name: z.string(),
  path: z.string(),
  uniqueId: z.string(),
  inline: z.array(z.object({ name: z.string(), size: z.number() })),
  tags: z.record(z.string(), z.string()),
});
export type LivePrincipal = z.infer<typeof livePrincipal>;

const tagsOf = (tags: readonly { Key?: string | undefined; Value?: string | undefined }[] = []) =>
  Object.fromEntries(tags.map(({ Key = '', Value = '' }) => [Key, Value]));

/** Undefined where it is gone. */
export async function readPrincipal(
  aws: Aws,
  { principal, name }: Pick<InlinePolicy, 'principal' | 'name'>,
): Promise<LivePrincipal | undefined> {
  try {
    return principal === 'role' ? await readRole(aws, name) : await readUser(aws, name);
  } catch (error) {
    if (isNoSuchEntity(error)) return undefined;
    throw error;
  }
}

async function readRole(aws: Aws, RoleName: string): Promise<LivePrincipal> {
  const { client, api } = await aws.iam();
  const [{ Role }, names] = await Promise.all([
    client.send(new api.GetRoleCommand({ RoleName })),
    pagesOf(
      (marker) => client.send(new api.ListRolePoliciesCommand({ RoleName, ...marker })),
      (answer) => answer.PolicyNames,
    ),
  ]);
  const inline = await Promise.all(
    names.map(async (name) => ({
      name,
      // One that was deleted between the two calls takes no room.
      size: policySize((await readPolicy(aws, RoleName, name))?.text ?? ''),
    })),
  );
  const { Arn = '', Path = '/', RoleId = '', Tags } = Role ?? {};
  return { arn: Arn, name: RoleName, path: Path, uniqueId: RoleId, inline, tags: tagsOf(Tags) };
}

async function readUser(aws: Aws, UserName: string): Promise<LivePrincipal> {
  const { client, api } = await aws.iam();
  const [{ User }, inline] = await Promise.all([
    client.send(new api.GetUserCommand({ UserName })),
    userInline(aws, UserName),
  ]);
  const { Arn = '', Path = '/', UserId = '', Tags } = User ?? {};
  return { arn: Arn, name: UserName, path: Path, uniqueId: UserId, inline, tags: tagsOf(Tags) };
}

/** Why another inline policy does not fit; undefined where it does. */
export function noRoom(
  { inline }: Pick<LivePrincipal, 'inline'>,
  { principal, name, policyName }: InlinePolicy,
  document: JsonObject,
): string | undefined {
  const quota = principal === 'role' ? INLINE_QUOTA : USER_INLINE_QUOTA;
  const others = inline.filter((policy) => policy.name !== policyName);
  const total = others.reduce((sum, { size }) => sum + size, policySize(policyText(document)));
  return total <= quota
    ? undefined
    : `${principal} ${name} has no room for another inline policy: ${total} of ${quota} characters`;
}

const USERS = `arn:\${Partition}:iam::\${Account}:user/*`;

export const WRITE_USER_DENY: Change = {
  actions: ['iam:PutUserPolicy'],
  resources: [USERS],
  why: 'writes the deny',
  worst:
    'administrator of the account: an inline policy may allow everything to any user that is not protected',
};

export const REMOVE_USER_DENY: Change = {
  actions: ['iam:DeleteUserPolicy'],
  resources: [USERS],
  why: 'removes the deny',
  worst: 'ends the containment of any user, or removes an inline policy by which it works',
};
