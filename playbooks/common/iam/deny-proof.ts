/** What the proofs of a deny share: how late IAM may show it, and what IAM says it would answer. */
import type { Aws } from '../../../core/aws/client.ts';
import type { Proof, ProofCheck, StepContext, StepView } from '../../../core/journal/playbook.ts';
import type { Json } from '../../../core/json.ts';
import { awsReason } from './aws-reason.ts';

/**
 * IAM is eventually consistent: 3-4 s measured, minutes documented. A deny that is not seen this soon after the write
 * may be on its way; one that is not seen later was taken away.
 */
export const PROPAGATION_SECONDS = 60;

/** The proof of a plan that has no deny in it. */
export const NO_DENY: Proof = {
  proven: false,
  checks: [{ id: 'document', ok: false, saw: 'no deny was planned' }],
  residual: [],
  next: 'final',
};

/** Returns what follows where the deny is not there as written; `live` is null where it is not there at all. */
export function nextFor({ now }: StepContext, { status, doneAt }: StepView, live: Json): Proof['next'] {
  if (status === 'drift') return 'final'; // someone rewrote it; the journal overwrites no one, a person decides
  const age = doneAt === undefined ? Number.POSITIVE_INFINITY : now().getTime() - Date.parse(doneAt);
  return live === null && age < PROPAGATION_SECONDS * 1000 ? 'wait' : 'recontain';
}

/** Any call does for a deny that names them all. This one has no resource to name; sts:GetCallerIdentity cannot be denied [M]. */
export const PROBE = 's3:ListAllMyBuckets';

/** Name, type and value of a condition key that the simulated request carries. */
export type ContextKey = readonly [name: string, type: 'string' | 'ip' | 'date' | 'boolean', value: string];

interface Request {
  /** ARN of the user or role that calls. */
  readonly caller: string;
  readonly action: string;
  readonly resource?: string | undefined;
  readonly keys?: readonly ContextKey[];
}

interface Answer {
  /** `allowed`, `implicitDeny` or `explicitDeny`; `no answer` where IAM gave none. */
  readonly decision: string;
  readonly explicit: boolean;
  readonly answered: boolean;
  /** Ids of the policies whose statements decided, where the answer names them. */
  readonly matched: readonly string[];
}

/** Asks IAM what it would answer a request. That it takes global keys such as `aws:userid` from ContextEntries is [M-LAB]. */
export async function simulate(aws: Aws, { caller, action, resource, keys = [] }: Request): Promise<Answer> {
  const { client, api } = await aws.iam();
  const { EvaluationResults } = await client.send(
    new api.SimulatePrincipalPolicyCommand({
      PolicySourceArn: caller,
      ActionNames: [action],
      ...(resource === undefined ? {} : { ResourceArns: [resource] }),
      ...(keys.length === 0
        ? {}
        : {
            ContextEntries: keys.map(([ContextKeyName, ContextKeyType, value]) => ({
              ContextKeyName,
              ContextKeyType,
              ContextKeyValues: [value],
            })),
          }),
    }),
  );
  const result = EvaluationResults?.[0];
  return {
    decision: result?.EvalDecision ?? 'no answer',
    explicit: result?.EvalDecision === 'explicitDeny',
    answered: result !== undefined,
    matched: (result?.MatchedStatements ?? []).map(({ SourcePolicyId }) => SourcePolicyId ?? ''),
  };
}

/** A simulation that cannot be had remains as a risk that people read, and is no proof either way. */
export async function simulated(
  checks: () => Promise<readonly ProofCheck[]>,
): Promise<Pick<Proof, 'checks' | 'residual'>> {
  try {
    return { checks: await checks(), residual: [] };
  } catch (error) {
    return {
      checks: [],
      residual: [`the deny was read back, its effect was not simulated (${awsReason(error)})`],
    };
  }
}
