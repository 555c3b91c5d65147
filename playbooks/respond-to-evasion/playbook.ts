/** A principal behaves as never before and switches logging off: what it switched off, and the principal itself, on one card. */
import type { Finding } from '../../core/finding/finding.ts';
import { defineComposite, type Expansion, type Part } from '../../core/journal/playbook.ts';
import { disableUserKeys } from '../disable-user-keys/playbook.ts';
import { restoreLogging } from '../restore-logging/playbook.ts';
import { revokeRoleSessions } from '../revoke-role-sessions/playbook.ts';
import { revokeSsoSessions } from '../revoke-sso-sessions/playbook.ts';

const PRINCIPALS = [disableUserKeys, revokeSsoSessions, revokeRoleSessions];

export const respondToEvasion = defineComposite({
  id: 'respond-to-evasion',
  title: 'Restore what a principal switched off, and contain the principal',
  about: `
\`DefenseEvasion:IAMUser/AnomalousBehavior\` names the principal and the API call, and so does \`DefenseImpairment:*\` of a
Custom Detection Rule [M]. Where that call switches logging or detection
off (a trail, event selectors, flow logs, access logging of a bucket, the detector, the password policy, Bedrock's log), what it
switched off and the principal become two targets of one incident, each with a status and an undo of its own. Where the call is
another one, the principal alone is contained.
`.trim(),
  handles: ['DefenseEvasion:IAMUser/AnomalousBehavior', 'DefenseImpairment:*'],
  expand,
});

function expand(finding: Finding): Expansion {
  const logging = restoreLogging.targetOf(finding);
  if (!logging.ok) return logging;
  const principals = PRINCIPALS.map((playbook) => ({ playbook, choice: playbook.targetOf(finding) }));
  const found = principals.flatMap(({ playbook, choice }): Part[] =>
    choice.ok ? [{ playbook, target: choice.target }] : [],
  );
  const reasons = principals.flatMap(({ playbook, choice }) =>
    choice.ok ? [] : [`${playbook.id}: ${choice.reason}`],
  );
  return {
    ok: true,
    // Anyone who switched it off can do so again.
    parts: [...found.slice(0, 1), { playbook: restoreLogging, target: logging.target }],
    unhandled: found.length > 0 ? [] : reasons,
  };
}
