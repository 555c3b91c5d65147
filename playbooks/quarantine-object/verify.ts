/** The proving read: the version that was tagged carries the tag of this case. */
import type { Proof, StepContext, StepViewOf } from '../../core/journal/playbook.ts';
import { QUARANTINE_TAG } from '../common/quarantine-tag.ts';
import { tagsOf } from './state.ts';
import type { KINDS } from './steps.ts';

/** Returns what the tag is now; another value or none asks to contain again. */
export async function proveTag(
  { aws, caseId }: StepContext,
  steps: readonly StepViewOf<typeof KINDS>[],
): Promise<Proof> {
  const [step] = steps;
  const tags = step ? await tagsOf(aws, step.args) : {};
  const found = tags[QUARANTINE_TAG];
  const proven = found === caseId;
  const saw = found === undefined ? 'the object carries no quarantine tag' : `${QUARANTINE_TAG}=${found}`;
  return {
    proven,
    checks: [{ id: 'tag', ok: proven, saw }],
    residual: [],
    next: proven ? 'final' : 'recontain',
  };
}
