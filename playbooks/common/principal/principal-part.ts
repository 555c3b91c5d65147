/** The playbook that contains the principal of a finding in IAM, the narrowest action first. */
import type { Finding } from '../../../core/finding/finding.ts';
import type { PartChoice } from '../../../core/journal/playbook.ts';
import { disableUserKeys } from '../../disable-user-keys/playbook.ts';
import { revokeInstanceSession } from '../../revoke-instance-session/playbook.ts';
import { revokeRoleSessions } from '../../revoke-role-sessions/playbook.ts';
import { revokeSsoSessions } from '../../revoke-sso-sessions/playbook.ts';

/** A role of Identity Center is changed in its permission set, not as any other role is. */
const PLAYBOOKS = [revokeInstanceSession, disableUserKeys, revokeSsoSessions, revokeRoleSessions];

/** The principal as a part, or why no playbook in IAM fits. */
export function principalPart(finding: Finding): PartChoice {
  for (const playbook of PLAYBOOKS) {
    const choice = playbook.targetOf(finding);
    if (choice.ok) return { ok: true, part: { playbook, target: choice.target } };
  }
  // The user's playbook knows why a user is none; the role's says what works instead.
  const { userType } = finding.accessKey ?? {};
  const judge = userType === 'IAMUser' || userType === 'Root' ? disableUserKeys : revokeRoleSessions;
  const choice = judge.targetOf(finding);
  return choice.ok ? { ok: true, part: { playbook: judge, target: choice.target } } : choice;
}
