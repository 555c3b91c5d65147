/** Which session: from the finding alone, every string checked before an ARN or a policy is made of it. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { arn } from '../../../core/aws/arn.ts';
import { iamHome } from '../../../core/aws/regions.ts';
import type { Finding, RemoteParty } from '../../../core/finding/finding.ts';
import type { TargetChoice } from '../../../core/journal/playbook.ts';

/** Credentials from instance metadata name their session after the instance. */
const INSTANCE_SESSION = /^(AROA[A-Z0-9]{4,124}):(i-[0-9a-f]{8,17})$/;
const ROLE_NAME = /^[\w+=,.@-]{1,64}$/;

/** What the finding says about the session. `target.facts`, parsed. */
export const sessionFacts = z.object({
  roleName: z.string(),
  /** RoleId of the role that issued the session: a role made anew under the same name has another one. */
  roleId: z.string(),
  /** The session's name, which for credentials of an instance is the instance id. */
  instanceId: z.string(),
  /** `AROA...:name`, the value of `aws:userid` in every call of the session. */
  userId: z.string(),
  accessKeyId: z.string().nullable(),
  remoteIps: z.array(z.string()),
  remoteAccounts: z.array(z.object({ account: z.string(), affiliated: z.boolean() })),
  findingRegion: z.string(),
});
export type SessionFacts = z.infer<typeof sessionFacts>;

/** The stolen session as target, or why this finding names none. */
export function sessionOf(finding: Finding): TargetChoice<SessionFacts> {
  const match = INSTANCE_SESSION.exec(finding.accessKey?.principalId ?? '');
  return match
    ? roleSession(finding, match)
    : { ok: false, reason: 'the principal id is not that of an instance session (AROA...:i-...)' };
}

/** A session of a role as target. `match`: the whole `aws:userid`, the RoleId, the session's name. */
export function roleSession(finding: Finding, match: readonly string[]): TargetChoice<SessionFacts> {
  const [userId = '', roleId = '', sessionName = ''] = match;
  const { accessKey } = finding;
  const roleName = accessKey?.userName ?? '';
  if (!ROLE_NAME.test(roleName))
    return { ok: false, reason: 'the finding names no role (accessKeyDetails.userName)' };
  const remote = finding.action?.remote ?? [];
  const facts: SessionFacts = {
    roleName,
    roleId,
    instanceId: sessionName,
    userId,
    accessKeyId: keyOf(accessKey?.accessKeyId),
    remoteIps: [...new Set(remote.map(({ ip }) => ip ?? '').filter((ip) => isIP(ip) !== 0))],
    remoteAccounts: remote.flatMap(accountOf),
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
      facts,
    },
  };
}

/** An identifier, not a secret; shown so that people can follow it in CloudTrail. */
const keyOf = (id: string | undefined): string | null => (id && /^ASIA[A-Z0-9]{4,124}$/.test(id) ? id : null);

const accountOf = ({ account, affiliated }: RemoteParty): SessionFacts['remoteAccounts'] =>
  account !== undefined && /^\d{12}$/.test(account) ? [{ account, affiliated: affiliated === true }] : [];
