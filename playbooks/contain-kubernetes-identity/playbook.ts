/** An identity misuses an EKS cluster: take its access away, by the action that its kind allows. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { FirebreakError } from '../../core/errors.ts';
import {
  definePlaybook,
  type Plan,
  type PlanOptions,
  type Proof,
  type StepContext,
  type StepOf,
  type StepView,
  type StepViewOf,
  type Target,
  type UndoSafety,
} from '../../core/journal/playbook.ts';
import type { Json } from '../../core/json.ts';
import { identityState, readIdentity } from '../common/kubernetes/identity.ts';
import { type IdentityFacts, identityFacts, identityOf } from '../common/kubernetes/identity-target.ts';
import {
  READ_CLUSTER,
  READ_ENTRIES,
  READ_POD_ROLES,
  READ_ROLE_TRUST,
} from '../common/kubernetes/kubernetes-permissions.ts';
import { READ_PRINCIPALS } from '../common/kubernetes/principal.ts';
import { groupsKind, planEntry, policyKind, proveEntry } from './access-entry.ts';
import { bindingKind } from './binding-step.ts';
import { nodeState, planNode, proveNode, readNode } from './node.ts';
import { planBound } from './rbac-plan.ts';
import { rbacState, readBound } from './rbac-state.ts';
import { proveBound } from './rbac-verify.ts';

const ENTRIES = 'arn:${Partition}:eks:${Region}:${Account}:access-entry/*';
const AWS_POLICIES = { ArnLike: { 'eks:policyArn': 'arn:${Partition}:eks::aws:cluster-access-policy/*' } };
const KINDS = { policy: policyKind, groups: groupsKind, binding: bindingKind };
/** What was read depends on the kind of the identity. */
const state = z.union([identityState, rbacState, nodeState]);
type State = z.infer<typeof state>;

async function read({ facts, ...target }: Target<IdentityFacts>, aws: Aws): Promise<State> {
  switch (facts.kind) {
    case 'principal':
    case 'mapped':
      return readIdentity({ ...target, facts }, aws);
    case 'service-account':
    case 'anonymous':
    case 'binding':
      return readBound({ ...target, facts }, aws);
    case 'node':
      return readNode({ ...target, facts }, aws);
  }
}

/** What the identity made is asked about where the identity itself is refused: policy asks for it only after a containment. */
function plan(live: State, target: Target<IdentityFacts>, options: PlanOptions): Plan<StepOf<typeof KINDS>> {
  const planned = planFor(live, target, options);
  return planned.kind === 'refused' && target.facts.made
    ? { ...planned, followUps: [...(planned.followUps ?? []), 'quarantine-pod'] }
    : planned;
}

function planFor(
  live: State,
  { facts, ...target }: Target<IdentityFacts>,
  options: PlanOptions,
): Plan<StepOf<typeof KINDS>> {
  if ((facts.kind === 'principal' || facts.kind === 'mapped') && 'mode' in live)
    return planEntry(live, { ...target, facts }, options);
  if (facts.kind === 'node' && 'instanceId' in live) return planNode(live, { ...target, facts });
  if (
    (facts.kind === 'anonymous' || facts.kind === 'service-account' || facts.kind === 'binding') &&
    'bindings' in live
  )
    return planBound(live, { ...target, facts }, options);
  throw new FirebreakError('InputInvalid', `what was read is not that of a ${facts.kind}`, {
    resource: target.display,
    next: 'Contain the identity by hand; the record of the incident is damaged.',
  });
}

async function verify(
  { target: { facts, ...target }, ...context }: StepContext<IdentityFacts>,
  steps: readonly StepViewOf<typeof KINDS>[],
): Promise<Proof> {
  switch (facts.kind) {
    case 'principal':
    case 'mapped':
      return proveEntry({ ...context, target: { ...target, facts } });
    case 'service-account':
    case 'anonymous':
    case 'binding':
      return proveBound(
        { ...context, target: { ...target, facts } },
        steps.filter((step) => step.kind === 'binding'),
      );
    case 'node':
      return proveNode();
  }
}

/** Undo gives a suspect identity its rights back, and which rights those were only the journal says: a second person looks. */
function undoSafety(steps: readonly StepView[]): UndoSafety {
  const rights = steps.flatMap(({ id, status, before }) =>
    status === 'done' && before !== undefined && before !== null ? [`${id} ${rightsOf(before)}`] : [],
  );
  if (rights.length === 0) return { safe: true, why: 'nothing of this incident is in place' };
  return { safe: false, why: `undo gives the identity its rights back, as recorded: ${rights.join(', ')}` };
}

const bound = z.looseObject({ roleRef: z.looseObject({ kind: z.string(), name: z.string() }) });
function rightsOf(before: Json): string {
  const role = bound.safeParse(before).data?.roleRef;
  return role ? `(${role.kind} ${role.name})` : JSON.stringify(before).slice(0, 200);
}

