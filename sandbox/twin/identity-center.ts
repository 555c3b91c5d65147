/**
 * IAM Identity Center: permission sets, and the roles they become in an account once they are provisioned, which takes a
 * look or two.
 */

import { arn } from '../../core/aws/arn.ts';
import { own } from '../../core/json.ts';
import { awsError } from '../aws-error.ts';
import { madeUuid } from './made-id.ts';
import { paged } from './pages.ts';
import type { Answers, TwinCall } from './twin.ts';

export interface TwinPermissionSet {
  PermissionSetArn: string;
  Name: string;
  SessionDuration: string;
  /** Empty: none, as the API tells it. */
  inline: string;
  accounts: string[];
}
/** Identity Center as seen from this account. */
export interface TwinIdentityCenter {
  /** Null: no instance is seen from here. */
  instance: { InstanceArn: string; IdentityStoreId: string; region: string } | null;
  permissionSets: TwinPermissionSet[];
  /** Ids of the users by name. */
  users: Record<string, string>;
  /** Set: requests to provision end in failure. */
  failing?: true;
}
/** A request to provision; not part of what undo restores. */
export interface TwinProvisioning {
  RequestId: string;
  PermissionSetArn: string;
  Status: 'IN_PROGRESS' | 'SUCCEEDED' | 'FAILED';
  /** Looks until it ends. */
  left: number;
}
export const emptyIdentityCenter = (): TwinIdentityCenter => ({
  instance: null,
  permissionSets: [],
  users: {},
});

function here({ state, scope }: TwinCall): NonNullable<TwinIdentityCenter['instance']> {
  const { instance } = state.identityCenter;
  // Identity Center answers in its own Region only.
  if (instance && instance.region === scope.region) return instance;
  throw awsError('ResourceNotFoundException', 'Instance not found', 404);
}

function setOf(call: TwinCall): TwinPermissionSet {
  here(call);
  const found = call.state.identityCenter.permissionSets.find(
    ({ PermissionSetArn }) => PermissionSetArn === call.input['PermissionSetArn'],
  );
  if (found) return found;
  throw awsError('ResourceNotFoundException', 'PermissionSet not found', 404);
}

/** One look further; at its end the roles of the permission set carry what it says. */
function look(call: TwinCall, request: TwinProvisioning): TwinProvisioning {
  if (request.Status !== 'IN_PROGRESS') return request;
  request.left -= 1;
  if (request.left > 0) return request;
  request.Status = call.state.identityCenter.failing ? 'FAILED' : 'SUCCEEDED';
  if (request.Status === 'FAILED') return request;
  const set = call.state.identityCenter.permissionSets.find(
    ({ PermissionSetArn }) => PermissionSetArn === request.PermissionSetArn,
  );
  for (const role of Object.values(call.state.roles)) {
    if (!set || !role.RoleName.startsWith(`AWSReservedSSO_${set.Name}_`)) continue;
    if (set.inline === '') delete role.inline['AwsSSOInlinePolicy'];
    else role.inline['AwsSSOInlinePolicy'] = set.inline;
  }
  return request;
}

const shown = ({ left: _left, ...request }: TwinProvisioning): object => ({
  ...request,
  ...(request.Status === 'FAILED' ? { FailureReason: 'Received a 404 status error' } : {}),
});

const listed = { given: 'NextToken', next: 'NextToken', size: 'MaxResults' } as const;

