/** The proving reads: policy, labels, nodes and scale as they are now, and pods that came since. */
import {
  inPlace,
  type Proof,
  type ProofCheck,
  type StepContext,
  type StepViewOf,
} from '../../core/journal/playbook.ts';
import { sameJson } from '../../core/json.ts';
import { QUARANTINE } from '../common/kubernetes/network.ts';
import { podsOf } from '../common/kubernetes/pod.ts';
import type { WorkloadFacts } from '../common/kubernetes/pod-target.ts';
import { KINDS } from './steps.ts';

type Step = StepViewOf<typeof KINDS>;

export async function proveQuarantine(
  context: StepContext<WorkloadFacts>,
  steps: readonly Step[],
): Promise<Proof> {
  const { facts } = context.target;
  const cluster = await context.aws.kubernetes(facts.cluster);
  const checks = await Promise.all(
    steps
      .filter(({ status }) => inPlace(status))
      .map(async (step): Promise<ProofCheck> => {
        const kind = KINDS[step.kind];
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
  const detached = steps.some(({ kind, args }) => kind === 'quarantine' && args.detach);
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

function seen({ kind, args }: Step, ok: boolean, gone: boolean): string {
  switch (kind) {
    case 'network-policy':
      return ok
        ? `NetworkPolicy ${args.name} denies everything`
        : `NetworkPolicy ${args.name} is ${gone ? 'gone' : 'changed'}`;
    case 'quarantine':
      return gone
        ? `pod ${args.name} has ended`
        : ok
          ? `pod ${args.name} is in quarantine`
          : `pod ${args.name} lost its label`;
    case 'cordon':
      return ok ? `node ${args.node} takes no new pods` : `node ${args.node} takes new pods`;
    case 'scale':
      return ok ? `Deployment ${args.name} wants no pods` : `Deployment ${args.name} wants pods`;
  }
}
