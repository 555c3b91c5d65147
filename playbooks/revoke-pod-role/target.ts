/** The IAM role under a Kubernetes finding: no finding names it, the cluster and EKS know it. */
import type { V1Pod } from '@kubernetes/client-node';
import { z } from 'zod';
import { parseArn } from '../../core/aws/arn.ts';
import type { Aws } from '../../core/aws/client.ts';
import { iamHome } from '../../core/aws/regions.ts';
import { describeError, FirebreakError } from '../../core/errors.ts';
import type { Finding } from '../../core/finding/finding.ts';
import type { TargetChoice } from '../../core/journal/playbook.ts';
import { identityOf } from '../common/kubernetes/identity-target.ts';
import { accountOf, podsOf } from '../common/kubernetes/pod.ts';
import {
  type PodRole,
  podRolesOf,
  podsOfAccount,
  rolesSeen,
  type ServiceAccount,
} from '../common/kubernetes/pod-roles.ts';
import { podOf } from '../common/kubernetes/pod-target.ts';

export const podRoleFacts = z.object({
  roleName: z.string(),
  by: z.enum(['IRSA', 'Pod Identity']),
  cluster: z.string(),
  namespace: z.string(),
  serviceAccount: z.string(),
  /** The pods of the finding; empty: every pod of the service account. */
  podUids: z.array(z.string()),
  findingRegion: z.string(),
  /** Further roles of the same pods, for people. */
  others: z.array(z.string()),
  /** Roles that are named and do not count, for people. */
  doubtful: z.array(z.string()).default([]),
});
export type PodRoleFacts = z.infer<typeof podRoleFacts>;

const no = (reason: string): TargetChoice<never> => ({ ok: false, reason });

interface Holder extends ServiceAccount {
  readonly pods: readonly V1Pod[];
  readonly podUids: readonly string[];
}

export async function locatePodRole(finding: Finding, aws: Aws): Promise<TargetChoice<PodRoleFacts>> {
  try {
    const holder = await holderOf(finding, aws);
    if (typeof holder === 'string') return no(holder);
    const { pods, podUids, ...account } = holder;
    const [seen, named] = await Promise.all([
      rolesSeen(aws, account, new Date(finding.updatedAt)),
      podRolesOf(aws, account, pods),
    ]);
    const doubtful = [...seen.doubtful, ...named.doubtful];
    const [role, ...others] = inOrder([...seen.roles, ...named.roles], finding);
    if (!role) {
      const why = [
        `${account.namespace}/${account.serviceAccount} has no IAM role in this account`,
        ...doubtful,
      ];
      return no(why.join('; '));
    }
    const scope = iamHome(finding);
    const roleName = parseArn(role.arn)?.resource.split('/').at(-1) ?? '';
    const facts: PodRoleFacts = {
      roleName,
      by: role.by,
      ...account,
      podUids: [...podUids],
      findingRegion: finding.region,
      others: others.map((other) => other.arn),
      doubtful,
    };
    return {
      ok: true,
      target: {
        ...scope,
        kind: 'pod-role',
        id: [roleName, account.cluster, account.namespace, account.serviceAccount, ...podUids].join('/'),
        // With its path, as IAM and policy.yml write it.
        display: role.arn,
        facts,
      },
    };
  } catch (error) {
    if (!(error instanceof FirebreakError)) throw error;
    return no(`the role is not known: ${describeError(error)}`);
  }
}

/** Roles of the finding's account, each once: what the finding names first, then what CloudTrail saw, then what is named. */
function inOrder(roles: readonly PodRole[], { account, accessKey }: Finding): readonly PodRole[] {
  const own = roles.filter(
    ({ arn }, index) =>
      parseArn(arn)?.account === account && roles.findIndex((other) => other.arn === arn) === index,
  );
  const inFinding = ({ arn }: PodRole) =>
    accessKey?.userType === 'AssumedRole' && arn.split('/').at(-1) === accessKey.userName;
  return [...own.filter(inFinding), ...own.filter((role) => !inFinding(role))];
}

/** Who holds the role: the pods of the finding, or the service account that called. A text says why no one does. */
async function holderOf(finding: Finding, aws: Aws): Promise<Holder | string> {
  const identity = identityOf(finding);
  if (identity.ok && identity.target.facts.kind === 'service-account') {
    const { cluster, namespace, serviceAccount } = identity.target.facts;
    const pods = await podsOfAccount(await aws.kubernetes(cluster), identity.target.facts);
    return { cluster, namespace, serviceAccount, pods, podUids: [] };
  }
  const pod = podOf(finding);
  if (!pod.ok) return pod.reason;
  const { facts } = pod.target;
  const pods = await podsOf(await aws.kubernetes(facts.cluster), facts);
  const accounts = [...new Set(pods.map(accountOf))];
  const [serviceAccount] = accounts;
  if (serviceAccount === undefined || accounts.length > 1)
    return `its pods have ${accounts.length} service accounts`;
  const podUids = pods.map(({ metadata }) => metadata?.uid ?? '').sort();
  return { cluster: facts.cluster, namespace: facts.namespace, serviceAccount, pods, podUids };
}