export const identityCenter: Readonly<Record<string, Answers>> = {
  SSOAdmin: {
    ListInstances: ({ state, scope }) => {
      const { instance } = state.identityCenter;
      if (!instance || instance.region !== scope.region) return { Instances: [] };
      const { region: _region, ...rest } = instance;
      return { Instances: [{ ...rest, OwnerAccountId: scope.account, Status: 'ACTIVE' }] };
    },
    ListPermissionSetsProvisionedToAccount: (call) => {
      here(call);
      return paged(
        call,
        call.state.identityCenter.permissionSets.filter(({ accounts }) =>
          accounts.includes(String(call.input['AccountId'])),
        ),
        { ...listed, list: 'PermissionSets', show: ({ PermissionSetArn }) => PermissionSetArn },
      );
    },
    DescribePermissionSet: (call) => {
      const { inline: _inline, accounts: _accounts, ...set } = setOf(call);
      return { PermissionSet: set };
    },
    ListAccountsForProvisionedPermissionSet: (call) =>
      paged(call, setOf(call).accounts, { ...listed, list: 'AccountIds', show: (id) => id }),
    GetInlinePolicyForPermissionSet: (call) => {
      const { inline } = setOf(call);
      return inline === '' ? {} : { InlinePolicy: inline };
    },
    PutInlinePolicyToPermissionSet: (call) => {
      const set = setOf(call);
      const text = String(call.input['InlinePolicy']);
      const { Statement } = JSON.parse(text) as { Statement?: unknown };
      if ([Statement].flat().every((statement) => statement === undefined))
        throw awsError('ValidationException', 'The policy is not valid');
      set.inline = text;
      return {};
    },
    DeleteInlinePolicyFromPermissionSet: (call) => {
      setOf(call).inline = '';
      return {};
    },
    ProvisionPermissionSet: (call) => {
      const { PermissionSetArn } = setOf(call);
      const { provisioning } = call.state;
      if (
        provisioning.some((one) => one.PermissionSetArn === PermissionSetArn && one.Status === 'IN_PROGRESS')
      )
        throw awsError(
          'ConflictException',
          'There is a conflicting operation in process for this permission set',
        );
      const request: TwinProvisioning = {
        RequestId: madeUuid(call.nextId('provision')),
        PermissionSetArn,
        Status: 'IN_PROGRESS',
        left: 2,
      };
      provisioning.push(request);
      return { PermissionSetProvisioningStatus: shown(request) };
    },
    ListPermissionSetProvisioningStatus: (call) => {
      here(call);
      const { Status: wanted } = (call.input['Filter'] ?? {}) as { Status?: string };
      return {
        PermissionSetsProvisioningStatus: call.state.provisioning
          .filter(({ Status }) => wanted === undefined || Status === wanted)
          .map(({ RequestId, Status }) => ({ RequestId, Status })),
      };
    },
    DescribePermissionSetProvisioningStatus: (call) => {
      const { ProvisionPermissionSetRequestId: id } = call.input;
      const found = call.state.provisioning.find(({ RequestId }) => RequestId === id);
      if (!found) throw awsError('ResourceNotFoundException', 'Request not found', 404);
      return { PermissionSetProvisioningStatus: shown(look(call, found)) };
    },
  },
  Identitystore: {
    GetUserId: (call) => {
      here(call);
      const { UniqueAttribute } = call.input['AlternateIdentifier'] as {
        UniqueAttribute: { AttributePath: string; AttributeValue: string };
      };
      const id = own(call.state.identityCenter.users, UniqueAttribute.AttributeValue);
      if (UniqueAttribute.AttributePath !== 'userName' || id === undefined)
        throw awsError('ResourceNotFoundException', 'USER not found.', 404);
      const IdentityStoreId = String(call.input['IdentityStoreId']);
      return {
        UserId: id,
        IdentityStoreId,
        UserArn: arn({ ...call.scope, region: '', account: '' }, 'identitystore', `user/${id}`),
      };
    },
  },
};

/** A permission set of Identity Center and its role in this account, for worlds that play a misused session of it. */
export function addPermissionSet(
  call: Pick<TwinCall, 'state' | 'scope'>,
  given: {
    readonly name: string;
    readonly inline: string;
    readonly region: string;
    readonly accounts: string[];
    /** As a finding names them; made up without. */
    readonly roleName?: string;
    readonly roleId?: string;
  },
): { readonly roleName: string; readonly roleId: string; readonly set: TwinPermissionSet } {
  const { state, scope } = call;
  const store = `d-${'9'.repeat(10)}`;
  const instance = 'ssoins-1234567890abcdef';
  const at = { ...scope, region: '', account: '' };
  state.identityCenter.instance = {
    InstanceArn: arn(at, 'sso', `instance/${instance}`),
    IdentityStoreId: store,
    region: given.region,
  };
  const set: TwinPermissionSet = {
    PermissionSetArn: arn(at, 'sso', `permissionSet/${instance}/ps-1234567890abcdef`),
    Name: given.name,
    SessionDuration: 'PT8H',
    inline: given.inline,
    accounts: given.accounts,
  };
  state.identityCenter.permissionSets.push(set);
  const { roleName = `AWSReservedSSO_${given.name}_0123456789abcdef` } = given;
  const Path = `/aws-reserved/sso.amazonaws.com/${given.region === 'us-east-1' ? '' : `${given.region}/`}`;
  const { roleId: RoleId = 'AROAFIREBREAKSSO00001' } = given;
  state.roles[roleName] = {
    RoleName: roleName,
    Path,
    RoleId,
    Arn: arn(scope, 'iam', `role${Path}${roleName}`, { global: true }),
    MaxSessionDuration: 43_200,
    AssumeRolePolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [] }),
    Tags: [],
    inline: given.inline === '' ? {} : { AwsSSOInlinePolicy: given.inline },
    attached: {},
    profiles: [],
  };
  return { roleName, roleId: RoleId, set };
}