export const containKubernetesIdentity = definePlaybook({
  id: 'contain-kubernetes-identity',
  title: 'Take an identity its access to an EKS cluster',
  about: `
The Kubernetes user name in the finding decides the action.

| User | Containment action |
|---|---|
| an IAM user or role, also where \`aws-auth\` or an access entry maps it to a name of its own: it is then found by the id that the authenticator adds (\`uid\`), by the finding's access key, or by the one access entry or mapping of \`aws-auth\` whose user name fits | its access entry: every access policy disassociated, its Kubernetes groups emptied; the entry itself is never deleted |
| \`system:serviceaccount:NAMESPACE:NAME\` | every RoleBinding and ClusterRoleBinding that names it is removed; it is only taken out of bindings that name others too |
| \`Policy:Kubernetes/AdminAccessToDefaultServiceAccount\` | the bindings that make the \`default\` service account of that namespace an administrator; its other bindings stay |
| \`PrivilegeEscalation:Kubernetes/AnomalousBehavior.RoleBindingCreated\` | the binding that was created, where the finding names it |
| \`system:anonymous\`, and \`Policy:Kubernetes/AnonymousAccessGranted\` | every binding to \`system:anonymous\` or \`system:unauthenticated\`; discovery (\`system:public-info-viewer\`) stays |
| \`system:node:NAME\` | nothing in the cluster; a person is asked about isolating its instance |

Where something was granted, who granted it is the second question (\`contain-kubernetes-granter\`). Controllers of the cluster,
GitOps and CI (Argo CD, Flux, Jenkins and the like) that made a pod or a binding for others are not unbound: what they made is contained,
and they are named as remaining risk.

Bindings are deleted and written with the version that was read (\`resourceVersion\`), so a change made meanwhile is never lost:
it ends as drift. The proving read lists the bindings again and asks the API server (\`SubjectAccessReview\`) whether the
identity may still do what they granted; what it may through a group stays as remaining risk.

**Needs access to the cluster** for service accounts and anonymous access: see [Kubernetes](../kubernetes.md). Without it
the incident says what is missing and a person is paged.

**Refused**, with what works instead: clusters that know IAM identities by the \`aws-auth\` ConfigMap only, identities without
an access entry, node entries, protected identities and clusters. \`aws-auth\` is read through the Kubernetes API, so that the reason
says who the user is and which groups the mapping gives; a name that several mappings fit is not decided on. It is not edited: it is one YAML
text that every node depends on as well, it has no check of its own, and one wrong line locks everyone out of the cluster, Firebreak's
undo included. A person is asked about containing that principal in IAM (\`contain-kubernetes-principal\`), and about what it
changed in AWS (\`reverse-changes\`).

**Not contained**: tokens and credentials that were handed out. A service account's token stays valid, without rights; a person is
asked about the IAM role of its pods (\`revoke-pod-role\`). Pods are quarantined by \`quarantine-pod\`.

**Undo** restores policies with their scope, groups, and bindings as they were; only the journal knows them, so a second person must
agree and is shown them. Writing a binding needs the right to \`bind\` its
role (group \`firebreak-binder\`); without it undo says so, and the journal keeps the binding to apply by hand. The server's own
fields (\`uid\`, \`resourceVersion\`, \`creationTimestamp\`) are new on a binding that was deleted.
`.trim(),
  handles: ['*:Kubernetes/*'],
  reversible: { kind: 'fully' },
  permissions: {
    read: [
      READ_CLUSTER,
      READ_POD_ROLES,
      READ_ROLE_TRUST,
      READ_ENTRIES,
      ...READ_PRINCIPALS,
      {
        actions: ['ec2:DescribeInstances'],
        resources: ['*'],
        why: 'the instance of a node that is the caller',
      },
    ],
    write: [
      {
        actions: ['eks:DisassociateAccessPolicy'],
        resources: [ENTRIES],
        condition: AWS_POLICIES,
        why: "takes the entry's policies of AWS away",
        worst: "takes every identity's EKS access policies away, administrators included",
      },
      {
        actions: ['eks:UpdateAccessEntry'],
        resources: [ENTRIES],
        why: "takes the entry's groups away, and restores them",
        worst: 'puts any identity that has an access entry into any Kubernetes group that a cluster binds',
      },
    ],
    undo: [
      {
        actions: ['eks:AssociateAccessPolicy'],
        resources: [ENTRIES],
        condition: AWS_POLICIES,
        why: "restores the entry's policies of AWS",
        worst: 'cluster administrator for any identity that has an access entry',
      },
    ],
  },
  proofDelaySeconds: 5,
  facts: identityFacts,
  state,
  targetOf: identityOf,
  read,
  plan,
  kinds: KINDS,
  verify,
  undoSafety,
});
