/** A pod does what it should not: cut it off from the network and leave it running for the investigation. */
import { definePlaybook } from '../../core/journal/playbook.ts';
import {
  READ_CLUSTER,
  READ_POD_ROLES,
  READ_ROLE_TRUST,
} from '../common/kubernetes/kubernetes-permissions.ts';
import { podsOf, readWorkload, workloadState } from '../common/kubernetes/pod.ts';
import { podOf, workloadFacts } from '../common/kubernetes/pod-target.ts';
import { podDocument } from './evidence.ts';
import { planQuarantine, podSettings } from './plan.ts';
import { KINDS } from './steps.ts';
import { proveQuarantine } from './verify.ts';

export const quarantinePod = definePlaybook({
  id: 'quarantine-pod',
  title: 'Quarantine a pod of an EKS cluster',
  about: `
1. A NetworkPolicy \`firebreak-<incident>\` in the pod's namespace allows nothing, in or out, to pods labelled
   \`firebreak/quarantine=<incident>\`.
2. The pod gets that label. With \`playbooks.quarantine-pod.detach: true\` all its other labels go, so that Services stop sending
   to it and its ReplicaSet starts another one; without it the ReplicaSet counts it as its own and starts none.
3. Its node is cordoned (\`spec.unschedulable\`), unless \`cordon: false\`. A node with several pods in quarantine is opened again by
   the last undo.
4. With \`scaleIn: true\`, which always asks, its Deployment is scaled to 0. The pod is detached before, so that it stays.

The pod is **never deleted**: its memory, processes and files are the evidence. Its specification is kept before, without values
of environment variables. A finding about a Deployment or another owner of pods is answered for all its pods; those of a
CronJob or ReplicationController are the ones that name it (or one of its Jobs) as their controller. A CronJob goes on starting
others: suspend it.

**Network policies only add up.** Another policy that selects the pod and allows something goes on allowing it; the plan finds
those and names them. And they count only where the network plugin enforces them: the plan looks for Amazon VPC CNI with network
policies switched on, Calico or Cilium; where it sees none, that is a remaining risk, and so are policies of Calico's and Cilium's own
kinds, which are not read. Traffic between a pod and its own node is
never cut. That VPC CNI and Cilium cut connections which are open already, and Calico does not, is unproven [M-LAB].

**A pod that can reach its node** (privileged, hostPath, hostPID, hostIPC, strong capabilities) means that the node is lost: a
person is asked about \`isolate-instance\` for the node's instance. A pod in its node's network (hostNetwork) is **refused**: no
policy reaches it, so the node is asked about at once. Credentials of its IAM role (IRSA, Pod
Identity) outlive it: a person is asked about \`revoke-pod-role\`.

**Needs access to the cluster**: see [Kubernetes](../kubernetes.md). Without it a person is paged with what is missing.

**Undo** takes the label away or gives all labels back, opens the node, restores the scale, deletes the policy.
`.trim(),
  // Of the audit log only what is about the workload itself: elsewhere the workload is what was looked at or changed.
  handles: [
    '*:Runtime/*',
    'Execution:Container/*',
    'Execution:Kubernetes/*',
    'Persistence:Kubernetes/*Container*',
    'PrivilegeEscalation:Kubernetes/*Container*',
  ],
  settings: podSettings.strict(),
  reversible: { kind: 'fully' },
  permissions: { read: [READ_CLUSTER, READ_POD_ROLES, READ_ROLE_TRUST], write: [] },
  proofDelaySeconds: 5,
  facts: workloadFacts,
  state: workloadState,
  targetOf: podOf,
  read: readWorkload,
  plan: planQuarantine,
  kinds: KINDS,
  verify: proveQuarantine,
  async evidence({ facts }, aws) {
    const pods = await podsOf(await aws.kubernetes(facts.cluster), facts);
    return Object.fromEntries(pods.map((pod) => [`pod-${pod.metadata?.name}`, podDocument(pod)]));
  },
});
