/** The whole service stops, so a person always decides. Pure. */
import type { Plan, PlanOptions, StepOf, Target } from '../../core/journal/playbook.ts';
import type { ServiceState } from '../common/ecs/service.ts';
import { scaleInRefusal, scaleInSteps } from '../common/ecs/service-plan.ts';
import type { SCALE_IN_KINDS } from '../common/ecs/service-steps.ts';
import { protectedBy } from '../common/protected.ts';
import type { ServiceFacts } from './target.ts';

export function planScaleIn(
  live: ServiceState,
  target: Target<ServiceFacts>,
  { protectedArns }: PlanOptions,
): Plan<StepOf<typeof SCALE_IN_KINDS>> {
  const { cluster } = target.facts;
  const pattern = protectedBy([live.name, cluster, target.id, target.display], protectedArns);
  if (pattern !== undefined) {
    return {
      kind: 'refused',
      reason: `${target.display} is protected by policy.yml (protected: ${pattern})`,
      alternative: 'Ask the owner of the service to scale it in.',
    };
  }
  const refusal = scaleInRefusal(live);
  if (refusal) return { kind: 'refused', ...refusal };
  return {
    kind: 'plan',
    steps: scaleInSteps(cluster, live),
    blastRadius: {
      count: Math.max(1, live.running),
      unit: 'tasks',
      detail: [target.display, `definition ${live.definition}`],
    },
    warnings: [
      'a deployment (a pipeline, CloudFormation) may set the count again: hold it back',
      'undo starts tasks from the same definition and image: roll out a good one first',
    ],
    residual: [],
    askBecause: [`service ${live.name} is stopped altogether`],
    tags: live.tags,
    arns: [target.display],
  };
}
