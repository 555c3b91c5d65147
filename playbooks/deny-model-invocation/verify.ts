/** The proving reads: the deny is there as written, IAM answers an invocation with it, and nothing else is denied by it. */
import type { Aws } from '../../core/aws/client.ts';
import type { Proof, ProofCheck, StepContext, StepViewOf } from '../../core/journal/playbook.ts';
import { sameJson } from '../../core/json.ts';
import { awsReason } from '../common/iam/aws-reason.ts';
import { type DenyArgs, type KINDS, liveDeny } from './steps.ts';
import type { Facts } from './target.ts';

/** IAM is eventually consistent: a deny that is not seen this soon may be on its way. */
export const PROPAGATION_SECONDS = 60;

export async function verify(
  context: StepContext<Facts>,
  steps: readonly StepViewOf<typeof KINDS>[],
): Promise<Proof> {
  const [step] = steps;
  if (!step)
    return {
      proven: false,
      checks: [{ id: 'document', ok: false, saw: 'no deny was planned' }],
      residual: [],
      next: 'final',
    };
  const { args, after, status, doneAt } = step;
  const live = await liveDeny(context.aws, args);
  const ok = live !== null && after !== undefined && sameJson(live, after);
  const saw = `${args.policyName} on ${args.principal} ${args.name} is ${live === null ? 'not there' : ok ? 'as written' : 'not what was written'}`;
  const document: ProofCheck = { id: 'document', ok, saw };
  if (!ok) {
    const age =
      doneAt === undefined ? Number.POSITIVE_INFINITY : context.now().getTime() - Date.parse(doneAt);
    const soon = live === null && age < PROPAGATION_SECONDS * 1000;
    return {
      ...{ proven: false, checks: [document], residual: [] },
      next: status === 'drift' ? 'final' : soon ? 'wait' : 'recontain',
    };
  }
  const effect = await simulated(context, args);
  const checks = [document, ...effect.checks];
  const proven = checks.every((check) => check.ok);
  return { proven, checks, residual: effect.residual, next: proven ? 'final' : 'wait' };
}

/** A simulation that cannot be had is told as what remains, and is no proof either way. */
async function simulated(
  { aws, target }: StepContext<Facts>,
  args: DenyArgs,
): Promise<Pick<Proof, 'checks' | 'residual'>> {
  try {
    const source = await sourceArn(aws, args);
    const [model] = args.models;
    const [invoke, other] = await Promise.all([
      decisionOn(aws, source, args, 'bedrock:InvokeModel', model),
      decisionOn(aws, source, args, 's3:ListAllMyBuckets'),
    ]);
    return {
      checks: [
        {
          id: 'invocation',
          ok: invoke.decision === 'explicitDeny',
          saw: `bedrock:InvokeModel by ${target.display}: ${invoke.decision} (simulated)`,
        },
        { id: 'everything-else', ok: !other.byUs, saw: `s3:ListAllMyBuckets: ${other.decision} (simulated)` },
      ],
      residual: [],
    };
  } catch (error) {
    return {
      checks: [],
      residual: [`the deny was read back, its effect was not simulated (${awsReason(error)})`],
    };
  }
}

async function sourceArn(aws: Aws, { principal, name }: DenyArgs): Promise<string> {
  const { client, api } = await aws.iam();
  const found =
    principal === 'role'
      ? (await client.send(new api.GetRoleCommand({ RoleName: name }))).Role?.Arn
      : (await client.send(new api.GetUserCommand({ UserName: name }))).User?.Arn;
  return found ?? '';
}

async function decisionOn(
  aws: Aws,
  source: string,
  { userId, policyName }: DenyArgs,
  action: string,
  resource?: string,
): Promise<{ readonly decision: string; readonly byUs: boolean }> {
  const { client, api } = await aws.iam();
  const { EvaluationResults } = await client.send(
    new api.SimulatePrincipalPolicyCommand({
      PolicySourceArn: source,
      ActionNames: [action],
      ...(resource === undefined ? {} : { ResourceArns: [resource] }),
      ...(userId === null
        ? {}
        : {
            ContextEntries: [
              { ContextKeyName: 'aws:userid', ContextKeyType: 'string' as const, ContextKeyValues: [userId] },
            ],
          }),
    }),
  );
  const result = EvaluationResults?.[0];
  const matched = (result?.MatchedStatements ?? []).map(({ SourcePolicyId }) => SourcePolicyId ?? '');
  return {
    decision: result?.EvalDecision ?? 'no answer',
    byUs: result?.EvalDecision === 'explicitDeny' && matched.some((policy) => policy.includes(policyName)),
  };
}
