import { arn } from '../../core/aws/arn.ts';
import { own } from '../../core/json.ts';
import { awsError } from '../aws-error.ts';
import { boundaryOf, policiesOfUser } from './iam-users.ts';
import { madeIamId } from './made-id.ts';
import { evaluate } from './policy-evaluation.ts';
import type { TwinRole } from './state.ts';
import type { Answers, TwinCall } from './twin.ts';

/** Inline policies of a role, all together, white space not counted (IAM quotas). */
const INLINE_QUOTA = 10_240;

function roleOf({ state, input }: TwinCall): TwinRole {
  const role = own(state.roles, String(input['RoleName']));
  if (role) return role;
  throw awsError(
    'NoSuchEntityException',
    `The role with name ${String(input['RoleName'])} cannot be found.`,
    404,
  );
}

/** Everything that speaks for or against the role's sessions. */
export const policiesOf = ({ inline, attached }: TwinRole): ReadonlyMap<string, string> =>
  new Map([...Object.entries(inline), ...Object.entries(attached)]);

/** A managed policy is there while someone has it attached. */
function managedOf({ state, input }: TwinCall): string {
  const arn = String(input['PolicyArn']);
  const holders = [...Object.values(state.roles), ...Object.values(state.users)];
  const text = holders.find(({ attached }) => Object.hasOwn(attached, arn))?.attached[arn];
  if (text !== undefined) return text;
  throw awsError('NoSuchEntityException', `Policy ${arn} was not found.`, 404);
}

function modifiable(call: TwinCall): TwinRole {
  const role = roleOf(call);
  if (!role.Path.startsWith('/aws-service-role/') && !role.Path.startsWith('/aws-reserved/')) return role;
  throw awsError(
    'UnmodifiableEntityException',
    `Cannot perform the operation on the protected role '${role.RoleName}'`,
  );
}

const inPath = <T extends { readonly Path: string }>(
  all: readonly T[],
  input: TwinCall['input'],
): readonly T[] => all.filter(({ Path }) => Path.startsWith(String(input['PathPrefix'] ?? '/')));

/** Policies as they are listed with their holder. */
const listed = (inline: Record<string, string>) =>
  Object.entries(inline).map(([PolicyName, text]) => ({
    PolicyName,
    PolicyDocument: encodeURIComponent(text),
  }));
const attachments = (attached: Record<string, string>) =>
  Object.keys(attached).map((PolicyArn) => ({ PolicyArn, PolicyName: PolicyArn.split('/').at(-1) }));

/** Every identity with its policies. */
function accountDetails({ state, scope }: TwinCall): object {
  const { roles, users, userGroups = {} } = state;
  const holders = [...Object.values(roles), ...Object.values(users), ...Object.values(userGroups)];
  const managed = new Map(holders.flatMap(({ attached }) => Object.entries(attached)));
  return {
    IsTruncated: false,
    RoleDetailList: Object.values(roles).map(({ RoleName, RoleId, Path, Arn, inline, attached }) => ({
      ...{ RoleName, RoleId, Path, Arn, RolePolicyList: listed(inline) },
      AttachedManagedPolicies: attachments(attached),
    })),
    UserDetailList: Object.values(users).map(({ UserName, UserId, Path, groups, inline, attached }) => ({
      ...{ UserName, UserId, Path, GroupList: groups, UserPolicyList: listed(inline) },
      Arn: arn(scope, 'iam', `user${Path}${UserName}`, { global: true }),
      AttachedManagedPolicies: attachments(attached),
    })),
    GroupDetailList: Object.values(userGroups).map(({ GroupName, Path, inline, attached }) => ({
      ...{ GroupName, Path, GroupPolicyList: listed(inline) },
      AttachedManagedPolicies: attachments(attached),
    })),
    Policies: [...managed].map(([Arn, text]) => ({
      Arn,
      PolicyVersionList: [{ VersionId: 'v1', IsDefaultVersion: true, Document: encodeURIComponent(text) }],
    })),
  };
}

