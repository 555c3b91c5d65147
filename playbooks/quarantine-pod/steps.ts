/** The step kinds: the empty network policy, the label that puts a pod under it, the node closed to new pods, the scale. */
import type { V1NetworkPolicy } from '@kubernetes/client-node';
import { z } from 'zod';
import { isFirebreakError } from '../../core/errors.ts';
import type { StepContext } from '../../core/journal/playbook.ts';
import { type Json, sameJson, toJson } from '../../core/json.ts';
import {
  changedMeanwhile,
  isNamespace,
  isObjectName,
  orAbsent,
  withVersion,
} from '../common/kubernetes/kubernetes.ts';
import { QUARANTINE, TAKEN_FROM } from '../common/kubernetes/network.ts';
import { podsOf } from '../common/kubernetes/pod.ts';
import { takenFrom, workloadFacts } from '../common/kubernetes/pod-target.ts';
import { anyJson, damaged, stepKind } from '../common/step-kind.ts';

const inNamespace = z.object({
  cluster: z.string(),
  namespace: z.string().refine(isNamespace),
  name: z.string().refine(isObjectName),
});
/** Kubernetes takes no undefined members in a patch: null removes one. */
type Patch = { [key: string]: Json };

const version = (metadata: { resourceVersion?: string } | undefined): Patch => ({
  resourceVersion: metadata?.resourceVersion ?? null,
});

/** Why the step is about another workload than the incident's. */
function another(
  {
    cluster,
    namespace,
    caseId,
  }: { readonly cluster: string; readonly namespace: string; readonly caseId?: string },
  context: StepContext,
): string | undefined {
  const facts = workloadFacts.parse(context.target.facts);
  if (cluster !== facts.cluster || namespace !== facts.namespace)
    return `the workload is in ${facts.cluster}/${facts.namespace}, not in ${cluster}/${namespace}`;
  return caseId === undefined || caseId === context.caseId
    ? undefined
    : `the case is ${context.caseId}, not ${caseId}`;
}

const policyArgs = inNamespace.extend({ caseId: z.string() });
/** Selects the case's pods and allows nothing, in or out. */
const specFor = (caseId: string) => ({
  podSelector: { matchLabels: { [QUARANTINE]: caseId } },
  policyTypes: ['Ingress', 'Egress'],
});

const networkPolicy = stepKind(policyArgs, {
  value: anyJson,
  foreign: (args, context) =>
    another(args, context) ??
    (args.name === `firebreak-${args.caseId}` ? undefined : `${args.name} is not the policy of the case`),
  async read({ cluster, namespace, name }, { aws }) {
    const { networking } = await aws.kubernetes(cluster);
    const policy = await orAbsent(networking.readNamespacedNetworkPolicy({ namespace, name }));
    return { value: policy ? toJson(policy.spec) : null };
  },
  after: ({ caseId }) => specFor(caseId),
  async apply({ cluster, namespace, name, caseId }, { aws }) {
    const { networking } = await aws.kubernetes(cluster);
    const body: V1NetworkPolicy = {
      metadata: { name, namespace, labels: { 'app.kubernetes.io/managed-by': 'firebreak' } },
      spec: specFor(caseId),
    };
    await networking.createNamespacedNetworkPolicy({ namespace, body });
    return undefined;
  },
  async revert({ cluster, namespace, name }, { aws }, before, after) {
    if (before !== null) return { kept: `NetworkPolicy ${name} was there before` };
    const { networking } = await aws.kubernetes(cluster);
    return withVersion(async () => {
      const live = await orAbsent(networking.readNamespacedNetworkPolicy({ namespace, name }));
      if (!live) return 'absent';
      if (!sameJson(toJson(live.spec), after)) throw changedMeanwhile(`NetworkPolicy ${name}`, cluster);
      const { uid, resourceVersion } = live.metadata ?? {};
      const preconditions = { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) };
      await networking.deleteNamespacedNetworkPolicy({ namespace, name, body: { preconditions } });
      return 'reverted';
    });
  },
});

const labelArgs = inNamespace.extend({
  uid: z.string(),
  caseId: z.string(),
  /** True: all its labels go, so that neither its owner nor a Service nor another policy knows it. */
  detach: z.boolean(),
  /** The workload a detached pod is of, or null. */
  from: z.string().nullable(),
});
type LabelArgs = z.infer<typeof labelArgs>;
const labelsSchema = z.record(z.string(), z.string());

/**
 * A pod of the workload, or one that carries the case by now. A record could name any pod, and with it the labels by which
 * Services and policies would know it.
 */
