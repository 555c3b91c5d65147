/** An identity misuses an EKS cluster: take its access away, by the lever that its kind has. */
import type { Aws } from '../../core/aws/client.ts';
import {
  definePlaybook,
  type Plan,
  type PlanOptions,
  type Proof,
  type StepContext,
  type StepView,
  type Target,
} from '../../core/journal/playbook.ts';
import type { JsonObject } from '../../core/json.ts';
import { readIdentity } from '../common/kubernetes/identity.ts';
import { factsOf, type IdentityFacts, identityOf } from '../common/kubernetes/identity-target.ts';
import { READ_CLUSTER, READ_POD_ROLES } from '../common/kubernetes/kubernetes-permissions.ts';
import { groupsKind, planEntry, policyKind, proveEntry } from './access-entry.ts';
import { bindingKind } from './binding-step.ts';
import { planNode, proveNode, readNode } from './node.ts';
import { planBound } from './rbac-plan.ts';
import { readBound } from './rbac-state.ts';
import { proveBound } from './rbac-verify.ts';

interface Lever {
  read(target: Target, aws: Aws): Promise<JsonObject>;
  plan(state: JsonObject, target: Target, options: PlanOptions): Plan;
  verify(context: StepContext, steps: readonly StepView[]): Promise<Proof> | Proof;
}

const BINDINGS: Lever = { read: readBound, plan: planBound, verify: proveBound };
const LEVERS: Readonly<Record<IdentityFacts['kind'], Lever>> = {
  principal: { read: readIdentity, plan: planEntry, verify: proveEntry },
  'service-account': BINDINGS,
  anonymous: BINDINGS,
  node: { read: readNode, plan: planNode, verify: proveNode },
};
const leverOf = (target: Target): Lever => LEVERS[factsOf(target).kind];

export const containKubernetesIdentity = definePlaybook({
  id: 'contain-kubernetes-identity',
  title: 'Take an identity its access to an EKS cluster',
  about: `
The Kubernetes user name in the finding decides the lever.

| User | Lever |
|---|---|
| an IAM user or role | its access entry: every access policy disassociated, its Kubernetes groups emptied; the entry itself is never deleted |
| \`system:serviceaccount:NAMESPACE:NAME\` | every RoleBinding and ClusterRoleBinding that names it is removed; it is only taken out of bindings that name others too |
| \`system:anonymous\`, and \`Policy:Kubernetes/AnonymousAccessGranted\` | every binding to \`system:anonymous\` or \`system:unauthenticated\`; discovery (\`system:public-info-viewer\`) stays |
| \`system:node:NAME\` | nothing in the cluster; a person is asked about isolating its instance |

Bindings are deleted and written with the version that was read (\`resourceVersion\`), so a change made meanwhile is never lost:
it ends as drift. The proving read lists the bindings again and asks the API server (\`SubjectAccessReview\`) whether the
identity may still do what they granted; what it may through a group stays as remaining risk.

**Needs access to the cluster** for service accounts and anonymous access: see [Kubernetes](../kubernetes.md). Without it
the incident says what is missing and a person is paged.

**Refused**, with what works instead: clusters that know IAM identities by the \`aws-auth\` ConfigMap only, identities without
an access entry, node entries, protected identities and clusters. \`aws-auth\` is not edited: it is one YAML text that every node
depends on as well, it has no check of its own, and one wrong line locks everybody out of the cluster, Firebreak's undo included.

**Not contained**: tokens and credentials that were handed out. A service account's token stays valid, without rights; a person is
asked about the IAM role of its pods (\`revoke-pod-role\`). Pods are quarantined by \`quarantine-pod\`.

**Undo** gives back policies with their scope, groups, and bindings as they were. Writing a binding needs the right to \`bind\` its
role (group \`firebreak-binder\`); without it undo says so, and the journal keeps the binding to apply by hand. The server's own
fields (\`uid\`, \`resourceVersion\`, \`creationTimestamp\`) are new on a binding that was deleted.
`.trim(),
  handles: ['*:Kubernetes/*'],
  reversible: { kind: 'fully' },
  permissions: {
    read: [
      READ_CLUSTER,
      READ_POD_ROLES,
      {
        actions: ['eks:DescribeAccessEntry', 'eks:ListAccessEntries', 'eks:ListAssociatedAccessPolicies'],
        resources: [
          `arn:\${Partition}:eks:\${Region}:\${Account}:access-entry/*`,
          `arn:\${Partition}:eks:\${Region}:\${Account}:cluster/*`,
        ],
        why: 'how the cluster knows its identities, and what the access entry grants',
      },
      {
        actions: ['ec2:DescribeInstances'],
        resources: ['*'],
        why: 'the instance of a node that is the caller',
      },
    ],
    write: [
      {
        actions: ['eks:AssociateAccessPolicy', 'eks:DisassociateAccessPolicy', 'eks:UpdateAccessEntry'],
        resources: [`arn:\${Partition}:eks:\${Region}:\${Account}:access-entry/*`],
        why: "takes the entry's policies and groups away, and gives them back",
      },
    ],
  },
  proofDelaySeconds: 5,
  targetOf: identityOf,
  read: (target, aws) => leverOf(target).read(target, aws),
  plan: (state, target, options) => leverOf(target).plan(state, target, options),
  kinds: { policy: policyKind, groups: groupsKind, binding: bindingKind },
  verify: async (context, steps) => leverOf(context.target).verify(context, steps),
});
