/** The proving read: no binding names the identity, and the API server says that it may not do what they granted. */
import type { Kubernetes } from '../../core/aws/kubernetes.ts';
import type { Proof, ProofCheck, StepContext, StepViewOf } from '../../core/journal/playbook.ts';
import type { BoundFacts } from '../common/kubernetes/identity-target.ts';
import type { bindingKind, Right } from './binding-step.ts';
import { bindingName, groupsOf, isBuiltIn } from './bindings.ts';
import { bindingsOf, concerned } from './rbac-state.ts';

/** Every answer is a call. */
const MOST_REVIEWS = 12;

export async function proveBound(
  { aws, target: { facts } }: StepContext<BoundFacts>,
  steps: readonly StepViewOf<{ binding: typeof bindingKind }>[],
): Promise<Proof> {
  const cluster = await aws.kubernetes(facts.cluster);
  const left = (await concerned(cluster, facts, await bindingsOf(cluster)))
    .filter(({ ref, binding }) => !isBuiltIn(ref, binding))
    .map(({ ref }) => bindingName(ref));
  // Of a binding that is gone no one can be asked: whom it named may have the same rights from elsewhere.
  const rights = facts.kind === 'binding' ? [] : steps.flatMap(({ args }) => args.rights);
  const unique = [...new Map(rights.map((right) => [JSON.stringify(right), right])).values()];
  const answers = await Promise.all(
    unique.slice(0, MOST_REVIEWS).map(async (right) => ({ right, ...(await review(cluster, facts, right)) })),
  );
  const allowed = answers.filter((answer) => answer.allowed);
  // The authorizer follows its bindings within moments; until then it names the one that is gone.
  const gone = steps.map(({ args }) => args.binding.name);
  const lagging = allowed.filter(({ reason }) => gone.some((name) => reason.includes(`Binding "${name}`)));
  const none = left.length === 0;
  const checks: ProofCheck[] = [
    {
      id: 'bindings',
      ok: none,
      saw: none ? absence(facts) : `still there: ${left.join(', ')}`,
    },
    {
      id: 'rights',
      ok: lagging.length === 0,
      saw:
        lagging.length === 0
          ? `the API server was asked about ${answers.length} of its rights and refuses ${answers.length - allowed.length}`
          : `the API server still allows it ${lagging.map(({ right }) => rightTold(right)).join(', ')}`,
    },
  ];
  return {
    proven: checks.every(({ ok }) => ok),
    checks,
    residual: allowed
      .filter((answer) => !lagging.includes(answer))
      .map(({ right, reason }) => `${facts.username} may still ${rightTold(right)}: ${reason}`),
    next: !none ? 'recontain' : lagging.length > 0 ? 'wait' : 'final',
  };
}

const absence = (facts: BoundFacts): string => {
  if (facts.kind === 'binding') return `${facts.username} is not there`;
  return facts.kind === 'service-account' && facts.granted
    ? `no binding makes ${facts.username} an administrator`
    : `no binding names ${facts.username}`;
};

async function review(
  { authorization }: Kubernetes,
  facts: BoundFacts,
  { path, verb, ...resource }: Right,
): Promise<{ readonly allowed: boolean; readonly reason: string }> {
  const { status } = await authorization.createSubjectAccessReview({
    body: {
      spec: {
        user: facts.username,
        groups: [...groupsOf(facts)],
        ...(path === undefined
          ? { resourceAttributes: { verb, ...resource } }
          : { nonResourceAttributes: { verb, path } }),
      },
    },
  });
  return { allowed: status?.allowed === true, reason: status?.reason ?? 'no reason given' };
}

const rightTold = ({ verb, resource, subresource, namespace, path }: Right): string =>
  path === undefined
    ? `${verb} ${resource}${subresource ? `/${subresource}` : ''}${namespace ? ` in ${namespace}` : ''}`
    : `${verb} ${path}`;
