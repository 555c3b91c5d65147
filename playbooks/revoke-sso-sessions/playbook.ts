/** A session of a role of IAM Identity Center is misused: deny it in the permission set, which IAM itself cannot. */
import { definePlaybook } from '../../core/journal/playbook.ts';
import { PRINCIPAL_TYPES } from '../common/iam/principal-types.ts';
import { READ_CLUSTERS } from '../common/iam/role-permissions.ts';
import { DENIED_USERS_POLICY } from '../common/organization/denied-users.ts';
import { planSso } from './plan.ts';
import { ssoSettings } from './settings.ts';
import { readSso, ssoState } from './state.ts';
import { KINDS } from './steps.ts';
import { ssoFacts, ssoSessionOf } from './target.ts';
import { proveDenied, ssoUndoSafety } from './verify.ts';

const sso = (resource: string) => `arn:\${Partition}:sso:::${resource}`;

export const revokeSsoSessions = definePlaybook({
  id: 'revoke-sso-sessions',
  title: 'Revoke the sessions of a user of IAM Identity Center',
  about: `
A role \`AWSReservedSSO_...\` belongs to IAM Identity Center: IAM refuses to change it. Its policies come from a permission set,
so that is where the deny goes:

1. A statement of our own is added to the inline policy of the permission set, next to what is there. It denies everything to
   the user (\`identitystore:userId\`) in sessions issued before now (\`aws:TokenIssueTime\`). With
   \`playbooks.revoke-sso-sessions.lever: user\` it denies the user until undo.
2. The permission set is provisioned to its accounts. That takes a while; a request that is under way already is waited for
   and not doubled.

Where \`playbooks.revoke-sso-sessions.managementAccount\` names the management account and its role is deployed
(deploy/generated/management-account.json), the same statement goes first into the service control policy \`${DENIED_USERS_POLICY}\`,
with a tick of its own: it holds in every account that the policy is attached to and for every permission set of the user, and sooner
than provisioning. What keeps it from being used is on the card, and keeps the permission set from nothing.

It always asks: the permission set is everybody's who is assigned to it.

**Where**: the account in which Identity Center is administered (\`playbooks.revoke-sso-sessions.account\`, without it the account
of Firebreak), in the Region that the role's path names. Where no instance is seen from there, or the rights are missing, the
incident is escalated with what to do by hand, and a person is paged.

**Proof**: the statement is in the permission set, provisioning has succeeded, and the role in the finding's account carries it.
IAM's simulator does not know \`identitystore:userId\`, so the effect is not simulated.

**Not contained**: anyone who holds the portal session or the password signs in again: end the sessions and disable the user.
Other permission sets of the user; roles that the session assumed. No one can change a policy of a permission set under a
condition, so an edit in the same second as ours can be lost: the proof would show it.

The session signs in to a cluster with sts:GetCallerIdentity, which cannot be denied: the clusters of every Region that know the
role are named as remaining risk.

**Undo** takes out our statements alone and provisions again. Where no one changed the rest meanwhile the policy is what it was,
letter for letter; a permission set without one has none again.
`.trim(),
  handles: PRINCIPAL_TYPES,
  settings: ssoSettings,
  reversible: { kind: 'fully' },
  permissions: {
    read: [
      ...READ_CLUSTERS,
      {
        // Identity Center and its store say nothing about resource levels for most of these.
        actions: [
          'identitystore:GetUserId',
          'sso:DescribePermissionSet',
          'sso:DescribePermissionSetProvisioningStatus',
          'sso:GetInlinePolicyForPermissionSet',
          'sso:ListAccountsForProvisionedPermissionSet',
          'sso:ListInstances',
          'sso:ListPermissionSetProvisioningStatus',
          'sso:ListPermissionSetsProvisionedToAccount',
        ],
        resources: ['*'],
        why: 'the permission set behind the role, its inline policy, and the id of the user',
      },
      {
        actions: ['iam:GetRole', 'iam:GetRolePolicy'],
        resources: [`arn:\${Partition}:iam::\${Account}:role/*`],
        why: 'where Identity Center is, and whether the role carries the deny',
      },
      {
        in: 'management',
        actions: [
          'organizations:DescribePolicy',
          'organizations:ListPolicies',
          'organizations:ListTargetsForPolicy',
        ],
        resources: ['*'],
        why: 'the policy that denies users in every account, and where it is attached',
      },
    ],
    write: [
      {
        actions: ['sso:ProvisionPermissionSet', 'sso:PutInlinePolicyToPermissionSet'],
        resources: [sso('instance/*'), sso('permissionSet/*'), sso('account/*')],
        why: 'adds the deny to the inline policy of the permission set, takes it out again, and provisions both',
        worst:
          'administrator of every account that has the permission set: IAM has no condition on what its inline policy says. Effective only where Identity Center is administered',
      },
      {
        in: 'management',
        actions: ['organizations:UpdatePolicy'],
        resources: [
          'arn:${Partition}:organizations::${Account}:policy/*/service_control_policy/${DeniedUsers}',
        ],
        why: 'adds the deny to the policy that was made for it, and takes it out again',
        worst:
          'locks everyone out of every account that the policy is attached to, or lets denied users back in; a service control policy gives no one a right',
      },
    ],
    undo: [
      {
        actions: ['sso:DeleteInlinePolicyFromPermissionSet'],
        resources: [sso('instance/*'), sso('permissionSet/*')],
        why: 'where the permission set had no inline policy, none again',
        worst: 'takes the inline policy of any permission set away, its denies included',
      },
    ],
  },
  // IAM takes the role's new policy some seconds after provisioning.
  proofDelaySeconds: 20,
  facts: ssoFacts,
  state: ssoState,
  targetOf: ssoSessionOf,
  read: readSso,
  plan: planSso,
  kinds: KINDS,
  verify: proveDenied,
  undoSafety: ssoUndoSafety,
});