export const iam: Answers = {
  GetAccountAuthorizationDetails: accountDetails,
  GetRole: (call) => {
    const { inline: _inline, attached: _attached, profiles: _profiles, boundary, ...role } = roleOf(call);
    return {
      Role: {
        ...role,
        ...(boundary === undefined ? {} : { PermissionsBoundary: boundaryOf(boundary) }),
        CreateDate: new Date(0),
        AssumeRolePolicyDocument: encodeURIComponent(role.AssumeRolePolicyDocument),
      },
    };
  },
  ListRoles: ({ state, input }) => ({
    Roles: inPath(Object.values(state.roles), input).map(({ RoleName, RoleId, Arn, Path }) => ({
      ...{ RoleName, RoleId, Arn, Path },
      CreateDate: new Date(0),
    })),
    IsTruncated: false,
  }),
  UpdateAssumeRolePolicy: (call) => {
    const text = String(call.input['PolicyDocument']);
    JSON.parse(text);
    modifiable(call).AssumeRolePolicyDocument = text;
    return {};
  },
  ListRolePolicies: (call) => ({ PolicyNames: Object.keys(roleOf(call).inline), IsTruncated: false }),
  GetRolePolicy: (call) => {
    const name = String(call.input['PolicyName']);
    const text = own(roleOf(call).inline, name);
    if (text === undefined) {
      throw awsError('NoSuchEntityException', `The role policy with name ${name} cannot be found.`, 404);
    }
    return { RoleName: call.input['RoleName'], PolicyName: name, PolicyDocument: encodeURIComponent(text) };
  },
  PutRolePolicy: (call) => {
    const role = modifiable(call);
    const text = String(call.input['PolicyDocument']);
    JSON.parse(text);
    const others = Object.entries(role.inline).filter(([name]) => name !== call.input['PolicyName']);
    const size = [...others.map(([, body]) => body), text].join('').replace(/\s/g, '').length;
    if (size > INLINE_QUOTA) {
      throw awsError(
        'LimitExceededException',
        `Maximum policy size of ${INLINE_QUOTA} bytes exceeded for role ${role.RoleName}`,
        409,
      );
    }
    role.inline[String(call.input['PolicyName'])] = text;
    return {};
  },
  DeleteRolePolicy: (call) => {
    const role = modifiable(call);
    const name = String(call.input['PolicyName']);
    if (!Object.hasOwn(role.inline, name)) {
      throw awsError('NoSuchEntityException', `The role policy with name ${name} cannot be found.`, 404);
    }
    delete role.inline[name];
    return {};
  },
  ListAttachedRolePolicies: (call) => {
    const arns = Object.keys(roleOf(call).attached);
    return {
      AttachedPolicies: arns.map((PolicyArn) => ({ PolicyArn, PolicyName: PolicyArn.split('/').at(-1) })),
      IsTruncated: false,
    };
  },
  GetPolicy: (call) => {
    const made = own(call.state.policies ?? {}, String(call.input['PolicyArn']));
    if (made) return { Policy: { Arn: call.input['PolicyArn'], DefaultVersionId: made.inForce } };
    managedOf(call);
    return { Policy: { Arn: call.input['PolicyArn'], DefaultVersionId: 'v1' } };
  },
  GetPolicyVersion: (call) => ({
    PolicyVersion: { VersionId: 'v1', Document: encodeURIComponent(managedOf(call)) },
  }),
  ListInstanceProfilesForRole: (call) => ({
    InstanceProfiles: roleOf(call).profiles.map((name) => ({
      InstanceProfileName: name,
      Arn: arn(call.scope, 'iam', `instance-profile/${name}`, { global: true }),
      Path: '/',
      InstanceProfileId: madeIamId('AIPA', name),
      CreateDate: new Date(0),
      Roles: [],
    })),
    IsTruncated: false,
  }),
  GetInstanceProfile: ({ state, scope, input }) => {
    const name = String(input['InstanceProfileName']);
    // A profile of a path is kept with it; the call names it without.
    const named = (profile: string) => profile.split('/').at(-1) === name;
    const roles = Object.values(state.roles).filter(({ profiles }) => profiles.some(named));
    const path = [...roles.flatMap(({ profiles }) => profiles), ...(state.instanceProfiles ?? [])].find(
      named,
    );
    if (path === undefined)
      throw awsError('NoSuchEntityException', `Instance Profile ${name} cannot be found.`, 404);
    return {
      InstanceProfile: {
        InstanceProfileName: name,
        InstanceProfileId: madeIamId('AIPA', name),
        Path: `/${path.slice(0, path.length - name.length)}`,
        CreateDate: new Date(0),
        Arn: arn(scope, 'iam', `instance-profile/${path}`, { global: true }),
        Roles: roles.map(({ RoleName, Arn, RoleId, Path }) => ({
          ...{ RoleName, Arn, RoleId, Path },
          CreateDate: new Date(0),
        })),
      },
    };
  },
  SimulatePrincipalPolicy: ({ state, input }) => {
    const source = String(input['PolicySourceArn']);
    const name = source.split('/').at(-1) ?? '';
    const user = /:user\//.test(source) ? own(state.users, name) : undefined;
    const role = user ? undefined : own(state.roles, name);
    if (!role && !user) throw awsError('NoSuchEntityException', `${name} cannot be found.`, 404);
    const policies = user ? policiesOfUser(user) : role ? policiesOf(role) : new Map<string, string>();
    const entries = (input['ContextEntries'] ?? []) as {
      ContextKeyName: string;
      ContextKeyValues: string[];
    }[];
    const keys = Object.fromEntries(
      entries.map((entry) => [entry.ContextKeyName.toLowerCase(), entry.ContextKeyValues[0] ?? '']),
    );
    const resources = (input['ResourceArns'] as string[] | undefined) ?? ['*'];
    return {
      IsTruncated: false,
      EvaluationResults: ((input['ActionNames'] ?? []) as string[]).flatMap((action) =>
        resources.map((resource) => {
          const result = evaluate(policies, { action, resource, keys });
          return {
            EvalActionName: action,
            EvalResourceName: resource,
            EvalDecision: result.decision,
            MatchedStatements: result.by
              ? [{ SourcePolicyId: `${user ? 'user' : 'role'}_${name}_${result.by}` }]
              : [],
          };
        }),
      ),
    };
  },
};
