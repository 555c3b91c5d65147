/** Who of IAM made a call to a cluster: the user, or the one session of a role, where that is certain. */
import type { Aws } from '../../../core/aws/client.ts';
import type { Finding } from '../../../core/finding/finding.ts';
import { detailsOf } from '../details.ts';
import { readIdentity } from './identity.ts';
import { callerOf } from './identity-target.ts';
import { READ_CLUSTER, READ_ENTRIES } from './kubernetes-permissions.ts';
import { idOf, READ_PRINCIPALS, sessionIn } from './principal.ts';

export const READ_CALLER = [READ_CLUSTER, READ_ENTRIES, ...READ_PRINCIPALS];

type IamCaller =
  | { readonly ok: true; readonly accessKey: NonNullable<Finding['accessKey']> }
  | { readonly ok: false; readonly reason: string };

const no = (reason: string): IamCaller => ({ ok: false, reason });

/** Returns the caller as a finding about it would name it, without an access key; or why it is not certain. */
export async function iamCallerOf(finding: Finding, aws: Aws): Promise<IamCaller> {
  const choice = callerOf(finding);
  if (!choice.ok) return no(choice.reason);
  const { target } = choice;
  const { facts } = target;
  if (facts.kind !== 'principal' && facts.kind !== 'mapped')
    return no(`the caller ${facts.username.slice(0, 100)} is not a principal of IAM`);
  const { principal, maps = [] } = await readIdentity({ ...target, facts }, aws.inRegion(target.region));
  if (principal === null || principal === undefined)
    return no(`who ${facts.username.slice(0, 100)} is, is not known for certain`);
  const [kind, userName = ''] = principal.split('/');
  const id = await idOf(aws, principal);
  if (id === undefined) return no(`${principal} does not exist in this account any more`);
  if (kind === 'user') return { ok: true, accessKey: { userType: 'IAMUser', userName, principalId: id } };
  const session = sessionOf(finding, facts.username, maps);
  return session === undefined
    ? no(
        `which session of ${principal} called is not certain: find it in CloudTrail, or revoke all sessions of the role`,
      )
    : { ok: true, accessKey: { userType: 'AssumedRole', userName, principalId: `${id}:${session}` } };
}

/** As GuardDuty says it, as the user name of EKS ends, or as a mapping put it into the user name. */
function sessionOf(
  finding: Finding,
  username: string,
  maps: readonly { readonly username: string }[],
): string | undefined {
  const said =
    detailsOf(finding, 'kubernetesDetails')?.child('kubernetesUserDetails')?.texts('sessionName') ?? [];
  const names = new Set([
    ...said,
    ...[/:assumed-role\/[^/]+\/([^/]+)$/.exec(username)?.[1] ?? []].flat(),
    ...(said.length > 0 ? [] : maps.flatMap((one) => sessionIn(one.username, username) ?? [])),
  ]);
  const [only, ...others] = names;
  return only !== undefined && others.length === 0 && /^[\w+=,.@-]{2,64}$/.test(only) ? only : undefined;
}
