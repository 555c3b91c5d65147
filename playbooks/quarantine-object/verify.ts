/** The proving read: the version that was tagged carries the tag of this case; who can read it all the same. */
import type { Proof, StepContext, StepViewOf } from '../../core/journal/playbook.ts';
import { QUARANTINE_TAG } from '../common/quarantine-tag.ts';
import { readersLeft, readReadDeny } from './read-deny.ts';
import { tagsOf } from './state.ts';
import type { KINDS } from './steps.ts';
import { bucketArn } from './target.ts';

/** Returns what the tag is now; another value or none asks to contain again. */
export async function proveTag(
  { aws, caseId, target }: StepContext,
  steps: readonly StepViewOf<typeof KINDS>[],
): Promise<Proof> {
  const step = steps.find(({ kind }) => kind === 'tag');
  if (!step) return { proven: false, checks: [], residual: [], next: 'final' };
  const [tags, denied] = await Promise.all([
    tagsOf(aws, step.args),
    readReadDeny(aws, step.args.bucket, bucketArn({ ...target, facts: step.args })),
  ]);
  const found = tags[QUARANTINE_TAG];
  const proven = found === caseId;
  const saw = found === undefined ? 'the object carries no quarantine tag' : `${QUARANTINE_TAG}=${found}`;
  return {
    proven,
    checks: [{ id: 'tag', ok: proven, saw }],
    residual: readersLeft(denied),
    next: proven ? 'final' : 'recontain',
  };
}
