/** Which session: from the finding alone, every string checked before an ARN or a policy is made of it. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { arn } from '../../../core/aws/arn.ts';
import type { Aws } from '../../../core/aws/client.ts';
import { iamHome } from '../../../core/aws/regions.ts';
import type { Finding, RemoteParty } from '../../../core/finding/finding.ts';
import type { Target, TargetChoice } from '../../../core/journal/playbook.ts';
import { startedBy } from '../calling-service.ts';
import { describeInstance } from '../ec2/instance.ts';
import { roleOfProfile } from '../ec2/instance-role.ts';
import { PRINCIPAL_NAME } from '../iam/principal-name.ts';

/** Credentials from instance metadata name their session after the instance. */
const INSTANCE_SESSION = /^(AROA[A-Z0-9]{4,124}):(i-[0-9a-f]{8,17})$/;
const INSTANCE_ID = /^i-[0-9a-f]{8,17}$/;

/** What the finding says about the session. `target.facts`, parsed. */
export const sessionFacts = z.object({
  roleName: z.string(),
  /** RoleId of the role that issued the session: a role re-created under the same name has another one. */
  roleId: z.string(),
  /** The session's name, which for credentials of an instance is the instance id. */
  instanceId: z.string(),
  /** `AROA...:name`, the value of `aws:userid` in every call of the session. */
  userId: z.string(),
  accessKeyId: z.string().nullable(),
  remoteIps: z.array(z.string()),
  remoteAccounts: z.array(z.object({ account: z.string(), affiliated: z.boolean() })),
  findingRegion: z.string(),
  /** The deny follows the isolation of the instance: no one saw the session outside it. */
  isolated: z.exactOptional(z.literal(true)),
  /** The AWS service that called with the session, for others. */
  service: z.exactOptional(z.string()),
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
  if (!PRINCIPAL_NAME.test(roleName))
    return { ok: false, reason: 'the finding does not name a role (accessKeyDetails.userName)' };
  const { remote = [], callingService: service } = finding.action ?? {};
  const target = targetFor(finding, {
    roleName,
    roleId,
    instanceId: sessionName,
    userId,
    accessKeyId: keyOf(accessKey?.accessKeyId),
    remoteIps: [...new Set(remote.map(({ ip }) => ip ?? '').filter((ip) => isIP(ip) !== 0))],
    remoteAccounts: remote.flatMap(accountOf),
    findingRegion: finding.region,
    ...(service === undefined ? {} : { service }),
  });
  return { ok: true, target, ...(service === undefined ? {} : { residual: [startedBy(service)] }) };
}

/**
 * The session that an instance of a finding was given, as target of a deny that follows its isolation. The role is the
 * live profile's; where the instance has none any more, that of the finding's.
 */
export async function sessionOfInstance(finding: Finding, aws: Aws): Promise<TargetChoice<SessionFacts>> {
  const { instanceId, instanceProfileArn } = finding.instance ?? {};
  if (instanceId === undefined || !INSTANCE_ID.test(instanceId))
    return { ok: false, reason: 'the finding does not name an EC2 instance' };
  const instance = await describeInstance(aws, instanceId);
  const profile = instance?.IamInstanceProfile?.Arn ?? instanceProfileArn;
  if (profile === undefined) return { ok: false, reason: `${instanceId} has no role` };
  const role = await roleOfProfile(aws, profile);
  if (!role) return { ok: false, reason: `${profile} carries no role` };
  const target = targetFor(finding, {
    ...role,
    instanceId,
    userId: `${role.roleId}:${instanceId}`,
    accessKeyId: null,
    remoteIps: [],
    remoteAccounts: [],
    findingRegion: finding.region,
    isolated: true,
  });
  return { ok: true, target };
}

function targetFor(finding: Finding, facts: SessionFacts): Target<SessionFacts> {
  const { roleName, roleId, instanceId } = facts;
  const scope = iamHome(finding);
  return {
    ...scope,
    kind: 'role-session',
    id: `${roleName}/${roleId}/${instanceId}`,
    display: arn(scope, 'sts', `assumed-role/${roleName}/${instanceId}`, { global: true }),
    facts,
  };
}

/** An identifier, not a secret; shown so that people can follow it in CloudTrail. */
const keyOf = (id: string | undefined): string | null => (id && /^ASIA[A-Z0-9]{4,124}$/.test(id) ? id : null);

const accountOf = ({ account, affiliated }: RemoteParty): SessionFacts['remoteAccounts'] =>
  account !== undefined && /^\d{12}$/.test(account) ? [{ account, affiliated: affiliated === true }] : [];
