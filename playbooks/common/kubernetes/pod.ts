/** Live state of a workload's pods: what they are, where they run, who starts them again, and what the network does. */
import type { V1LabelSelector, V1Pod } from '@kubernetes/client-node';
import { z } from 'zod';
import type { Aws } from '../../../core/aws/client.ts';
import type { Kubernetes } from '../../../core/aws/kubernetes.ts';
import { FirebreakError } from '../../../core/errors.ts';
import type { Target } from '../../../core/journal/playbook.ts';
import { clusterTags } from './identity.ts';
import { listAll, orAbsent } from './kubernetes.ts';
import { allowances, enforcementOf, QUARANTINE, TAKEN_FROM } from './network.ts';
import { instanceOfProvider } from './node-instance.ts';
import { podRolesOf } from './pod-roles.ts';
import { takenFrom, type WorkloadFacts } from './pod-target.ts';

const podSchema = z.object({
  name: z.string(),
  uid: z.string(),
  labels: z.record(z.string(), z.string()),
  phase: z.string(),
  node: z.string().nullable(),
  images: z.array(z.string()),
  serviceAccount: z.string(),
  /** `ReplicaSet cart-5d9c`: who makes another one. */
  owner: z.string().nullable(),
  hostNetwork: z.boolean(),
  /** Ways out of the container to the node, in the words of the pod's spec. */
  escapes: z.array(z.string()),
  /** Other network policies that allow it something, with the labels it has now. */
  allowedBy: z.array(z.string()),
  /** Those that would still do so without its labels: they select every pod of the namespace. */
  allowedAnyway: z.array(z.string()),
});
export type PodState = z.infer<typeof podSchema>;

export const workloadState = z.object({
  pods: z.array(podSchema),
  nodes: z.array(
    z.object({ name: z.string(), unschedulable: z.boolean(), instanceId: z.string().nullable() }),
  ),
  deployment: z.object({ name: z.string(), replicas: z.number() }).nullable(),
  enforcement: z
    .object({ by: z.enum(['Amazon VPC CNI', 'Calico', 'Cilium']), cutsOpenConnections: z.boolean() })
    .nullable(),
  roles: z.array(z.object({ by: z.enum(['IRSA', 'Pod Identity']), arn: z.string() })),
  doubtfulRoles: z.array(z.string()).default([]),
  tags: z.record(z.string(), z.string()),
});
export type WorkloadState = z.infer<typeof workloadState>;

/** Throws ResourceNotFound when the pod, or every pod of the workload, is gone. */
export async function readWorkload(target: Target<WorkloadFacts>, aws: Aws): Promise<WorkloadState> {
  const { facts } = target;
  const cluster = await aws.kubernetes(facts.cluster);
  const { namespace } = facts;
  const [found, policies, daemonSets, tags] = await Promise.all([
    podsOf(cluster, facts),
    listAll((page) => cluster.networking.listNamespacedNetworkPolicy({ namespace, ...page })),
    listAll((page) => cluster.apps.listDaemonSetForAllNamespaces(page)),
    clusterTags(aws, facts.cluster),
  ]);
  if (found.length === 0) throw gone(target, facts);
  const others = policies.filter(
    ({ spec }) => !Object.hasOwn(spec?.podSelector?.matchLabels ?? {}, QUARANTINE),
  );
  const pods = found.map((pod): PodState => {
    const labels = pod.metadata?.labels ?? {};
    return {
      ...podState(pod),
      allowedBy: [...allowances(others, labels)],
      allowedAnyway: [...allowances(others, {})],
    };
  });
  const accounts = [...new Set(pods.map(({ serviceAccount }) => serviceAccount))];
  const nodeNames = [...new Set(pods.flatMap(({ node }) => (node === null ? [] : [node])))];
  const [nodes, deployment, roles] = await Promise.all([
    Promise.all(nodeNames.map((name) => nodeState(cluster, name))),
    deploymentOf(cluster, facts, pods),
    Promise.all(
      accounts.map((serviceAccount) =>
        podRolesOf(
          aws,
          { cluster: facts.cluster, namespace, serviceAccount },
          found.filter((pod) => accountOf(pod) === serviceAccount),
        ),
      ),
    ),
  ]);
  return {
    pods,
    nodes: nodes.flatMap((node) => (node ? [node] : [])),
    deployment,
    enforcement: enforcementOf(daemonSets) ?? null,
    roles: roles.flatMap((each) => each.roles).map((role) => ({ ...role })),
    doubtfulRoles: roles.flatMap(({ doubtful }) => doubtful),
    tags,
  };
}

