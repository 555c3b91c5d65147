/** Which EKS cluster an actor or a workload of a sequence belongs to: neither says so itself, the signals do. */
import { parseArn } from '../../core/aws/arn.ts';
import type { Finding } from '../../core/finding/finding.ts';
import { isJsonObject } from '../../core/json.ts';
import { type Sequence, type SequenceResource, withResource } from './sequence.ts';

const clustersIn = ({ resources }: Sequence): readonly SequenceResource[] =>
  resources.filter(({ type }) => type === 'EKS_CLUSTER');

/** Those that signals name together with the workload; otherwise the only one of the sequence. */
export function clustersOfWorkload(sequence: Sequence, uid: string): readonly SequenceResource[] {
  const beside = sequence.signals.filter(({ resources }) => resources.includes(uid));
  return named(
    sequence,
    beside.flatMap(({ resources }) => resources),
  );
}

/** Those that signals name together with the actor; otherwise the only one of the sequence. */
export function clustersOfActor(sequence: Sequence, id: string): readonly SequenceResource[] {
  const own = sequence.signals.filter(({ actors }) => actors.includes(id));
  return named(
    sequence,
    own.flatMap(({ resources }) => resources),
  );
}

function named(sequence: Sequence, uids: readonly string[]): readonly SequenceResource[] {
  const clusters = clustersIn(sequence);
  const found = clusters.filter(({ uid }) => uid !== '' && uids.includes(uid));
  return found.length > 0 ? found : clusters.length === 1 ? clusters : [];
}

/** The ECS cluster of a task whose old ARN does not name it: one that signals name with it, otherwise the only one. */
export function ecsClusterOf({ resources, signals }: Sequence, task: string): { readonly arn?: string } {
  const clusters = resources.filter(({ type }) => type === 'ECS_CLUSTER');
  const together = new Set(signals.flatMap((one) => (one.resources.includes(task) ? one.resources : [])));
  const named = clusters.filter(({ uid }) => together.has(uid));
  const [cluster, ...others] = named.length > 0 ? named : clusters;
  return cluster && others.length === 0 ? { arn: cluster.uid } : {};
}

/** Whether a signal shows the actor at work inside a cluster, and not only in AWS. */
export function worksInKubernetes(sequence: Sequence, id: string): boolean {
  const inside = new Set(
    sequence.resources
      .filter(({ type }) => type === 'EKS_CLUSTER' || type === 'KUBERNETES_WORKLOAD')
      .map(({ uid }) => uid),
  );
  return sequence.signals.some(
    ({ name, actors, resources }) =>
      actors.includes(id) && (name.includes(':Kubernetes/') || resources.some((uid) => inside.has(uid))),
  );
}

/** The finding as if it were about something in this cluster. */
export function inCluster(cluster: SequenceResource, kubernetesDetails: Finding['detail']): Finding {
  const data = cluster.at.value['data'];
  const eks = isJsonObject(data) ? data['eksCluster'] : undefined;
  const given = isJsonObject(eks) && typeof eks['arn'] === 'string' ? eks['arn'] : cluster.uid;
  const name = /^cluster\/([^/]+)$/.exec(parseArn(given)?.resource ?? '')?.[1] ?? cluster.name;
  return withResource(cluster.there, { eksClusterDetails: { name }, kubernetesDetails });
}
