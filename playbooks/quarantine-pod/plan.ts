/** From live state to steps: the policy, the pods under it, their nodes closed, and where settings say so the owner at 0. Pure. */
import { z } from 'zod';
import type { Plan, PlanOptions, StepOf, Target } from '../../core/journal/playbook.ts';
import { QUARANTINE } from '../common/kubernetes/network.ts';
import type { PodState, WorkloadState } from '../common/kubernetes/pod.ts';
import { roleResidual } from '../common/kubernetes/pod-roles.ts';
import { takenFrom, type WorkloadFacts } from '../common/kubernetes/pod-target.ts';
import { protectedBy } from '../common/protected.ts';
import type { KINDS } from './steps.ts';

export const podSettings = z.object({
  /** Takes all labels off the pods: Services stop sending, policies stop allowing, their owner starts others instead. */
  detach: z.boolean().default(false),
  /** Scales their Deployment to 0. The pods of the finding are detached first, since they would end with it. */
  scaleIn: z.boolean().default(false),
  /** Closes their nodes to new pods. */
  cordon: z.boolean().default(true),
});

type Step = StepOf<typeof KINDS>;

export function planQuarantine(
  live: WorkloadState,
  target: Target<WorkloadFacts>,
  options: PlanOptions,
): Plan<Step> {
  const { cluster, namespace, name, kind } = target.facts;
  const [clusterArn = ''] = target.display.split(' ');
  const names = [
    target.display,
    clusterArn,
    cluster,
    `${namespace}/${name}`,
    `${namespace}/${live.deployment?.name}`,
  ];
  const pattern = protectedBy(names, options.protectedArns);
  if (pattern !== undefined) {
    return {
      kind: 'refused',
      reason: `${namespace}/${name} is protected by policy.yml (protected: ${pattern})`,
      alternative: 'Ask the owner of the workload.',
    };
  }
  const parsed = podSettings.safeParse(options.settings);
  const settings = parsed.data ?? podSettings.parse({});
  const scaleIn = settings.scaleIn && live.deployment !== null;
  const chosen = { ...settings, scaleIn, detach: settings.detach || scaleIn };
  const reachable = live.pods.filter(({ hostNetwork }) => !hostNetwork);
  if (reachable.length === 0) return onTheNode(live, `${namespace}/${name}`);
  return {
    kind: 'plan',
    steps: stepsFor(live, reachable, target, options.caseId, chosen),
    blastRadius: {
      count: scaleIn ? Math.max(live.pods.length, live.deployment?.replicas ?? 0) : reachable.length,
      unit: 'pods',
      detail: reachable.map((pod) => `${pod.name} on ${pod.node ?? 'no node yet'}: ${pod.images.join(', ')}`),
    },
    warnings: warningsFor(live, chosen),
    residual: [
      ...residualFor(live, reachable, chosen),
      ...(kind === 'cronjobs'
        ? [`CronJob ${name} starts other pods from the same image when its time comes: suspend it`]
        : []),
    ],
    askBecause: [
      ...(parsed.success
        ? []
        : [`settings of quarantine-pod in policy.yml are not understood: ${z.prettifyError(parsed.error)}`]),
      ...(scaleIn ? [`Deployment ${live.deployment?.name} is stopped altogether`] : []),
      ...(namespace === 'kube-system'
        ? ['a component of the cluster itself may stop working (kube-system)']
        : []),
    ],
    tags: live.tags,
    arns: [clusterArn],
    followUps: [
      ...(escapees(live).length > 0 ? ['isolate-instance'] : []),
      ...(live.roles.length + live.doubtfulRoles.length > 0 ? ['revoke-pod-role'] : []),
    ],
  };
}

type Settings = z.infer<typeof podSettings>;

/** A pod in its node's network has no interface of its own that a policy could close. */
function onTheNode({ nodes }: WorkloadState, name: string): Plan<never> {
  const where = nodes.map(nodeTold).join(', ') || 'its node';
  return {
    kind: 'refused',
    reason: `${name} runs in the network of its node (hostNetwork), which no network policy reaches`,
    alternative: `Treat ${where} as lost: isolate the instance (a person is asked about it) and revoke the sessions of its role.`,
    followUps: ['isolate-instance'],
  };
}

const nodeTold = ({ name, instanceId }: WorkloadState['nodes'][number]): string =>
  instanceId === null ? name : `${name} (${instanceId})`;

/** EKS gives every Fargate pod a node of its own. */
const isFargate = (node: string): boolean => node.startsWith('fargate-');

