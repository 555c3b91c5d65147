/** The proving read: the tag is there with the value that was written. */
import type { Proof, StepContext, StepView } from '../../core/journal/playbook.ts';
import { QUARANTINE_TAG } from '../common/quarantine-tag.ts';
import { tagsOf } from './state.ts';
import type { ImageFacts } from './target.ts';

/** Returns what the tag is now; another value or none asks to contain again. */
export async function proveMark(
  { aws, target }: StepContext<ImageFacts>,
  steps: readonly StepView[],
): Promise<Proof> {
  const [step] = steps;
  const value = (await tagsOf(aws, target.facts))?.[QUARANTINE_TAG];
  const ok = value !== undefined && value === step?.after;
  const saw = value === undefined ? 'the tag is not there' : `${QUARANTINE_TAG}=${value}`;
  return { proven: ok, checks: [{ id: 'tag', ok, saw }], residual: [], next: ok ? 'final' : 'recontain' };
}
