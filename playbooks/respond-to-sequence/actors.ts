/** Who acted in a sequence: identities of IAM, and those that only a cluster knows. */
import { arn, type ParsedArn, parseArn } from '../../core/aws/arn.ts';
import type { Finding } from '../../core/finding/finding.ts';
import type { Reader } from '../../core/finding/reader.ts';
import { AUTHENTICATED } from '../common/kubernetes/identity-target.ts';
import { principalPart } from '../common/principal/principal-part.ts';
import { worksInstead } from '../common/works-instead.ts';
import { containKubernetesIdentity } from '../contain-kubernetes-identity/playbook.ts';
import { clustersOfActor, inCluster, worksInKubernetes } from './clusters.ts';
import { chosen, type Outcome, peek, type Sequence, type SequenceActor, shown } from './sequence.ts';

export interface Named {
  readonly principalId: string | undefined;
  readonly userName: string | undefined;
  readonly userType: string | undefined;
  readonly accessKeyId: string | undefined;
}

/** One without a user is a process: what it ran on is contained. */
export function actorOutcomes(sequence: Sequence, { id, at }: SequenceActor): readonly Outcome[] {
  const user = at.child('user');
  if (!user) return [];
  const { finding } = sequence;
  const name = user.optionalText('name');
  const uid = user.optionalText('uid');
  const username = [name, uid].find((text) => text?.startsWith('system:'));
  if (username !== undefined) return inKubernetes(sequence, id, { username });
  // The authenticator's own form of an id: a user of the cluster whatever its name.
  if (uid !== undefined && AUTHENTICATED.test(uid))
    return inKubernetes(sequence, id, { username: name ?? uid, uid });
  const other = accountElsewhere(sequence, at);
  if (other !== undefined) return [anotherAccounts(other, roleOf(at)?.resource ?? name ?? '')];
  const role = roleOf(at);
  const named: Named = {
    principalId: user.optionalText('uid'),
    userName: role?.resource.split('/').at(-1) ?? name,
    userType: user.optionalText('type'),
    accessKeyId: user.optionalText('credentialUid'),
  };
  // A deny in IAM does not reach into a cluster: it knows the caller by sts:GetCallerIdentity, which no policy can deny (STS API reference).
  const principal = worksInKubernetes(sequence, id) ? principalArn(finding, named) : undefined;
  return [
    identity(finding, named),
    ...(principal === undefined ? [] : inKubernetes(sequence, id, { username: principal })),
  ];
}

/** The role is named by who issued the session (Session.Issuer, an ARN); User.Name is not said to be the role's. */
function roleOf(at: Reader): ParsedArn | undefined {
  const issuer = parseArn(peek(at, 'session')?.optionalText('issuer') ?? '');
  return issuer?.resource.startsWith('role/') ? issuer : undefined;
}

/** The account of an actor that is not one of the finding's, by the first member that says so. */
function accountElsewhere({ finding }: Sequence, at: Reader): string | undefined {
  const user = peek(at, 'user');
  const said = [
    roleOf(at)?.account,
    peek(at, 'user', 'account')?.optionalText('uid'),
    ...['uid', 'name'].map((member) => parseArn(user?.optionalText(member) ?? '')?.account),
  ];
  return said.find((account) => account !== undefined && account !== finding.account);
}

/** Whatever has the same name here is someone else's. */
const anotherAccounts = (account: string, name: string): Outcome => ({
  unhandled: `${shown(name.split('/').at(-1) || 'an actor without a name')} of account ${shown(account)}: it is another account's: contain its session there, and take its access to this account away`,
});

/** Returns what is said of a key that an actor of another account holds, or undefined where none does. */
export function heldElsewhere(sequence: Sequence, { principalId, accessKeyId }: Named): Outcome | undefined {
  for (const { at } of sequence.actors) {
    const user = peek(at, 'user');
    const same =
      (accessKeyId !== undefined && user?.optionalText('credentialUid') === accessKeyId) ||
      (principalId !== undefined && user?.optionalText('uid') === principalId);
    const account = same ? accountElsewhere(sequence, at) : undefined;
    if (account !== undefined)
      return anotherAccounts(account, roleOf(at)?.resource ?? user?.optionalText('name') ?? '');
  }
  return undefined;
}

/** The identity by its narrowest action in IAM. */
export function identity(finding: Finding, named: Named): Outcome {
  const { principalId = '', userName = '', userType = '' } = named;
  const who = shown(userName || principalId || 'an actor without a name');
  // Principals of another account are not here, and a federated user's session is not one of a role.
  if (userType === 'AWSAccount' || userType === 'FederatedUser')
    return { unhandled: `${who}: ${worksInstead(userType)}` };
  if (/^AROA[A-Z0-9]+$/.test(principalId)) {
    return {
      unhandled: `role ${who}: the sequence does not name a session of it: find the session in CloudTrail, or revoke all sessions of the role`,
    };
  }
  const accessKey = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
  const choice = principalPart({ ...finding, accessKey });
  return choice.ok ? { part: choice.part } : { unhandled: `${who}: ${choice.reason}` };
}

interface KubernetesUser {
  readonly username: string;
  readonly uid?: string;
}

function inKubernetes(sequence: Sequence, id: string, user: KubernetesUser): readonly Outcome[] {
  const clusters = clustersOfActor(sequence, id);
  if (clusters.length === 0) {
    return [
      {
        unhandled: `Kubernetes user ${shown(user.username)}: the sequence does not say in which cluster: take its access away there`,
      },
    ];
  }
  return clusters.map((cluster) =>
    chosen(containKubernetesIdentity, inCluster(cluster, { kubernetesUserDetails: { ...user } })),
  );
}

/** As EKS writes who an IAM principal is. */
function principalArn(finding: Finding, { principalId = '', userName, userType }: Named): string | undefined {
  if (userName === undefined) return undefined;
  const [, session] = /^AROA[A-Z0-9]+:(.+)$/.exec(principalId) ?? [];
  if (session !== undefined)
    return arn(finding, 'sts', `assumed-role/${userName}/${session}`, { global: true });
  return userType === 'IAMUser' ? arn(finding, 'iam', `user/${userName}`, { global: true }) : undefined;
}

/** `i-...` of every session of an instance that the sequence names, as actor or as access key. */
export function instanceSessions({ actors, resources }: Sequence): ReadonlySet<string> {
  const found = new Set<string>();
  const principals = [
    ...actors.map(({ at }) => peek(at, 'user')?.optionalText('uid')),
    ...resources.map(({ at }) => peek(at, 'data', 'accessKey')?.optionalText('principalId')),
  ];
  for (const principal of principals) {
    const [, id] = /^AROA[A-Z0-9]+:(i-[0-9a-f]{8,17})$/.exec(principal ?? '') ?? [];
    if (id !== undefined) found.add(id);
  }
  return found;
}
