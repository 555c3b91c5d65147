/** What an administrator changes of identities: policies attached, versions, boundaries, passwords, members, profiles, providers. */
import { arn } from '../../core/aws/arn.ts';
import { own } from '../../core/json.ts';
import { awsError } from '../aws-error.ts';
import { groupOf } from './iam-groups.ts';
import type { Answers, TwinCall } from './twin.ts';

/** Customer managed policies by ARN; absent in what earlier versions saved. */
export type TwinPolicies = Record<string, { versions: string[]; inForce: string }>;
/** Identity providers by ARN, with the client ids that they accept. */
export type TwinProviders = Record<string, { Url: string; clientIds: string[] }>;

const missing = (what: string) => awsError('NoSuchEntityException', `${what} cannot be found.`, 404);
const exists = (what: string) => awsError('EntityAlreadyExistsException', `${what} exists already.`, 409);

type Of = 'User' | 'Role' | 'Group';
function holder(call: TwinCall, of: Of) {
  if (of === 'Group') return groupOf(call);
  const name = String(call.input[`${of}Name`]);
  const found = of === 'User' ? own(call.state.users, name) : own(call.state.roles, name);
  if (!found) throw missing(`The ${of.toLowerCase()} with name ${name}`);
  return found;
}
const policyArn = ({ input }: TwinCall): string => String(input['PolicyArn']);
const MOST_ATTACHED = 10;

/** The document of AWS's deny says so; others allow. */
const documentOf = (arnOf: string): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: arnOf.endsWith('/AWSDenyAll') ? 'Deny' : 'Allow', Action: '*', Resource: '*' }],
  });

const attaching = (of: Of): Answers => ({
  [`Attach${of}Policy`]: (call) => {
    const { attached } = holder(call, of);
    if (Object.keys(attached).length >= MOST_ATTACHED && !Object.hasOwn(attached, policyArn(call)))
      throw awsError('LimitExceededException', `Cannot exceed quota for Policies: ${MOST_ATTACHED}`, 409);
    attached[policyArn(call)] ??= documentOf(policyArn(call));
    return {};
  },
  [`Detach${of}Policy`]: (call) => {
    const { attached } = holder(call, of);
    if (!Object.hasOwn(attached, policyArn(call))) throw missing(`Policy ${policyArn(call)}`);
    delete attached[policyArn(call)];
    return {};
  },
});

const bounding = (of: 'User' | 'Role'): Answers => ({
  [`Put${of}PermissionsBoundary`]: (call) => {
    (holder(call, of) as { boundary?: string }).boundary = String(call.input['PermissionsBoundary']);
    return {};
  },
  [`Delete${of}PermissionsBoundary`]: (call) => {
    const held = holder(call, of) as { boundary?: string };
    if (held.boundary === undefined) throw missing('The permissions boundary');
    delete held.boundary;
    return {};
  },
});

function policyOf(call: TwinCall) {
  const found = own(call.state.policies ?? {}, policyArn(call));
  if (!found) throw missing(`Policy ${policyArn(call)}`);
  return found;
}

function userNamed({ state, input }: TwinCall) {
  const user = own(state.users, String(input['UserName']));
  if (!user) throw missing('The user');
  return user;
}

function providerOf({ state, input }: TwinCall) {
  const found = own(state.identityProviders ?? {}, String(input['OpenIDConnectProviderArn']));
  if (!found) throw missing('The provider');
  return found;
}

const profileOf = (call: TwinCall) => {
  const name = String(call.input['InstanceProfileName']);
  const role = own(call.state.roles, String(call.input['RoleName']));
  if (!role) throw missing('The role');
  return { name, role };
};

export const iamChanges: Answers = {
  ...attaching('User'),
  ...attaching('Role'),
  ...attaching('Group'),
  ...bounding('User'),
  ...bounding('Role'),
  ListAttachedGroupPolicies: (call) => ({
    AttachedPolicies: Object.keys(groupOf(call).attached).map((PolicyArn) => ({
      PolicyArn,
      PolicyName: PolicyArn.split('/').at(-1),
    })),
    IsTruncated: false,
  }),
  AddUserToGroup: (call) => {
    const { GroupName } = groupOf(call);
    const { groups } = userNamed(call);
    if (!groups.includes(GroupName)) groups.push(GroupName);
    return {};
  },
  RemoveUserFromGroup: (call) => {
    const { GroupName } = groupOf(call);
    const user = userNamed(call);
    user.groups = user.groups.filter((name) => name !== GroupName);
    return {};
  },
  CreateLoginProfile: (call) => {
    const user = userNamed(call);
    if (user.console) throw exists('The login profile');
    user.console = true;
    return { LoginProfile: { UserName: user.UserName, CreateDate: new Date(0) } };
  },
  CreatePolicyVersion: (call) => {
    const policy = policyOf(call);
    const last = Number(policy.versions.at(-1)?.slice(1) ?? 0);
    const VersionId = `v${last + 1}`;
    policy.versions.push(VersionId);
    const IsDefaultVersion = call.input['SetAsDefault'] === true;
    if (IsDefaultVersion) policy.inForce = VersionId;
    return { PolicyVersion: { VersionId, IsDefaultVersion } };
  },
  SetDefaultPolicyVersion: (call) => {
    const policy = policyOf(call);
    const version = String(call.input['VersionId']);
    if (!policy.versions.includes(version)) throw missing(`Version ${version}`);
    policy.inForce = version;
    return {};
  },
  AddRoleToInstanceProfile: (call) => {
    const { name, role } = profileOf(call);
    if (Object.values(call.state.roles).some(({ profiles }) => profiles.includes(name)))
      throw awsError(
        'LimitExceededException',
        'Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1',
        409,
      );
    role.profiles.push(name);
    return {};
  },
  RemoveRoleFromInstanceProfile: (call) => {
    const { name, role } = profileOf(call);
    if (!role.profiles.includes(name)) throw missing(`${role.RoleName} in ${name}`);
    role.profiles = role.profiles.filter((profile) => profile !== name);
    return {};
  },
  CreateOpenIDConnectProvider: ({ state, scope, input }) => {
    const Url = String(input['Url']).replace('https://', '');
    const OpenIDConnectProviderArn = arn(scope, 'iam', `oidc-provider/${Url}`, { global: true });
    state.identityProviders ??= {};
    if (Object.hasOwn(state.identityProviders, OpenIDConnectProviderArn)) throw exists('The provider');
    const clientIds = [...((input['ClientIDList'] ?? []) as string[])];
    state.identityProviders[OpenIDConnectProviderArn] = { Url, clientIds };
    return { OpenIDConnectProviderArn };
  },
  GetOpenIDConnectProvider: (call) => {
    const { Url, clientIds } = providerOf(call);
    return { Url, ClientIDList: clientIds, ThumbprintList: [], CreateDate: new Date(0) };
  },
  AddClientIDToOpenIDConnectProvider: (call) => {
    const provider = providerOf(call);
    const id = String(call.input['ClientID']);
    if (!provider.clientIds.includes(id)) provider.clientIds.push(id);
    return {};
  },
  RemoveClientIDFromOpenIDConnectProvider: (call) => {
    const provider = providerOf(call);
    provider.clientIds = provider.clientIds.filter((id) => id !== call.input['ClientID']);
    return {};
  },
};
