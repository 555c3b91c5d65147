/** `aws-auth` lets a principal of IAM into a cluster, and is not edited: contain the principal itself, as the second question. */
import type { Aws } from '../../core/aws/client.ts';
import type { Finding } from '../../core/finding/finding.ts';
import { defineComposite, type Expansion } from '../../core/journal/playbook.ts';
import { detailsOf } from '../common/details.ts';
import { readIdentity } from '../common/kubernetes/identity.ts';
import { callerOf } from '../common/kubernetes/identity-target.ts';
import { READ_CLUSTER, READ_ENTRIES } from '../common/kubernetes/kubernetes-permissions.ts';
import { idOf, READ_PRINCIPALS, sessionIn } from '../common/kubernetes/principal.ts';
import { principalPart } from '../common/principal/principal-part.ts';

const no = (reason: string): Expansion => ({ ok: false, reason });

async function locate(finding: Finding, aws: Aws): Promise<Expansion> {
  const choice = callerOf(finding);
  if (!choice.ok) return choice;
  const { target } = choice;
  const { facts } = target;
  if (facts.kind !== 'principal' && facts.kind !== 'mapped') return no('the caller is no principal of IAM');
  const { principal, maps = [] } = await readIdentity({ ...target, facts }, aws.inRegion(target.region));
  if (principal === null || principal === undefined)
    return no(`who ${facts.username.slice(0, 100)} is, is not known for certain`);
  const [kind, userName = ''] = principal.split('/');
  const id = await idOf(aws, principal);
  if (id === undefined) return no(`${principal} does not exist in this account any more`);
  if (kind === 'user') return contained(finding, { userType: 'IAMUser', userName, principalId: id });
  const session = sessionOf(finding, facts.username, maps);
  return session === undefined
    ? no(
        `which session of ${principal} called is not certain: find it in CloudTrail, or revoke all sessions of the role`,
      )
    : contained(finding, { userType: 'AssumedRole', userName, principalId: `${id}:${session}` });
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

function contained(finding: Finding, accessKey: NonNullable<Finding['accessKey']>): Expansion {
  const choice = principalPart({ ...finding, accessKey });
  return choice.ok ? { ok: true, parts: [choice.part], unhandled: [] } : choice;
}

export const containKubernetesPrincipal = defineComposite({
  id: 'contain-kubernetes-principal',
  title: 'Contain in IAM the principal that a cluster lets in by aws-auth',
  about: `
Asked where \`contain-kubernetes-identity\` found who a Kubernetes user is, and its access comes from \`aws-auth\`, which is not
edited. A user's keys are switched off (\`disable-user-keys\`): tokens for the cluster signed with them are refused. The session of a
role is revoked (\`revoke-role-sessions\`) where it is certain which one called: its name as GuardDuty says it, or as the mapping put it into
the user name. \`{{SessionName}}\` has a dash for every at sign, so that such a name with a dash is not certain.

A cluster lets a revoked session in until its credentials expire, since \`sts:GetCallerIdentity\` cannot be denied: that stays as
remaining risk until the mapping is taken out of \`aws-auth\`.
`.trim(),
  handles: [],
  expand: () => no('asked as a follow-up of contain-kubernetes-identity'),
  locate,
  reads: [READ_CLUSTER, READ_ENTRIES, ...READ_PRINCIPALS],
});
