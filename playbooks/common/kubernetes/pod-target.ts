/** Which workload of which cluster: from the finding alone, by what it carries and not by its type. */
import { z } from 'zod';
import { arn } from '../../../core/aws/arn.ts';
import type { Finding } from '../../../core/finding/finding.ts';
import type { TargetChoice } from '../../../core/journal/playbook.ts';
import { hashJson } from '../../../core/json.ts';
import { detailsOf } from '../details.ts';
import { clusterOf, isNamespace, isObjectName } from './kubernetes.ts';

/** Workloads whose pods can be found. */
const workloadKind = z.enum([
  'pods',
  'deployments',
  'replicasets',
  'daemonsets',
  'statefulsets',
  'jobs',
  'cronjobs',
  'replicationcontrollers',
]);

export const workloadFacts = z.object({
  cluster: z.string(),
  namespace: z.string(),
  kind: workloadKind,
  name: z.string(),
  /** Of the workload as GuardDuty saw it: a pod re-created under the same name has another one. */
  uid: z.string().nullable(),
});
export type WorkloadFacts = z.infer<typeof workloadFacts>;

const no = (reason: string): TargetChoice<never> => ({ ok: false, reason });

export function podOf(finding: Finding): TargetChoice<WorkloadFacts> {
  const cluster = clusterOf(finding);
  const workload = detailsOf(finding, 'kubernetesDetails')?.child('kubernetesWorkloadDetails');
  if (/:Kubernetes\/(AnomalousBehavior\.)?ExecIn/.test(finding.type))
    return no('the finding is about who entered it, not about the pod');
  if (cluster === undefined || !workload) return no('the finding carries no workload of an EKS cluster');
  if (typeof cluster !== 'string') return cluster;
  const name = workload.optionalText('name') ?? '';
  const namespace = workload.optionalText('namespace') ?? '';
  const type = workload.optionalText('type') ?? '';
  if (!isObjectName(name) || !isNamespace(namespace))
    return no('the finding does not name a pod that can exist');
  // GuardDuty writes the type as `pods`, `Pod` or `PODS`.
  const { data: kind } = workloadKind.safeParse(`${type.toLowerCase().replace(/s$/, '')}s`);
  if (kind === undefined) {
    const what = `${JSON.stringify(type.slice(0, 40))} ${namespace}/${name}`;
    return {
      ok: false,
      reason: `the pods of the ${what} are not looked for: find them with kubectl, and quarantine them by hand`,
      named: 'resource',
    };
  }
  const facts: WorkloadFacts = { cluster, namespace, kind, name, uid: workload.optionalText('uid') ?? null };
  const { partition, account, region } = finding;
  const scope = { partition, account, region };
  const label = kind === 'pods' ? 'pod' : kind.slice(0, -1);
  return {
    ok: true,
    target: {
      ...scope,
      kind: kind === 'pods' ? 'eks-pod' : 'eks-workload',
      id: `${cluster}/${namespace}/${kind === 'pods' ? '' : `${kind}/`}${name}`,
      display: `${arn(scope, 'eks', `cluster/${cluster}`)} ${label} ${namespace}/${name}`,
      facts,
    },
  };
}

/** The workload as the value of a label: at most 63 characters; null for a pod, which is found by its name. */
export function takenFrom({ kind, name }: WorkloadFacts): string | null {
  if (kind === 'pods') return null;
  const text = `${kind}.${name}`;
  return text.length <= 63 ? text : `${kind}.${hashJson(name).slice(0, 40)}`;
}
