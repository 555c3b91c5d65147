/** The proving reads: every deny is there as written, and IAM answers a login with it. */
import type { Proof, ProofCheck, StepContext, StepViewOf } from '../../core/journal/playbook.ts';
import { sameJson } from '../../core/json.ts';
import { NO_DENY, nextFor, simulate, simulated } from '../common/iam/deny-proof.ts';
import { liveInline, readPrincipal } from '../common/role-session/inline-deny.ts';
import type { KINDS } from './steps.ts';
import { type Facts, userArn } from './target.ts';

export async function verify(
  context: StepContext<Facts>,
  steps: readonly StepViewOf<typeof KINDS>[],
): Promise<Proof> {
  if (steps.length === 0) return NO_DENY;
  const { aws, target } = context;
  const documents = await Promise.all(
    steps.map(async (step) => {
      const { args, after } = step;
      const live = await liveInline(aws, args);
      const ok = live !== null && after !== undefined && sameJson(live, after);
      const saw = `${args.policyName} on ${args.principal} ${args.name} is ${live === null ? 'not there' : ok ? 'as written' : 'not what was written'}`;
      return { check: { id: step.id, ok, saw }, next: nextFor(context, step, live) };
    }),
  );
  const missing = documents.find(({ check }) => !check.ok);
  const checks: readonly ProofCheck[] = documents.map(({ check }) => check);
  if (missing) return { proven: false, checks, residual: [], next: missing.next };
  const [resourceId = ''] = target.facts.resourceIds;
  const effect = await simulated(() =>
    Promise.all(
      steps.map(async ({ id, args }) => {
        const caller = (await readPrincipal(aws, args))?.arn ?? '';
        const login = userArn(target, resourceId, 'any-user');
        const { explicit, decision } = await simulate(aws, {
          ...{ caller, action: 'rds-db:connect', resource: login },
        });
        const saw = `rds-db:connect by ${args.principal} ${args.name}: ${decision} (simulated)`;
        return { id: `login ${id}`, ok: explicit, saw };
      }),
    ),
  );
  const all = [...checks, ...effect.checks];
  const proven = all.every(({ ok }) => ok);
  return { proven, checks: all, residual: effect.residual, next: proven ? 'final' : 'wait' };
}
