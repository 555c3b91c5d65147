/** An account in which its owner set things up, and an attacker changed them: each call with its record in CloudTrail. */
import type { JsonObject } from '../../core/json.ts';
import { type Caller, remember } from '../../sandbox/attacker.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import { attempt, LONG_AGO, OWNER, SEEN, THIEF, thiefFound } from './reversed.ts';

/** Spaces and order as someone wrote it: undo must restore the text. */
export const document = (Action: string): string =>
  `{ "Version": "2012-10-17",\n "Statement": [{ "Effect": "Allow", "Action": "${Action}", "Resource": "*" }] }`;
export const trust = (AWS: string): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Allow', Principal: { AWS }, Action: 'sts:AssumeRole' }],
  });

const inAccount = (resource: string): string => `arn:aws:iam::111122223333:${resource}`;
const ofAws = (name: string): string => `arn:aws:iam::aws:policy/${name}`;
const PROVIDER = inAccount('oidc-provider/idp.example.com');
const POLICY = inAccount('policy/app');

type Named = readonly [operation: string, input: JsonObject];

/** What the attacker does, by a name for it. Names that every object has are among those that it chooses. */
const ATTACKS = {
  key: ['CreateAccessKey', { UserName: 'bob' }],
  'key on': ['UpdateAccessKey', { UserName: 'bob', AccessKeyId: 'AKIABOB0000000000OFF', Status: 'Active' }],
  'key off': [
    'UpdateAccessKey',
    { UserName: 'bob', AccessKeyId: 'AKIABOB000000000NEAR', Status: 'Inactive' },
  ],
  'put user': [
    'PutUserPolicy',
    { UserName: 'eve', PolicyName: 'constructor', PolicyDocument: document('*') },
  ],
  'put role': ['PutRolePolicy', { RoleName: 'app', PolicyName: 'app', PolicyDocument: document('s3:*') }],
  'put role again': ['PutRolePolicy', { RoleName: 'app', PolicyName: 'app', PolicyDocument: document('*') }],
  'put group': [
    'PutGroupPolicy',
    { GroupName: 'admins', PolicyName: 'toString', PolicyDocument: document('*') },
  ],
  'delete user': ['DeleteUserPolicy', { UserName: 'eve', PolicyName: 'app' }],
  'delete role': ['DeleteRolePolicy', { RoleName: 'app', PolicyName: 'app' }],
  'delete group': ['DeleteGroupPolicy', { GroupName: 'admins', PolicyName: 'app' }],
  trust: ['UpdateAssumeRolePolicy', { RoleName: 'app', PolicyDocument: trust('*') }],
  user: ['CreateUser', { UserName: 'mallory', Path: '/x/' }],
  role: ['CreateRole', { RoleName: 'back', AssumeRolePolicyDocument: trust('*') }],
  password: ['CreateLoginProfile', { UserName: 'bob' }],
  'attach user': ['AttachUserPolicy', { UserName: 'eve', PolicyArn: ofAws('AdministratorAccess') }],
  'attach role': ['AttachRolePolicy', { RoleName: 'app', PolicyArn: ofAws('AdministratorAccess') }],
  'attach group': ['AttachGroupPolicy', { GroupName: 'admins', PolicyArn: ofAws('AdministratorAccess') }],
  'detach user': ['DetachUserPolicy', { UserName: 'bob', PolicyArn: ofAws('ReadOnlyAccess') }],
  'detach role': ['DetachRolePolicy', { RoleName: 'app', PolicyArn: ofAws('ReadOnlyAccess') }],
  'detach group': ['DetachGroupPolicy', { GroupName: 'admins', PolicyArn: ofAws('ReadOnlyAccess') }],
  join: ['AddUserToGroup', { UserName: 'eve', GroupName: 'admins' }],
  leave: ['RemoveUserFromGroup', { UserName: 'bob', GroupName: 'admins' }],
  version: ['CreatePolicyVersion', { PolicyArn: POLICY, PolicyDocument: document('*'), SetAsDefault: true }],
  'older version': ['SetDefaultPolicyVersion', { PolicyArn: POLICY, VersionId: 'v1' }],
  'no boundary': ['DeleteUserPermissionsBoundary', { UserName: 'eve' }],
  'no role boundary': ['DeleteRolePermissionsBoundary', { RoleName: 'app' }],
  'role boundary': [
    'PutRolePermissionsBoundary',
    { RoleName: 'other', PermissionsBoundary: ofAws('AdministratorAccess') },
  ],
  'user boundary': [
    'PutUserPermissionsBoundary',
    { UserName: 'bob', PermissionsBoundary: ofAws('AdministratorAccess') },
  ],
  'profile in': ['AddRoleToInstanceProfile', { InstanceProfileName: 'batch', RoleName: 'app' }],
  provider: ['CreateOpenIDConnectProvider', { Url: 'https://evil.example.com', ClientIDList: ['sts'] }],
  'client in': [
    'AddClientIDToOpenIDConnectProvider',
    { OpenIDConnectProviderArn: PROVIDER, ClientID: 'evil' },
  ],
  'client out': [
    'RemoveClientIDFromOpenIDConnectProvider',
    { OpenIDConnectProviderArn: PROVIDER, ClientID: 'web' },
  ],
} as const satisfies Readonly<Record<string, Named>>;
export type Attack = keyof typeof ATTACKS;
export const ALL_ATTACKS = Object.keys(ATTACKS) as Attack[];

