/** What a containment left worse than it was before, by live reads: it is owned until it ends, whatever became of its step. */
import { describeError, FirebreakError, isAwsError } from '../errors.ts';
import type { Hold, StepRecord } from './hold.ts';
import { inPlace, type Playbook, type Seen, type StepContext, stepKindNamed } from './playbook.ts';

/** The journal of one target, and what its step kinds are given. */
export interface Journalled {
  readonly playbook: Pick<Playbook, 'kinds'>;
  readonly hold: Pick<Hold, 'state'>;
  readonly steps: readonly StepRecord[];
  readonly context: StepContext;
}

/** Returns what is worse now, one sentence each; empty where nothing is. */
export async function worseOf(journal: Journalled): Promise<readonly string[]> {
  const found = await Promise.all(journal.steps.map((step) => worseNow(journal, step)));
  return found.flatMap((text) => text ?? []);
}

/** Returns what the step left worse, by a read made now; what cannot be read is not known to be as before. */
export const worseNow = async (journal: Journalled, step: StepRecord): Promise<string | undefined> =>
  (await seenWorse(journal, step))?.text;

interface Worse {
  readonly text: string;
  /** Absent where it could not be read. */
  readonly seen?: Seen;
}

/** As `worseNow`, with what the read saw. */
export async function seenWorse(
  { playbook, hold, steps, context }: Journalled,
  step: StepRecord,
): Promise<Worse | undefined> {
  const kind = stepKindNamed(playbook.kinds, step.kind);
  const { before } = step;
  if (!kind?.worse || before === undefined || !mayBeWorse(step)) return undefined;
  const contained = isContained(hold, steps);
  try {
    const { value: live } = await kind.read(step.args, context);
    const seen = { live, before, contained };
    const text = kind.worse(step.args, context, seen);
    return text === undefined ? undefined : { text, seen };
  } catch (error) {
    if (!(error instanceof FirebreakError) && !isAwsError(error)) throw error;
    return step.role === 'contain'
      ? {
          text: `it is not known whether this was left half done: ${step.describe} (${describeError(error)})`,
        }
      : undefined;
  }
}

/** Whether what prepares the containment is still of use. */
function isContained({ state }: Pick<Hold, 'state'>, steps: readonly StepRecord[]): boolean {
  const containing = steps.filter(({ role }) => role === 'contain');
  switch (state) {
    case 'active':
      return containing.some(({ status }) => inPlace(status));
    case 'undo-partial':
      // What the undo could not revert is in place.
      return containing.some(({ status, doneAt }) => status !== 'undone' && doneAt !== undefined);
    case 'undoing':
    case 'released':
      // It goes last.
      return true;
  }
}

/** What is in place is the proving read's to look at, unless it only prepares. */
const mayBeWorse = ({ status, role }: StepRecord): boolean => {
  switch (status) {
    case 'applying':
    case 'failed':
    case 'drift':
    case 'undoing':
      return true;
    case 'done':
      return role === 'prepare';
    case 'planned':
    case 'already':
    case 'skipped':
    case 'undone':
    case 'kept':
      return false;
  }
};
