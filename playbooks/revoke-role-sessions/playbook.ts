/** A session of a role is misused: cut that session off, and say who can come back under another name. */
import type { Finding } from '../../core/finding/finding.ts';
import {
  definePlaybook,
  type Plan,
  type PlanOptions,
  type Target,
  type TargetChoice,
} from '../../core/journal/playbook.ts';
import { noPrincipal } from '../common/calling-service.ts';
import { READ_POLICIES, roleDocuments } from '../common/evidence/identity.ts';
import { PROPAGATION_SECONDS } from '../common/iam/deny-proof.ts';
import { PRINCIPAL_TYPES } from '../common/iam/principal-types.ts';
import { READ_ROLE, REMOVE_DENY, WRITE_DENY } from '../common/iam/role-permissions.ts';
import { comesBack, type DenyStep, planRevocation } from '../common/role-session/plan.ts';
import { KINDS } from '../common/role-session/policy-step.ts';
import { leverSettings } from '../common/role-session/settings.ts';
import { type RoleState, readState, roleState } from '../common/role-session/state.ts';
import { roleSession, type SessionFacts, sessionFacts } from '../common/role-session/target.ts';
import { revocationUndoSafety } from '../common/role-session/undo-safety.ts';
import { proveRevocation } from '../common/role-session/verify.ts';
import { worksInstead } from '../common/works-instead.ts';

/** RoleId and session name of any assumed role (STS: RoleSessionName). */
const SESSION = /^(AROA[A-Z0-9]{4,124}):([\w+=,.@-]{2,64})$/;

function sessionOf(finding: Finding): TargetChoice<SessionFacts> {
  const { accessKey } = finding;
  const match = SESSION.exec(accessKey?.principalId ?? '');
  if (!match) return { ok: false, reason: noPrincipal(finding) ?? worksInstead(accessKey?.userType ?? '') };
  // The deny by aws:userid is the one that an instance's session gets; only the session's name is another.
  return roleSession(finding, match);
}

function plan(state: RoleState, target: Target<SessionFacts>, options: PlanOptions): Plan<DenyStep> {
  const base = planRevocation(state, target, options);
  if (base.kind === 'refused') return base;
  return {
    ...base,
    residual: [...new Set([...base.residual, comesBack(state.role)])],
  };
}

export const revokeRoleSessions = definePlaybook({
  id: 'revoke-role-sessions',
  title: 'Revoke a misused session of a role',
  about: `
One inline policy on the role, \`firebreak-<incident>\`, denies everything to the session the finding names (\`aws:userid\`).
With \`playbooks.revoke-role-sessions.lever: role\` every session issued before now is denied instead
(\`aws:TokenIssueTime\`), which always asks where others use the role.

**A name that every run has** (GitHubActions, AWSCloudFormation, a function's or a build project's name) is not that of one session: a
deny by it would cut every later run. Sessions of that name that were issued before now are denied instead, and later runs work;
\`lever: name\` denies them too. A name counts as every run's where tools give it, where an AWS service called, or where only services
and identity providers may assume the role. The service that called is named: who started it goes on until they are contained.

**A session's name is the caller's choice**: anyone who may assume the role can come back under another name, or with a newer session.
They are named as remaining risk, so an incident of this playbook never ends as plain \`contained\`. What the session took with it
is looked up as for \`revoke-instance-session\`.

**Refused**, with the action that works instead: service-linked roles (contain the resource), roles of IAM Identity Center
(add the deny to the permission set and provision it), \`OrganizationAccountAccessRole\`, \`AWSControlTowerExecution\`,
Firebreak's own and protected roles, a role re-created since the finding. Root, federated users, other accounts and AWS
services have no session of a role here; the reason says what works.

**Undo** removes only what was written, and while the session may still live a second person must agree.
`.trim(),
  handles: PRINCIPAL_TYPES,
  settings: leverSettings,
  reversible: { kind: 'fully' },
  permissions: {
    read: [...READ_ROLE, READ_POLICIES],
    write: [WRITE_DENY],
    undo: [REMOVE_DENY],
  },
  proofDelaySeconds: PROPAGATION_SECONDS,
  facts: sessionFacts,
  state: roleState,
  targetOf: sessionOf,
  read: readState,
  plan,
  kinds: KINDS,
  verify: proveRevocation,
  undoSafety: revocationUndoSafety,
  evidence: (target, aws) => roleDocuments(aws, target.facts.roleName),
});