const user = (UserName: string, Path: string) => ({
  ...{
    UserName,
    Path,
    UserId: `AIDA${UserName.toUpperCase()}0000000001`,
    Tags: [],
    inline: {},
    attached: {},
  },
  ...{ keys: [], groups: [], console: false, mfa: [] },
});
const role = (RoleName: string) => ({
  ...{
    RoleName,
    Path: '/service/',
    RoleId: `AROA${RoleName.toUpperCase()}000000001`,
    MaxSessionDuration: 3600,
  },
  ...{ Arn: inAccount(`role/service/${RoleName}`), AssumeRolePolicyDocument: '{}', Tags: [] },
  ...{ inline: {}, attached: {}, profiles: [] },
});

/** Acts as someone in IAM; what AWS refuses leaves no change. */
export function actsAs(twin: AccountTwin, caller: Caller, [operation, input]: Named, at: Date): void {
  attempt(twin, caller, { service: 'IAM', operation, input, at });
}

/** What the owner set up, by the calls that CloudTrail still shows. */
function ownedAccount(twin: AccountTwin): void {
  const { state } = twin;
  const key = (AccessKeyId: string, Status: string) => ({
    ...{ AccessKeyId, Status, CreateDate: '2020-01-01T00:00:00.000Z', lastService: null },
  });
  state.users['eve'] = user('eve', '/staff/');
  state.users['bob'] = {
    ...user('bob', '/'),
    keys: [key('AKIABOB0000000000OFF', 'Inactive'), key('AKIABOB000000000NEAR', 'Active')],
  };
  state.userGroups = { admins: { GroupName: 'admins', Path: '/', inline: {}, attached: {} } };
  state.roles['app'] = role('app');
  state.roles['other'] = role('other');
  state.instanceProfiles = ['web', 'batch'];
  state.policies = { [POLICY]: { versions: ['v1'], inForce: 'v1' } };
  state.identityProviders = { [PROVIDER]: { Url: 'idp.example.com', clientIds: [] } };
  const owned: readonly Named[] = [
    ['UpdateAccessKey', { UserName: 'bob', AccessKeyId: 'AKIABOB0000000000OFF', Status: 'Inactive' }],
    ['UpdateAccessKey', { UserName: 'bob', AccessKeyId: 'AKIABOB000000000NEAR', Status: 'Active' }],
    ['PutUserPolicy', { UserName: 'eve', PolicyName: 'app', PolicyDocument: document('s3:GetObject') }],
    ['PutRolePolicy', { RoleName: 'app', PolicyName: 'app', PolicyDocument: document('s3:GetObject') }],
    ['PutGroupPolicy', { GroupName: 'admins', PolicyName: 'app', PolicyDocument: document('s3:GetObject') }],
    ['UpdateAssumeRolePolicy', { RoleName: 'app', PolicyDocument: trust(inAccount('root')) }],
    ['AttachUserPolicy', { UserName: 'bob', PolicyArn: ofAws('ReadOnlyAccess') }],
    ['AttachRolePolicy', { RoleName: 'app', PolicyArn: ofAws('ReadOnlyAccess') }],
    ['AttachGroupPolicy', { GroupName: 'admins', PolicyArn: ofAws('ReadOnlyAccess') }],
    ['AddUserToGroup', { UserName: 'bob', GroupName: 'admins' }],
    ['CreatePolicyVersion', { PolicyArn: POLICY, PolicyDocument: document('s3:*'), SetAsDefault: true }],
    ['PutUserPermissionsBoundary', { UserName: 'eve', PermissionsBoundary: ofAws('ReadOnlyAccess') }],
    ['PutRolePermissionsBoundary', { RoleName: 'app', PermissionsBoundary: ofAws('ReadOnlyAccess') }],
    ['PutRolePermissionsBoundary', { RoleName: 'other', PermissionsBoundary: ofAws('ReadOnlyAccess') }],
    ['PutUserPermissionsBoundary', { UserName: 'bob', PermissionsBoundary: ofAws('ReadOnlyAccess') }],
    ['DeleteUserPermissionsBoundary', { UserName: 'bob' }],
    ['AddRoleToInstanceProfile', { InstanceProfileName: 'web', RoleName: 'other' }],
    ['AddClientIDToOpenIDConnectProvider', { OpenIDConnectProviderArn: PROVIDER, ClientID: 'web' }],
  ];
  for (const one of owned) actsAs(twin, OWNER, one, LONG_AGO);
}

/** The attacks in this order, a minute apart, since the finding was first seen; and the finding. */
export function attackedAccount(twin: AccountTwin, attacks: readonly Attack[]): unknown {
  ownedAccount(twin);
  attacks.forEach((attack, index) => {
    actsAs(twin, THIEF, ATTACKS[attack], new Date(SEEN + 60_000 * (index + 1)));
  });
  return thiefFound(twin);
}

/** A record of a call that changed nothing in the account: what an attacker would like CloudTrail to say. */
export function recordOnly(
  twin: AccountTwin,
  caller: Caller,
  name: string,
  request: JsonObject,
  at: Date,
  more: JsonObject = {},
): void {
  remember(twin, caller, { service: 'IAM', region: 'us-east-1', name, request, at, more });
}
