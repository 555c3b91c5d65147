/** The proving read: the statement stands in the live policy as it was written. */
import type { Proof, StepContext, StepViewOf } from '../../core/journal/playbook.ts';
import { sameJson } from '../../core/json.ts';
import type { PrincipalFacts } from '../common/s3/principal-target.ts';
import { type KINDS, liveStatement, statementFor } from './steps.ts';

export async function proveStatement(
  { aws, target }: StepContext<PrincipalFacts>,
  steps: readonly StepViewOf<typeof KINDS>[],
): Promise<Proof> {
  const [step] = steps;
  if (!step) return { proven: false, checks: [], residual: [], next: 'final' };
  const { args: at } = step;
  const { statement } = await liveStatement(at, aws);
  const ok = sameJson(statement, statementFor(at.sid, target));
  const saw =
    statement === null
      ? `no statement ${at.sid} in the policy of ${at.bucket}`
      : `statement ${at.sid} is ${ok ? 'as written' : 'not what was written'}`;
  return {
    proven: ok,
    checks: [{ id: 'statement', ok, saw }],
    residual: [],
    next: ok ? 'final' : 'recontain',
  };
}
