/** The instance under a Kubernetes finding that carries none: the caller that is a node, or the node of the pod. */
import type { Aws } from '../../core/aws/client.ts';
import { describeError, FirebreakError } from '../../core/errors.ts';
import type { Finding } from '../../core/finding/finding.ts';
import { identityOf } from '../common/kubernetes/identity-target.ts';
import { orAbsent } from '../common/kubernetes/kubernetes.ts';
import { instanceOfNodeName, instanceOfProvider } from '../common/kubernetes/node-instance.ts';
import { podsOf } from '../common/kubernetes/pod.ts';
import { podOf } from '../common/kubernetes/pod-target.ts';

/** Undefined when the finding is about no node and no pod. */
export async function instanceUnder(
  finding: Finding,
  aws: Aws,
): Promise<{ readonly id: string } | { readonly why: string } | undefined> {
  const identity = identityOf(finding);
  const node = identity.ok && identity.target.facts.kind === 'node' ? identity.target.facts.node : undefined;
  if (node !== undefined) {
    const id = await instanceOfNodeName(aws, node);
    return id === undefined ? { why: `no instance has the name of node ${node}` } : { id };
  }
  const pod = podOf(finding);
  if (!pod.ok) return undefined;
  const { facts } = pod.target;
  try {
    const cluster = await aws.kubernetes(facts.cluster);
    const nodes = new Set((await podsOf(cluster, facts)).flatMap(({ spec }) => spec?.nodeName ?? []));
    const [name] = nodes;
    if (nodes.size !== 1 || name === undefined) return { why: `its pods run on ${nodes.size} nodes` };
    const id = instanceOfProvider((await orAbsent(cluster.core.readNode({ name })))?.spec?.providerID);
    return id === undefined ? { why: `node ${name} is no EC2 instance` } : { id };
  } catch (error) {
    if (!(error instanceof FirebreakError)) throw error;
    return { why: `the node of the pod is not known: ${describeError(error)}` };
  }
}
