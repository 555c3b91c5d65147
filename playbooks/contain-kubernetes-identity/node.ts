/** A node of the cluster as caller: its instance is what has to be contained, and its name says which one that is. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import type { Plan, Proof, Target } from '../../core/journal/playbook.ts';
import type { NodeFacts } from '../common/kubernetes/identity-target.ts';
import { instanceOfNodeName } from '../common/kubernetes/node-instance.ts';

export const nodeState = z.object({ instanceId: z.string().nullable() });

export async function readNode(
  { facts: { node } }: Target<NodeFacts>,
  aws: Aws,
): Promise<z.infer<typeof nodeState>> {
  return { instanceId: (await instanceOfNodeName(aws, node)) ?? null };
}

/** Nothing is taken from a node inside the cluster: a node without its rights is a node that is down. */
export function planNode(
  { instanceId }: z.infer<typeof nodeState>,
  { facts: { node, cluster } }: Target<NodeFacts>,
): Plan<never> {
  const found = instanceId !== null;
  return {
    kind: 'refused',
    reason: `the caller is node ${node} of ${cluster}${found ? `, instance ${instanceId}` : ', whose instance was not found'}`,
    alternative: found
      ? `Isolate instance ${instanceId} (a person is asked about it) and revoke the sessions of its role.`
      : 'Find its instance by the private DNS name, isolate it and revoke the sessions of its role.',
    followUps: found ? ['isolate-instance'] : [],
  };
}

/** Never asked: nothing was planned. */
export const proveNode = (): Proof => ({ proven: false, checks: [], residual: [], next: 'final' });
