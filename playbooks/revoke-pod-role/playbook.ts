/** The IAM role of a pod in wrong hands: deny the sessions that its pods were given. Asked as a follow-up. */
import type { Aws } from '../../core/aws/client.ts';
import {
  definePlaybook,
  type Proof,
  type StepContext,
  type StepViewOf,
  type Target,
} from '../../core/journal/playbook.ts';
import { roleDocuments } from '../common/evidence/identity.ts';
import { PROPAGATION_SECONDS } from '../common/iam/deny-proof.ts';
import { READ_ROLE, REMOVE_DENY, WRITE_DENY } from '../common/iam/role-permissions.ts';
import { READ_CLUSTER, READ_POD_ROLES } from '../common/kubernetes/kubernetes-permissions.ts';
import { KINDS } from '../common/role-session/policy-step.ts';
import { readState, roleState } from '../common/role-session/state.ts';
import { revocationUndoSafety } from '../common/role-session/undo-safety.ts';
import { type Case, proveDeny, proveRevocation } from '../common/role-session/verify.ts';
import { asSession, planPodRole, sessionTags } from './plan.ts';
import { locatePodRole, type PodRoleFacts, podRoleFacts } from './target.ts';

const read = (target: Target<PodRoleFacts>, aws: Aws) => readState(asSession(target, ''), aws);

async function verify(
  context: StepContext<PodRoleFacts>,
  steps: readonly StepViewOf<typeof KINDS>[],
): Promise<Proof> {
  const [step] = steps;
  const { target } = context;
  const { facts } = target;
  if (!step || step.args.lever === 'role')
    return proveRevocation({ ...context, target: asSession(target, '') }, steps);
  const tags = Object.entries(sessionTags(facts));
  const keys = (value: (real: string) => string): Case['keys'] =>
    tags.map(([name, [real = '']]) => [name, 'string', value(real)] as const);
  return proveDeny(context, step, [
    { id: 'stolen-session', who: 'a session of these pods', denied: true, keys: keys((real) => real) },
    {
      id: 'sibling',
      who: 'a session of another pod of the role',
      denied: false,
      keys: keys((real) => `not-${real}`),
    },
  ]);
}

export const revokePodRole = definePlaybook({
  id: 'revoke-pod-role',
  title: 'Revoke what the pods of a cluster got of an IAM role',
  about: `
Asked as a follow-up once a pod is in quarantine or a service account lost its rights: credentials of the IAM role that its pods
were given are valid outside the cluster too, and outlive the pod. For IRSA the role is the one that CloudTrail saw the service
account assume in the last twelve hours, or one that its annotation or a running pod names **and** whose trust policy lets this
service account of this cluster in. Any other role that is named is left alone, and the card says so: an annotation can be edited.
For EKS Pod Identity the role is that of the association in EKS.

- **EKS Pod Identity** tags every session with cluster, namespace, service account and pod. One inline policy
  \`firebreak-<incident>\` on the role denies everything to sessions with the tags of these pods; other pods of the role go on.
- **IRSA** sessions carry no such tag. Every session of the role issued before now is denied (\`aws:TokenIssueTime\`), which always
  asks: all users of the role lose AWS until they get new credentials, and so can anyone who still holds the service account's token.

**Refused**: what \`revoke-role-sessions\` refuses. **Undo** removes only what was written, and while a session may still live a
second person must agree.
`.trim(),
  // Asked only (a plan's follow-up): no finding names the role.
  handles: [],
  reversible: { kind: 'fully' },
  permissions: {
    read: [
      ...READ_ROLE,
      READ_CLUSTER,
      READ_POD_ROLES,
      {
        // LookupEvents has no resource level.
        actions: ['cloudtrail:LookupEvents'],
        resources: ['*'],
        why: 'which roles the service account assumed',
      },
    ],
    write: [WRITE_DENY],
    undo: [REMOVE_DENY],
  },
  proofDelaySeconds: PROPAGATION_SECONDS,
  facts: podRoleFacts,
  state: roleState,
  targetOf: () => ({ ok: false, reason: 'asked as a follow-up: no finding names the role of a pod' }),
  locate: locatePodRole,
  read,
  plan: planPodRole,
  kinds: KINDS,
  verify,
  undoSafety: revocationUndoSafety,
  evidence: (target, aws) => roleDocuments(aws, target.facts.roleName),
});
