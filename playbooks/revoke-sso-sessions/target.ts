/** Which session: a role that IAM Identity Center made from a permission set, and the user it was given to. */
import { z } from 'zod';
import { arn } from '../../core/aws/arn.ts';
import { iamHome } from '../../core/aws/regions.ts';
import type { Finding } from '../../core/finding/finding.ts';
import type { TargetChoice } from '../../core/journal/playbook.ts';
import { noPrincipal } from '../common/calling-service.ts';

/** `AWSReservedSSO_` + name of the permission set (at most 32 characters) + `_` + 16 hex digits of its own. */
const SSO_ROLE = /^AWSReservedSSO_([\w+=,.@-]{1,32})_[0-9a-f]{16}$/;
/** RoleId and session name; Identity Center names the session after the user. */
const SESSION = /^(AROA[A-Z0-9]{4,124}):([\w+=,.@-]{2,64})$/;

export const ssoFacts = z.object({
  roleName: z.string(),
  roleId: z.string(),
  permissionSet: z.string(),
  userName: z.string(),
  /** The last activity that the finding tells, ISO 8601. */
  seenAt: z.string(),
});
export type SsoFacts = z.infer<typeof ssoFacts>;

export function ssoSessionOf(finding: Finding): TargetChoice<SsoFacts> {
  const { accessKey } = finding;
  const missing = noPrincipal(finding);
  if (missing !== undefined) return { ok: false, reason: missing };
  const roleName = accessKey?.userName ?? '';
  const [, permissionSet] = SSO_ROLE.exec(roleName) ?? [];
  if (permissionSet === undefined) {
    return {
      ok: false,
      reason: 'the principal does not hold a role of IAM Identity Center (AWSReservedSSO_...)',
    };
  }
  const [, roleId, userName] = SESSION.exec(accessKey?.principalId ?? '') ?? [];
  if (roleId === undefined || userName === undefined) {
    return { ok: false, reason: 'the principal id is not that of a session (AROA...:user)' };
  }
  const scope = iamHome(finding);
  const facts: SsoFacts = {
    roleName,
    roleId,
    permissionSet,
    userName,
    seenAt: finding.lastSeen ?? finding.updatedAt,
  };
  return {
    ok: true,
    target: {
      ...scope,
      kind: 'sso-session',
      id: `${roleName}/${userName}`,
      display: arn(scope, 'sts', `assumed-role/${roleName}/${userName}`, { global: true }),
      facts,
    },
  };
}
