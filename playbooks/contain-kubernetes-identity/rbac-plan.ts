/** Service accounts and anonymous access: every binding that names them goes. Pure. */

import type { BlastRadius, Plan, PlanOptions, StepOf, Target } from '../../core/journal/playbook.ts';
import type { BoundFacts } from '../common/kubernetes/identity-target.ts';
import { roleResidual } from '../common/kubernetes/pod-roles.ts';
import { protectedBy } from '../common/protected.ts';
import { shortList } from '../common/short-list.ts';
import type { bindingKind } from './binding-step.ts';
import { bindingName } from './bindings.ts';
import type { RbacState } from './rbac-state.ts';

type Step = StepOf<{ binding: typeof bindingKind }>;

export function planBound(
  { bindings, builtIn, throughGroups, pods, roles, doubtfulRoles, tags }: RbacState,
  target: Target<BoundFacts>,
  { protectedArns }: PlanOptions,
): Plan<Step> {
  const { facts } = target;
  const { cluster, username } = facts;
  const [clusterArn = ''] = target.display.split(' ');
  const pattern = protectedBy([username, target.display, cluster, clusterArn], protectedArns);
  if (pattern !== undefined) {
    return {
      kind: 'refused',
      reason: `${username} in ${cluster} is protected by policy.yml (protected: ${pattern})`,
      alternative: 'Ask the owner of the cluster.',
    };
  }
  const granter = granterOf(facts);
  const system = facts.kind === 'service-account' && facts.namespace === 'kube-system';
  return {
    kind: 'plan',
    steps: bindings.map(
      ({ ref, role, subjects, others, rights }): Step => ({
        id: `binding:${ref.kind}/${ref.namespace ?? ''}/${ref.name}`,
        kind: 'binding',
        role: 'contain',
        describe:
          facts.kind === 'binding'
            ? `Remove ${bindingName(ref)}, which gives ${role} to ${shortList(subjects.map(({ kind, name }) => `${kind} ${name}`))}`
            : others === 0
              ? `Remove ${bindingName(ref)}, which gives ${role} to ${username}`
              : `Take ${username} out of ${bindingName(ref)} (${role}); it names ${others} more`,
        args: { cluster, binding: ref, subjects, rights },
        before: `${role} to ${username}`,
        after: null,
        together: 'bindings',
      }),
    ),
    blastRadius: radiusOf(facts, bindings, pods),
    warnings: [
      ...doubtfulRoles,
      ...(bindings.length === 0 ? [`no binding names ${username} any more`] : []),
      'a tool that keeps the cluster to a repository (Argo CD, Flux, Helm) may write a binding again',
      ...(facts.kind === 'anonymous'
        ? ['what was read or changed without a credential is done: see the audit log of the cluster']
        : []),
      ...(facts.kind === 'anonymous' ? builtIn : []),
    ],
    residual: [
      ...(facts.kind === 'anonymous' ? [] : builtIn),
      ...throughGroups.map((binding) => `${username} has rights through a group as well: ${binding}`),
      ...roleResidual(roles),
      ...(facts.kind === 'service-account' && facts.granted
        ? ['pods of it that run may have used the rights already: see the audit log of the cluster']
        : []),
      ...(facts.kind === 'service-account' && !facts.granted
        ? ['its token stays valid and the pods that hold it run on: quarantine the pod that is attacked']
        : []),
      ...(granter === null
        ? []
        : [`${granter} made the binding and may make another: contain that identity as well`]),
    ],
    askBecause: system ? ['a component of the cluster itself may stop working (kube-system)'] : [],
    tags,
    arns: [clusterArn],
    followUps: [
      ...(roles.length + doubtfulRoles.length > 0 ? ['revoke-pod-role'] : []),
      ...(granter === null ? [] : ['contain-kubernetes-granter']),
    ],
  };
}

/** Who granted it, where the finding is about that. */
function granterOf(facts: BoundFacts): string | null {
  return facts.kind === 'service-account' ? (facts.granted?.by ?? null) : facts.grantedBy;
}

function radiusOf(facts: BoundFacts, bindings: RbacState['bindings'], pods: readonly string[]): BlastRadius {
  switch (facts.kind) {
    case 'anonymous':
      return {
        count: Math.max(1, pods.length),
        unit: 'identities',
        detail: ['everybody without a credential'],
      };
    case 'service-account':
      return { count: Math.max(1, pods.length), unit: 'pods', detail: [...pods] };
    case 'binding': {
      const named = bindings.flatMap(({ subjects }) => subjects.map(({ kind, name }) => `${kind} ${name}`));
      return { count: Math.max(1, named.length), unit: 'identities', detail: named };
    }
  }
}