const gone = (target: Target<WorkloadFacts>, { kind }: WorkloadFacts): FirebreakError =>
  new FirebreakError(
    'ResourceNotFound',
    kind === 'pods' ? 'the pod does not exist any more' : 'the workload has no pods',
    {
      resource: target.display,
      next: 'Look at what its owner runs now and at the node it ran on; its role and service account may be in other hands.',
    },
  );

/** Live pods of the workload; what has ended runs nothing any more. */
export async function podsOf(cluster: Kubernetes, facts: WorkloadFacts): Promise<readonly V1Pod[]> {
  const { namespace, kind, name, uid } = facts;
  if (kind === 'pods') {
    const pod = await orAbsent(cluster.core.readNamespacedPod({ namespace, name }));
    // A StatefulSet re-creates pods under the same name: that one is not the one of the finding.
    return pod && (uid === null || pod.metadata?.uid === uid) ? [pod] : [];
  }
  const list = (selector: Readonly<Record<string, string>>) => {
    const labelSelector = Object.entries(selector)
      .map(([key, value]) => `${key}=${value}`)
      .join(',');
    return listAll((page) => cluster.core.listNamespacedPod({ namespace, labelSelector, ...page }));
  };
  const owner = ownerOf(facts);
  const selector = owner ? {} : await selectorOf(cluster, facts);
  const [all, detached] = await Promise.all([
    selector === undefined ? [] : list(selector),
    list({ [TAKEN_FROM]: takenFrom(facts) ?? '' }),
  ]);
  const own = owner
    ? all.filter(
        ({ metadata }) =>
          metadata?.labels?.[TAKEN_FROM] === undefined && ownedBy(metadata, owner) !== undefined,
      )
    : all;
  const pods = [...own, ...detached].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  return pods.filter(({ status }) => status?.phase !== 'Succeeded' && status?.phase !== 'Failed');
}

interface Owner {
  readonly kind: string;
  readonly name: RegExp;
}

/**
 * Whom pods name as their controller where that is read from them, so that no right to read the owner is needed. A
 * CronJob's pods are owned by its Jobs, which it names `NAME-MINUTES`: their scheduled time in minutes since 1970
 * (Kubernetes, "CronJob"; at least eight digits since 1985).
 */
function ownerOf({ kind, name }: WorkloadFacts): Owner | undefined {
  const exact = name.replace(/[.-]/g, '\\$&');
  if (kind === 'cronjobs') return { kind: 'Job', name: new RegExp(`^${exact}-\\d{8,}$`) };
  if (kind === 'replicationcontrollers')
    return { kind: 'ReplicationController', name: new RegExp(`^${exact}$`) };
  return undefined;
}

const ownedBy = (metadata: V1Pod['metadata'], { kind, name }: Owner) =>
  metadata?.ownerReferences?.find(
    (one) => one.controller === true && one.kind === kind && name.test(one.name),
  );

/** A selector by labels alone; one with expressions is not turned into a query, and such a workload has no pods here. */
async function selectorOf(
  { apps }: Kubernetes,
  { kind, namespace, name }: WorkloadFacts,
): Promise<Readonly<Record<string, string>> | undefined> {
  const labels = (workload: { spec?: { selector?: V1LabelSelector } } | undefined) => {
    const { matchLabels = {}, matchExpressions = [] } = workload?.spec?.selector ?? {};
    return matchExpressions.length === 0 && Object.keys(matchLabels).length > 0 ? matchLabels : undefined;
  };
  switch (kind) {
    case 'deployments':
      return labels(await orAbsent(apps.readNamespacedDeployment({ namespace, name })));
    case 'replicasets':
      return labels(await orAbsent(apps.readNamespacedReplicaSet({ namespace, name })));
    case 'daemonsets':
      return labels(await orAbsent(apps.readNamespacedDaemonSet({ namespace, name })));
    case 'statefulsets':
      return labels(await orAbsent(apps.readNamespacedStatefulSet({ namespace, name })));
    case 'jobs':
      return { 'job-name': name };
    case 'cronjobs':
    case 'replicationcontrollers':
    case 'pods':
      return undefined;
  }
}