async function anotherPod(args: LabelArgs, context: StepContext): Promise<string | undefined> {
  const why = another(args, context);
  const facts = workloadFacts.parse(context.target.facts);
  if (why !== undefined) return why;
  if (args.from !== takenFrom(facts)) return `its workload is ${takenFrom(facts)}, not ${args.from}`;
  const cluster = await context.aws.kubernetes(args.cluster);
  const live = await orAbsent(cluster.core.readNamespacedPod({ namespace: args.namespace, name: args.name }));
  if (!live || live.metadata?.uid !== args.uid || live.metadata.labels?.[QUARANTINE] === args.caseId)
    return undefined;
  const own = (await podsOf(cluster, facts)).some(({ metadata }) => metadata?.uid === args.uid);
  return own ? undefined : `pod ${args.name} is not of the workload`;
}

/** The labels that the step is about: all of them, or the quarantine label alone. Null: the pod is gone. */
async function labelsOf(
  { cluster, namespace, name, uid, detach }: LabelArgs,
  { aws }: StepContext,
): Promise<{ readonly value: Json; readonly metadata: Patch }> {
  const { core } = await aws.kubernetes(cluster);
  const pod = await orAbsent(core.readNamespacedPod({ namespace, name }));
  if (!pod || pod.metadata?.uid !== uid) return { value: null, metadata: {} };
  const labels = pod.metadata.labels ?? {};
  const mark = labels[QUARANTINE];
  const value = detach ? { ...labels } : mark === undefined ? {} : { [QUARANTINE]: mark };
  return { value, metadata: version(pod.metadata) };
}

const quarantined = ({ caseId, detach, from }: LabelArgs): Json => ({
  [QUARANTINE]: caseId,
  ...(detach && from !== null ? { [TAKEN_FROM]: from } : {}),
});

/** Sets the labels of the step to `wanted` if they are still `expected`. */
const setLabels = (args: LabelArgs, context: StepContext, expected: Json, wanted: Json): Promise<boolean> =>
  withVersion(async () => {
    const { value, metadata } = await labelsOf(args, context);
    if (value === null) return false;
    if (!sameJson(value, expected)) throw changedMeanwhile(`the labels of pod ${args.name}`, args.cluster);
    const removed = Object.fromEntries(Object.keys(labelsSchema.parse(value)).map((key) => [key, null]));
    const labels = { ...removed, ...labelsSchema.parse(wanted) };
    const { core, mergePatch } = await context.aws.kubernetes(args.cluster);
    const { namespace, name } = args;
    await core.patchNamespacedPod(
      { namespace, name, body: { metadata: { ...metadata, labels } } },
      mergePatch,
    );
    return true;
  });

const quarantineLabel = stepKind(labelArgs, {
  value: labelsSchema.nullable(),
  foreign: anotherPod,
  read: async (args, context) => ({ value: (await labelsOf(args, context)).value }),
  after: (args, _context, before) => (before === null ? null : quarantined(args)),
  async apply(args, context, before) {
    await setLabels(args, context, before, quarantined(args));
    return undefined;
  },
  async revert(args, context, before, after) {
    if (!args.detach && Object.keys(before ?? {}).some((key) => key !== QUARANTINE))
      throw damaged('it says that other labels than its own were changed', args.name);
    const back = await setLabels(args, context, after, before);
    return back ? 'reverted' : { kept: 'the pod is gone' };
  },
  // A pod that ended meanwhile is out of reach for the attacker as well; undo has nothing to restore.
  covers: (live) => live === null,
});

const nodeArgs = z.object({ cluster: z.string(), node: z.string(), caseId: z.string() });
type NodeArgs = z.infer<typeof nodeArgs>;
/**
 * A node is shared by pods of several cases. Each case leaves a mark with what the node was before the first of them, and
 * the last one out restores that.
 */
const MARK = 'firebreak/cordon.';
const cordonSchema = z.object({ marked: z.boolean(), unschedulable: z.boolean() });

async function readNode({ cluster, node: name, caseId }: NodeArgs, { aws }: StepContext) {
  const { core } = await aws.kubernetes(cluster);
  const node = await orAbsent(core.readNode({ name }));
  const annotations = node?.metadata?.annotations ?? {};
  const marks = Object.entries(annotations).filter(([key]) => key.startsWith(MARK));
  const own = annotations[MARK + caseId];
  const unschedulable = node?.spec?.unschedulable === true;
  const value: Json = node ? { marked: own !== undefined, unschedulable } : null;
  const others = marks.filter(([key]) => key !== MARK + caseId).map(([, was]) => was);
  return { value, own, others, unschedulable, metadata: version(node?.metadata) };
}

