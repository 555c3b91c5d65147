/** The proving reads: the deny is there as written, IAM answers an invocation with it, and nothing else is denied by it. */
import type { Aws } from '../../core/aws/client.ts';
import type { Proof, ProofCheck, StepContext, StepViewOf } from '../../core/journal/playbook.ts';
import { sameJson } from '../../core/json.ts';
import { type ContextKey, NO_DENY, nextFor, PROBE, simulate, simulated } from '../common/iam/deny-proof.ts';
import { liveInline } from '../common/role-session/inline-deny.ts';
import type { DenyArgs, KINDS } from './steps.ts';
import type { Facts } from './target.ts';

export async function verify(
  context: StepContext<Facts>,
  steps: readonly StepViewOf<typeof KINDS>[],
): Promise<Proof> {
  const [step] = steps;
  if (!step) return NO_DENY;
  const { args, after } = step;
  const live = await liveInline(context.aws, args);
  const ok = live !== null && after !== undefined && sameJson(live, after);
  const saw = `${args.policyName} on ${args.principal} ${args.name} is ${live === null ? 'not there' : ok ? 'as written' : 'not what was written'}`;
  const document: ProofCheck = { id: 'document', ok, saw };
  if (!ok) return { proven: false, checks: [document], residual: [], next: nextFor(context, step, live) };
  const effect = await effectOf(context, args);
  const checks = [document, ...effect.checks];
  const proven = checks.every((check) => check.ok);
  return { proven, checks, residual: effect.residual, next: proven ? 'final' : 'wait' };
}

/** What IAM would answer an invocation, and a call that must go on. */
const effectOf = ({ aws, target }: StepContext<Facts>, args: DenyArgs) =>
  simulated(async () => {
    const caller = await callerArn(aws, args);
    const keys: readonly ContextKey[] = args.userId === null ? [] : [['aws:userid', 'string', args.userId]];
    const [invoke, other] = await Promise.all([
      simulate(aws, { caller, keys, action: 'bedrock:InvokeModel', resource: args.models[0] }),
      simulate(aws, { caller, keys, action: PROBE }),
    ]);
    const byUs = other.explicit && other.matched.some((policy) => policy.includes(args.policyName));
    return [
      {
        id: 'invocation',
        ok: invoke.explicit,
        saw: `bedrock:InvokeModel by ${target.display}: ${invoke.decision} (simulated)`,
      },
      { id: 'everything-else', ok: !byUs, saw: `${PROBE}: ${other.decision} (simulated)` },
    ];
  });

async function callerArn(aws: Aws, { principal, name }: DenyArgs): Promise<string> {
  const { client, api } = await aws.iam();
  const found =
    principal === 'role'
      ? (await client.send(new api.GetRoleCommand({ RoleName: name }))).Role?.Arn
      : (await client.send(new api.GetUserCommand({ UserName: name }))).User?.Arn;
  return found ?? '';
}