const nameOf = ({ metadata }: V1Pod): string => metadata?.name ?? '';
export const accountOf = ({ spec }: V1Pod): string => spec?.serviceAccountName ?? 'default';

function podState({ metadata, spec, status }: V1Pod): Omit<PodState, 'allowedBy' | 'allowedAnyway'> {
  const owner = metadata?.ownerReferences?.find(({ controller }) => controller === true);
  return {
    name: metadata?.name ?? '',
    uid: metadata?.uid ?? '',
    labels: { ...metadata?.labels },
    phase: status?.phase ?? 'Unknown',
    node: spec?.nodeName ?? null,
    images: (status?.containerStatuses ?? []).map(({ image, imageID }) => `${image} ${imageID}`.trim()),
    serviceAccount: spec?.serviceAccountName ?? 'default',
    owner: owner ? `${owner.kind} ${owner.name}` : null,
    hostNetwork: spec?.hostNetwork === true,
    escapes: escapesOf(spec),
  };
}

/** Capabilities that amount to the node: mounting, modules, tracing, raw devices. */
const CAPABILITIES = new Set([
  'ALL',
  'SYS_ADMIN',
  'SYS_MODULE',
  'SYS_PTRACE',
  'SYS_RAWIO',
  'DAC_READ_SEARCH',
  'BPF',
]);

function escapesOf(spec: V1Pod['spec']): string[] {
  const containers = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])];
  return [
    ...(spec?.hostNetwork ? ['hostNetwork'] : []),
    ...(spec?.hostPID ? ['hostPID'] : []),
    ...(spec?.hostIPC ? ['hostIPC'] : []),
    ...(spec?.volumes ?? []).flatMap(({ hostPath }) => (hostPath ? [`hostPath ${hostPath.path}`] : [])),
    ...containers.flatMap(({ name, securityContext }) => [
      ...(securityContext?.privileged ? [`privileged container ${name}`] : []),
      ...(securityContext?.capabilities?.add ?? [])
        .filter((capability) => CAPABILITIES.has(capability.replace(/^CAP_/, '')))
        .map((capability) => `${capability} in container ${name}`),
    ]),
  ];
}

async function nodeState(
  { core }: Kubernetes,
  name: string,
): Promise<WorkloadState['nodes'][number] | undefined> {
  const node = await orAbsent(core.readNode({ name }));
  if (!node) return undefined;
  return {
    name,
    unschedulable: node.spec?.unschedulable === true,
    instanceId: instanceOfProvider(node.spec?.providerID) ?? null,
  };
}

/** The Deployment behind the pods: its own name, or that of the ReplicaSet's owner. */
async function deploymentOf(
  { apps }: Kubernetes,
  { kind, namespace, name }: WorkloadFacts,
  pods: readonly PodState[],
): Promise<WorkloadState['deployment']> {
  const set =
    kind === 'replicasets' ? name : (/^ReplicaSet (.+)$/.exec(pods[0]?.owner ?? '')?.[1] ?? undefined);
  const owner =
    kind === 'deployments' || set === undefined
      ? undefined
      : (
          await orAbsent(apps.readNamespacedReplicaSet({ namespace, name: set }))
        )?.metadata?.ownerReferences?.find((one) => one.kind === 'Deployment');
  const deployment = kind === 'deployments' ? name : owner?.name;
  if (deployment === undefined) return null;
  const scale = await orAbsent(apps.readNamespacedDeploymentScale({ namespace, name: deployment }));
  return scale ? { name: deployment, replicas: scale.spec?.replicas ?? 0 } : null;
}