function stepsFor(
  { nodes, deployment }: WorkloadState,
  pods: readonly PodState[],
  target: Target<WorkloadFacts>,
  caseId: string,
  { detach, scaleIn, cordon }: Settings,
): readonly Step[] {
  const { facts } = target;
  const { cluster, namespace } = facts;
  const labels = pods.map(
    (pod): Step => ({
      id: `quarantine:${pod.name}`,
      kind: 'quarantine',
      role: 'contain',
      describe: detach
        ? `Take pod ${pod.name} out of ${pod.owner ?? 'its labels'} and into quarantine`
        : `Put pod ${pod.name} into quarantine (label ${QUARANTINE})`,
      args: { cluster, namespace, name: pod.name, uid: pod.uid, caseId, detach, from: takenFrom(facts) },
      before: detach ? pod.labels : {},
      after: { [QUARANTINE]: caseId },
      needs: ['network-policy'],
      together: 'pods',
    }),
  );
  return [
    {
      id: 'network-policy',
      kind: 'network-policy',
      role: 'prepare',
      describe: `Make NetworkPolicy ${namespace}/firebreak-${caseId}: nothing in, nothing out`,
      args: { cluster, namespace, name: `firebreak-${caseId}`, caseId },
      before: null,
      after: 'denies all',
    },
    ...labels,
    ...nodes
      .filter(({ name }) => cordon && !isFargate(name))
      .map(
        (node): Step => ({
          id: `cordon:${node.name}`,
          kind: 'cordon',
          role: 'prepare',
          describe: `Cordon node ${nodeTold(node)}: no new pods there`,
          args: { cluster, node: node.name, caseId },
          before: node.unschedulable ? 'unschedulable' : 'schedulable',
          after: 'unschedulable',
          together: 'nodes',
        }),
      ),
    ...(scaleIn && deployment
      ? [
          {
            id: 'scale',
            kind: 'scale',
            role: 'contain',
            describe: `Scale Deployment ${deployment.name} to 0`,
            args: { cluster, namespace, name: deployment.name },
            before: deployment.replicas,
            after: 0,
            // Pods that are still the Deployment's own would end, and with them the evidence.
            needs: labels.map(({ id }) => id),
          } satisfies Step,
        ]
      : []),
  ];
}

const escapees = ({ pods }: WorkloadState): readonly PodState[] =>
  pods.filter(({ escapes }) => escapes.length > 0);

function warningsFor(
  { pods, nodes, deployment, doubtfulRoles }: WorkloadState,
  { detach, scaleIn, cordon }: Settings,
): string[] {
  const owners = [...new Set(pods.flatMap(({ owner }) => (owner === null ? [] : [owner])))].join(', ');
  return [
    ...doubtfulRoles,
    'the pod is not deleted: its memory, processes and files stay for the investigation',
    'a network policy never cuts traffic between a pod and its own node',
    ...(owners === ''
      ? []
      : detach
        ? []
        : [`${owners} counts it as its own and starts no other: its service has one pod less that answers`]),
    ...(detach && owners !== '' ? [`undo gives ${owners} a pod too many, and it may end this one`] : []),
    ...(cordon && nodes.length > 0
      ? [`no new pod starts on ${nodes.map(nodeTold).join(', ')} until undo`]
      : []),
    ...(scaleIn && deployment
      ? [`an autoscaler of Deployment ${deployment.name} rests while it is at 0`]
      : []),
  ];
}

function residualFor(
  { pods, nodes, enforcement, roles }: WorkloadState,
  reachable: readonly PodState[],
  { detach, scaleIn }: Settings,
): string[] {
  const owners = [...new Set(reachable.flatMap(({ owner }) => (owner === null ? [] : [owner])))];
  const escaping = pods.filter(({ escapes }) => escapes.length > 0);
  return [
    ...(enforcement === null
      ? [
          'nothing in the cluster is seen to enforce network policies, so the traffic of the pod may go on: turn them on in the VPC CNI add-on, or isolate the node',
        ]
      : []),
    ...(enforcement !== null && enforcement.by !== 'Amazon VPC CNI'
      ? [`policies of ${enforcement.by}'s own kinds are not read: one of them may allow it traffic`]
      : []),
    ...(enforcement?.cutsOpenConnections === false
      ? [`${enforcement.by} may let connections live that are open already`]
      : []),
    ...reachable.flatMap(({ name, allowedBy, allowedAnyway }) =>
      (detach ? allowedAnyway : allowedBy).map(
        (policy) => `NetworkPolicy ${policy} still allows pod ${name} traffic: policies only add up`,
      ),
    ),
    ...pods
      .filter((pod) => !reachable.includes(pod))
      .map(({ name }) => `pod ${name} is in its node's network: not cut`),
    ...reachable
      .filter(({ node }) => node !== null && isFargate(node))
      .map(({ name }) => `pod ${name} runs on Fargate, where network policies are not enforced [M]`),
    ...(detach && !scaleIn ? owners.map((owner) => `${owner} starts another pod from the same image`) : []),
    ...(escaping.length > 0
      ? [
          `${escaping.map(({ name, escapes }) => `${name} can reach its node (${escapes.join(', ')})`).join('; ')}: treat ${nodes.map(nodeTold).join(', ') || 'the node'} as lost, isolate its instance and revoke the sessions of its role`,
        ]
      : []),
    ...roleResidual(roles),
  ];
}
