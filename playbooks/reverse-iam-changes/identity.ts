/** Users, roles and groups by name: what their ARN is, and their inline policies. */
import { z } from 'zod';
import { arn } from '../../core/aws/arn.ts';
import type { Aws } from '../../core/aws/client.ts';
import type { Permissions } from '../../core/journal/playbook.ts';
import type { ConfigResource } from '../common/changes/recorded.ts';
import { isNoSuchEntity } from '../common/iam/aws-reason.ts';
import { pagesOf } from '../common/iam/iam-pages.ts';
import { decodePolicy } from '../common/iam/policy-documents.ts';
import { unlessGone as found } from '../common/unless-gone.ts';

/** What IAM takes as the name of a user, role, policy or group. */
export const NAME = /^[\w+=,.@-]{1,128}$/;
export const identity = z.strictObject({
  of: z.enum(['user', 'role', 'group']),
  name: z.string().regex(NAME),
});
export type Identity = z.infer<typeof identity>;

export const USERS = 'arn:${Partition}:iam::${Account}:user/*';
export const ROLES = 'arn:${Partition}:iam::${Account}:role/*';
export const GROUPS = 'arn:${Partition}:iam::${Account}:group/*';
export const EVERYONE = [USERS, ROLES, GROUPS];

const CONFIG_TYPES = { user: 'AWS::IAM::User', role: 'AWS::IAM::Role', group: 'AWS::IAM::Group' } as const;
/** Returns an identity as AWS Config is asked for it: by its name [M], since the ids of items are the unique ones. */
export const inConfig = ({ of, name }: Identity): ConfigResource => ({ type: CONFIG_TYPES[of], name });

/** Reads that say what the ARN of an identity is. */
export const NAMES = {
  actions: ['iam:GetGroup', 'iam:GetRole', 'iam:GetUser'],
  resources: EVERYONE,
  why: 'the path of what was changed, which its name does not tell',
};

/** Returns what the work found; undefined where IAM does not know what it names. */
export const unlessGone = <T>(work: Promise<T>): Promise<T | undefined> => found(work, isNoSuchEntity);

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

/** AWS's own policy that denies everything: on what was created, it ends every use and is taken off by undo. */
const denyAllArn = ({ scope }: Aws): string =>
  arn({ ...scope, account: 'aws' }, 'iam', 'policy/AWSDenyAll', { global: true });

/** Returns whether a managed policy is attached; null where the identity is gone. */
export async function isAttached(
  aws: Aws,
  { of, name }: Identity,
  policyArn: string,
): Promise<boolean | null> {
  const { client, api } = await aws.iam();
  const listed = unlessGone(
    pagesOf(
      (marker) =>
        of === 'user'
          ? client.send(new api.ListAttachedUserPoliciesCommand({ UserName: name, ...marker }))
          : of === 'role'
            ? client.send(new api.ListAttachedRolePoliciesCommand({ RoleName: name, ...marker }))
            : client.send(new api.ListAttachedGroupPoliciesCommand({ GroupName: name, ...marker })),
      (answer) => answer.AttachedPolicies,
    ),
  );
  return (await listed)?.some(({ PolicyArn }) => PolicyArn === policyArn) ?? null;
}

/** Attaches a managed policy, or detaches it. */
export async function setAttached(
  aws: Aws,
  { of, name }: Identity,
  PolicyArn: string,
  attached: boolean | null,
): Promise<void> {
  if (attached === null) throw new Error('an identity is never deleted');
  const { client, api } = await aws.iam();
  if (attached) {
    if (of === 'user') await client.send(new api.AttachUserPolicyCommand({ UserName: name, PolicyArn }));
    else if (of === 'role') await client.send(new api.AttachRolePolicyCommand({ RoleName: name, PolicyArn }));
    else await client.send(new api.AttachGroupPolicyCommand({ GroupName: name, PolicyArn }));
    return;
  }
  if (of === 'user')
    await unlessGone(client.send(new api.DetachUserPolicyCommand({ UserName: name, PolicyArn })));
  else if (of === 'role')
    await unlessGone(client.send(new api.DetachRolePolicyCommand({ RoleName: name, PolicyArn })));
  else await unlessGone(client.send(new api.DetachGroupPolicyCommand({ GroupName: name, PolicyArn })));
}

/** Returns whether the identity is denied everything; null where it is gone, or another of that name is there. */
export async function isDenied(aws: Aws, who: Identity, id?: string): Promise<boolean | null> {
  if (id !== undefined && (await liveIdentity(aws, who))?.id !== id) return null;
  return isAttached(aws, who, denyAllArn(aws));
}

export const setDenied = (aws: Aws, who: Identity, denied: boolean | null): Promise<void> =>
  setAttached(aws, who, denyAllArn(aws), denied);

const DENY_ALL = { ArnEquals: { 'iam:PolicyARN': 'arn:${Partition}:iam::aws:policy/AWSDenyAll' } };

/** Rights to deny everything to what was created, and to end that. */
export const DENYING: Permissions = {
  read: [
    NAMES,
    {
      actions: ['iam:ListAttachedRolePolicies', 'iam:ListAttachedUserPolicies'],
      resources: [USERS, ROLES],
      why: 'whether it is denied everything',
    },
  ],
  write: [
    {
      actions: ['iam:AttachRolePolicy', 'iam:AttachUserPolicy'],
      resources: [USERS, ROLES],
      condition: DENY_ALL,
      why: 'what the principal created is denied everything; no other policy can be attached',
      worst: 'locks any user or role out',
    },
  ],
  undo: [
    {
      actions: ['iam:DetachRolePolicy', 'iam:DetachUserPolicy'],
      resources: [USERS, ROLES],
      condition: DENY_ALL,
      why: 'ends the deny',
      worst: 'ends the containment of any user or role that was denied so',
    },
  ],
};
