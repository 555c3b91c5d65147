/** A node of the cluster as caller: its instance is what has to be contained, and its name says which one that is. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import type { Plan, Proof, Target } from '../../core/journal/playbook.ts';
import type { JsonObject } from '../../core/json.ts';
import { factsOf, type NodeFacts } from '../common/kubernetes/identity-target.ts';
import { instanceOfNodeName } from '../common/kubernetes/node-instance.ts';

const nodeState = z.object({ instanceId: z.string().nullable() });

export async function readNode(target: Target, aws: Aws): Promise<JsonObject> {
  const { node } = factsOf(target) as NodeFacts;
  return { instanceId: (await instanceOfNodeName(aws, node)) ?? null };
}

/** Nothing is taken from a node inside the cluster: a node without its rights is a node that is down. */
export function planNode(given: JsonObject, target: Target): Plan {
  const { instanceId } = nodeState.parse(given);
  const { node, cluster } = factsOf(target) as NodeFacts;
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
