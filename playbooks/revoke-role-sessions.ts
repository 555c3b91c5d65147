/** A session of a role is misused: cut that session off, and say who can come back under another name. */
import { isIP } from 'node:net';
import { arn } from '../core/arn.ts';
import type { Finding } from '../core/finding.ts';
import type { JsonObject } from '../core/json.ts';
import {
  definePlaybook,
  type Plan,
  type PlanOptions,
  type Target,
  type TargetChoice,
} from '../core/playbook.ts';
import { planRevocation } from './revoke-instance-session/plan.ts';
import { denySessionKind, revokeOlderKind } from './revoke-instance-session/policy-step.ts';
import { readState, stateOf } from './revoke-instance-session/state.ts';
import type { SessionFacts } from './revoke-instance-session/target.ts';
import { revocationUndoSafety } from './revoke-instance-session/undo-safety.ts';
import { PROPAGATION_SECONDS, proveRevocation } from './revoke-instance-session/verify.ts';
import { iamHome } from './shared/iam-home.ts';
import { locatePrincipal } from './shared/launcher.ts';
import { PRINCIPAL_TYPES } from './shared/principal-types.ts';

const ROLES = `arn:\${Partition}:iam::\${Account}:role/*`;
/** RoleId and session name of any assumed role (STS: RoleSessionName). */
const SESSION = /^(AROA[A-Z0-9]{4,124}):([\w+=,.@-]{2,64})$/;
const ROLE_NAME = /^[\w+=,.@-]{1,64}$/;

/** Why principals that are no assumed role have no lever here, and which one works. */
function otherLever(userType: string): string {
  switch (userType) {
    case 'Root':
      return 'root cannot be contained by IAM: deny it by an SCP with aws:AssumedRoot, or remove its keys by AssumeRoot (a person)';
    case 'FederatedUser':
      return 'a federated session carries the policies of the IAM user that issued it: deny that user';
    case 'AWSAccount':
    case 'AWSService':
      return `the caller is an ${userType}: it has no session of a role here; take its access away on the resource`;
    default:
      return `the principal is no assumed role (${userType.slice(0, 40) || 'no user type'})`;
  }
}

function sessionOf(finding: Finding): TargetChoice {
  const { accessKey } = finding;
  const [userId, roleId = '', sessionName = ''] = SESSION.exec(accessKey?.principalId ?? '') ?? [];
  if (userId === undefined) return { ok: false, reason: otherLever(accessKey?.userType ?? '') };
  const roleName = accessKey?.userName ?? '';
  if (!ROLE_NAME.test(roleName)) {
    return { ok: false, reason: 'the finding names no role (accessKeyDetails.userName)' };
  }
  const key = accessKey?.accessKeyId ?? '';
  const remote = finding.action?.remote ?? [];
  // The deny by aws:userid is the one that an instance's session gets; only the session's name is another.
  const facts: SessionFacts = {
    roleName,
    roleId,
    instanceId: sessionName,
    userId,
    accessKeyId: /^ASIA[A-Z0-9]{4,124}$/.test(key) ? key : null,
    remoteIps: [...new Set(remote.flatMap(({ ip }) => (ip !== undefined && isIP(ip) !== 0 ? [ip] : [])))],
    remoteAccounts: [],
    findingRegion: finding.region,
  };
  const scope = iamHome(finding);
  return {
    ok: true,
    target: {
      ...scope,
      kind: 'role-session',
      id: `${roleName}/${roleId}/${sessionName}`,
      display: arn(scope, 'sts', `assumed-role/${roleName}/${sessionName}`, { global: true }),
      facts: { ...facts },
    },
  };
}

function plan(state: JsonObject, target: Target, options: PlanOptions): Plan {
  const base = planRevocation(state, target, options);
  if (base.kind === 'refused') return base;
  const { role } = stateOf(state);
  const sessionOnly = options.settings['lever'] !== 'role';
  const who = role.otherPrincipals.join(', ') || 'EC2 instances with its profile';
  return {
    ...base,
    residual: [
      ...base.residual,
      ...(sessionOnly
        ? [
            `whoever may assume ${role.name} (${who}) can come back under another session name: contain the caller as well`,
          ]
        : []),
      'sessions of other roles that this session assumed live on by themselves for up to an hour',
    ],
  };
}

export const revokeRoleSessions = definePlaybook({
  id: 'revoke-role-sessions',
  title: 'Revoke a misused session of a role',
  about: `
One inline policy on the role, \`firebreak-<incident>\`, denies everything to the session the finding names (\`aws:userid\`).
With \`playbooks.revoke-role-sessions.lever: role\` every session issued before now is denied instead
(\`aws:TokenIssueTime\`), which always asks where others use the role.

**A session's name is the caller's choice**: whoever may assume the role can come back under another name. They are named
as remaining risk, so an incident of this playbook never ends as plain \`contained\` with the narrow lever. Sessions that this
one opened in other roles (role chaining) are independent of it and live up to an hour.

**Refused**, with the lever that works instead: service-linked roles (contain the resource), roles of IAM Identity Center
(add the deny to the permission set and provision it), \`OrganizationAccountAccessRole\`, \`AWSControlTowerExecution\`,
Firebreak's own and protected roles, a role made anew since the finding. Root, federated users, other accounts and AWS
services have no session of a role here; the reason says what works.

**Undo** removes only what was written, and while the session may still live a second person must agree.
`.trim(),
  handles: PRINCIPAL_TYPES,
  reversible: { kind: 'fully' },
  permissions: {
    read: [
      {
        actions: [
          'iam:GetRole',
          'iam:GetRolePolicy',
          'iam:ListAttachedRolePolicies',
          'iam:ListInstanceProfilesForRole',
          'iam:ListRolePolicies',
          'iam:SimulatePrincipalPolicy',
        ],
        resources: [ROLES],
        why: 'the role, its policies and their size, who may assume it, and whether the deny holds',
      },
      {
        // EC2 describes have no resource level.
        actions: ['ec2:DescribeInstances', 'ec2:DescribeRegions'],
        resources: ['*'],
        why: 'counts the instances that use the role',
      },
      {
        // LookupEvents has no resource level.
        actions: ['cloudtrail:LookupEvents'],
        resources: ['*'],
        why: 'who launched the instance that mines, where a person is asked about them',
      },
    ],
    write: [
      {
        // IAM has no condition on the name of an inline policy.
        actions: ['iam:DeleteRolePolicy', 'iam:PutRolePolicy'],
        resources: [ROLES],
        why: 'writes and removes the deny; protected roles are excluded by explicit denies of the responder role',
      },
    ],
  },
  proofDelaySeconds: PROPAGATION_SECONDS,
  targetOf: sessionOf,
  locate: (finding, aws) => locatePrincipal(finding, aws, sessionOf),
  read: (target, aws, settings = {}) => readState(target, aws, settings),
  plan,
  kinds: { 'deny-session': denySessionKind, 'revoke-older-sessions': revokeOlderKind },
  verify: proveRevocation,
  undoSafety: revocationUndoSafety,
});
