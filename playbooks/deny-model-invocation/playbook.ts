/** An identity uses AI models as it should not: take that one thing from it, and leave the rest. */
import { definePlaybook } from '../../core/journal/playbook.ts';
import { PROPAGATION_SECONDS } from '../common/iam/deny-proof.ts';
import { REMOVE_DENY, WRITE_DENY } from '../common/iam/role-permissions.ts';
import { REMOVE_USER_DENY, WRITE_USER_DENY } from '../common/role-session/inline-deny.ts';
import { plan, settings } from './plan.ts';
import { read, state } from './state.ts';
import { KINDS } from './steps.ts';
import { facts, targetOf } from './target.ts';
import { verify } from './verify.ts';

const ROLES = `arn:\${Partition}:iam::\${Account}:role/*`;
const USERS = `arn:\${Partition}:iam::\${Account}:user/*`;

export const denyModelInvocation = definePlaybook({
  id: 'deny-model-invocation',
  title: 'Deny the invocation of AI models',
  about: `
One inline policy, \`firebreak-<incident>-…\`, on the role or user that the finding names denies the eight calls that invoke models
(Bedrock, Bedrock Mantle, SageMaker endpoints): for a role to the session of the finding alone (\`aws:userid\`), for a user to all of it.
Whatever else the identity does goes on. With \`playbooks.deny-model-invocation.models: reported\` only the models that the finding
names are denied.

**Always asked**, whatever policy says, and silence never contains: the identity is usually the application's own role and the attacker its
user, so a deny stops the application's answers. A user with API keys of Bedrock is asked about in \`disable-bedrock-keys\` next.

**Not contained**: other sessions of the role, API keys of Bedrock that the identity made for other users, and with \`reported\` other models.

**Refused**, with the containment that does work: protected and service-linked roles, roles of IAM Identity Center, an identity re-created since the
finding, a role or user without room for another inline policy, root and callers of other accounts.

**Undo** removes the policy.
`.trim(),
  handles: [
    'Impact:IAMUser/AnomalousModelInvocation',
    'Impact:IAMUser/CostHarvesting',
    'Impact:IAMUser/PromptInjection*',
  ],
  settings,
  reversible: { kind: 'fully' },
  permissions: {
    read: [
      {
        actions: ['iam:GetRole', 'iam:GetRolePolicy', 'iam:ListRolePolicies', 'iam:SimulatePrincipalPolicy'],
        resources: [ROLES],
        why: 'the role, the size of its policies, and whether the deny holds',
      },
      {
        actions: [
          'iam:GetUser',
          'iam:GetUserPolicy',
          'iam:ListServiceSpecificCredentials',
          'iam:ListUserPolicies',
          'iam:SimulatePrincipalPolicy',
        ],
        resources: [USERS],
        why: 'the user, the size of its policies, its API keys of Bedrock, and whether the deny holds',
      },
      {
        // It has no resource level.
        actions: ['cloudwatch:GetMetricData'],
        resources: ['*'],
        why: 'tokens and calls of the models since the activity began',
      },
    ],
    write: [WRITE_DENY, WRITE_USER_DENY],
    undo: [REMOVE_DENY, REMOVE_USER_DENY],
  },
  proofDelaySeconds: PROPAGATION_SECONDS,
  facts,
  state,
  targetOf,
  read,
  plan,
  kinds: KINDS,
  verify,
});
