/** The proving reads: policy, labels, nodes and scale as they are now, and pods that came since. */
import { z } from 'zod';
import type { Proof, ProofCheck, StepContext, StepView } from '../../core/journal/playbook.ts';
import { sameJson } from '../../core/json.ts';
import { QUARANTINE } from '../common/kubernetes/network.ts';
import { podsOf } from '../common/kubernetes/pod.ts';
import type { WorkloadFacts } from '../common/kubernetes/pod-target.ts';
import { KINDS } from './steps.ts';

const stepArgs = z.object({
  name: z.string().optional(),
  node: z.string().optional(),
  detach: z.boolean().optional(),
});

export async function proveQuarantine(
  context: StepContext<WorkloadFacts>,
  steps: readonly StepView[],
): Promise<Proof> {
  const { facts } = context.target;
  const cluster = await context.aws.kubernetes(facts.cluster);
  const checks = await Promise.all(
    steps
      .filter(({ status }) => status === 'done' || status === 'already')
      .map(async (step): Promise<ProofCheck> => {
        const kind = KINDS[step.kind as keyof typeof KINDS];
        const { value } = await kind.read(step.args, context);
        const { after } = step;
        const ok =
          after !== undefined &&
          ((kind.same ?? sameJson)(value, after) ||
            kind.covers?.(value, after) === true ||
            step.status === 'already');
        return { id: step.id, ok, saw: seen(step, ok, value === null) };
      }),
  );
  const fresh = (await podsOf(cluster, facts)).filter(
    ({ metadata, spec }) => metadata?.labels?.[QUARANTINE] === undefined && spec?.hostNetwork !== true,
  );
  const detached = steps.some(({ args }) => stepArgs.parse(args).detach === true);
  const names = fresh.map(({ metadata }) => metadata?.name ?? '').join(', ');
  // Pods that their owner started instead of the detached ones are a risk that the plan named; without that they are ours.
  const open = fresh.length > 0 && !detached;
  if (open) checks.push({ id: 'pods', ok: false, saw: `not in quarantine: ${names}` });
  const proven = checks.length > 0 && checks.every(({ ok }) => ok);
  return {
    proven,
    checks,
    residual: detached && fresh.length > 0 ? [`started instead, from the same image: ${names}`] : [],
    next: proven ? 'final' : 'recontain',
  };
}

function seen({ kind, args }: StepView, ok: boolean, gone: boolean): string {
  const { name, node } = stepArgs.parse(args);
  switch (kind) {
    case 'network-policy':
      return ok
        ? `NetworkPolicy ${name} denies everything`
        : `NetworkPolicy ${name} is ${gone ? 'gone' : 'changed'}`;
    case 'quarantine':
      return gone
        ? `pod ${name} has ended`
        : ok
          ? `pod ${name} is in quarantine`
          : `pod ${name} lost its label`;
    case 'cordon':
      return ok ? `node ${node} takes no new pods` : `node ${node} takes new pods`;
    default:
      return ok ? `Deployment ${name} wants no pods` : `Deployment ${name} wants pods`;
  }
}
