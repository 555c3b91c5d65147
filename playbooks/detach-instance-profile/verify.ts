/** The proving read: the instance has the profile that the step left. */
import type { Proof, StepContext, StepView } from '../../core/journal/playbook.ts';
import { associationOf } from './state.ts';

export async function verify({ aws, target }: StepContext, steps: readonly StepView[]): Promise<Proof> {
  const live = (await associationOf(aws.inRegion(target.region), target.id))?.arn ?? null;
  const [step] = steps;
  const proven = step?.after !== undefined && live === step.after;
  const saw = live === null ? 'the instance has no instance profile' : `the instance has ${live}`;
  return {
    proven,
    checks: [{ id: 'profile', ok: proven, saw }],
    residual: [],
    next: proven ? 'final' : 'recontain',
  };
}