const patchNode = async (
  { cluster, node: name }: NodeArgs,
  { aws }: StepContext,
  body: Patch,
): Promise<void> => {
  const { core, mergePatch } = await aws.kubernetes(cluster);
  await core.patchNode({ name, body }, mergePatch);
};

const cordon = stepKind(nodeArgs, {
  value: cordonSchema.nullable(),
  async foreign({ cluster, node, caseId }, context) {
    const facts = workloadFacts.parse(context.target.facts);
    if (cluster !== facts.cluster || caseId !== context.caseId) return `node ${node} is not of this case`;
    const { own } = await readNode({ cluster, node, caseId }, context);
    if (own !== undefined) return undefined;
    const pods = await podsOf(await context.aws.kubernetes(cluster), facts);
    return pods.some(({ spec }) => spec?.nodeName === node)
      ? undefined
      : `no pod of the workload is on ${node}`;
  },
  read: async (args, context) => ({ value: (await readNode(args, context)).value }),
  after: (_args, _context, before) => (before === null ? null : { marked: true, unschedulable: true }),
  worse({ node }, _context, { live, before, contained }) {
    return !contained && live?.marked === true && before?.unschedulable === false
      ? `node ${node} takes no new pods and the workload is not in quarantine`
      : undefined;
  },
  async apply(args, context) {
    await withVersion(async () => {
      const { others, unschedulable, metadata } = await readNode(args, context);
      const was = others[0] ?? (unschedulable ? 'unschedulable' : 'schedulable');
      const annotations = { [MARK + args.caseId]: was };
      await patchNode(args, context, {
        metadata: { ...metadata, annotations },
        spec: { unschedulable: true },
      });
    });
    return undefined;
  },
  async revert(args, context) {
    return withVersion(async () => {
      const { value, own, others, metadata } = await readNode(args, context);
      if (value === null) return { kept: 'the node is gone' };
      const last = others.length === 0;
      await patchNode(args, context, {
        metadata: { ...metadata, annotations: { [MARK + args.caseId]: null } },
        // `false` is what the server leaves out: null takes the field away, as it was.
        ...(last && own !== 'unschedulable' ? { spec: { unschedulable: null } } : {}),
      });
      return 'reverted' as const;
    });
  },
  // Without our mark the node is as it was for us, no matter who closed it.
  same(one, other) {
    if (!one || !other) return one === other;
    return !one.marked && !other.marked ? true : sameJson(one, other);
  },
  covers: (live) => live === null,
});

/** How many pods the Deployment wants, by its scale: the right to the whole object is not needed. */
const scale = stepKind(inNamespace, {
  value: z.int().nonnegative().nullable(),
  // Pods and ReplicaSets carry the name of their Deployment before their own.
  foreign(args, context) {
    const { name } = workloadFacts.parse(context.target.facts);
    const own = name === args.name || name.startsWith(`${args.name}-`);
    return another(args, context) ?? (own ? undefined : `Deployment ${args.name} is not that of ${name}`);
  },
  async read({ cluster, namespace, name }, { aws }) {
    const { apps } = await aws.kubernetes(cluster);
    const found = await orAbsent(apps.readNamespacedDeploymentScale({ namespace, name }));
    return { value: found ? (found.spec?.replicas ?? 0) : null };
  },
  after: (_args, _context, before) => (before === null ? null : 0),
  async apply(args, context, before) {
    await setScale(args, context, before, 0);
    return undefined;
  },
  async revert(args, context, before, after) {
    try {
      await setScale(args, context, after, before);
      return 'reverted';
    } catch (error) {
      if (!isFirebreakError(error, 'ResourceNotFound')) throw error;
      return { kept: `Deployment ${args.name} is gone` };
    }
  },
});

const setScale = (
  { cluster, namespace, name }: z.infer<typeof inNamespace>,
  { aws }: StepContext,
  expected: Json,
  replicas: Json,
): Promise<void> =>
  withVersion(async () => {
    const { apps, mergePatch } = await aws.kubernetes(cluster);
    const live = await apps.readNamespacedDeploymentScale({ namespace, name });
    if ((live.spec?.replicas ?? 0) !== expected)
      throw changedMeanwhile(`the scale of Deployment ${name}`, cluster);
    const body = { metadata: version(live.metadata), spec: { replicas } };
    await apps.patchNamespacedDeploymentScale({ namespace, name, body }, mergePatch);
  });

export const KINDS = { 'network-policy': networkPolicy, quarantine: quarantineLabel, cordon, scale };
