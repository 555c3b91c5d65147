/**
 * Reverts what only prepared a containment that failed for good. A containment that may still come, or of which anything is in
 * place, keeps what prepared it; what is not worse than before (a group without members, a label) stays until an undo.
 */
import { type Hold, readSteps, type StepRecord } from './hold.ts';
import {
  contextFor,
  failure,
  isOlderThanReads,
  isOpen,
  type JournalRun,
  kindOf,
  saver,
  standing,
} from './journal.ts';
import { Patience } from './patience.ts';
import { inPlace, type StepContext } from './playbook.ts';
import { advance, proveStep, revertStep, withHold } from './undo.ts';
import { seenWorse } from './worse.ts';

export type PreparedResult =
  /** Something contains or may still, or nothing is worse than before. */
  | { readonly kind: 'nothing' }
  /** The steps that were reverted as far as it goes by now, and what they had left worse. */
  | { readonly kind: 'reverted'; readonly steps: readonly StepRecord[]; readonly worse: readonly string[] };

/**
 * Reverts every preparing step whose live value is worse than before, each only where that is still ours. The hold is then one
 * whose undo is partial: a later decision begins with what is live then, and tries again what AWS had refused.
 */
export async function revertPrepared(run: JournalRun): Promise<PreparedResult> {
  return withHold<PreparedResult>(run, async (read) => {
    const known = await readSteps(run.table, read);
    const context = contextFor(run, read.caseId, known);
    if (!hasFailed(read, known) || (await holdsAnything(run, known, context))) return { kind: 'nothing' };
    const found = await Promise.all(
      known.map(async (step) => {
        const { playbook } = run;
        const worse =
          step.role === 'prepare' && kindOf(playbook, step).revert !== 'keep'
            ? await seenWorse({ playbook, hold: read, steps: known, context }, step)
            : undefined;
        return worse === undefined ? [] : [{ step, text: worse.text }];
      }),
    );
    const left = found.flat();
    if (left.length === 0) return { kind: 'nothing' };
    const save = saver(run.table, read);
    // What was in place once and was removed since holds nothing any more.
    const steps = await Promise.all(
      known.map((step) =>
        step.role === 'contain' && step.doneAt !== undefined && step.status !== 'undone'
          ? save(step, { doneAt: undefined })
          : step,
      ),
    );
    const hold = read.state === 'undo-partial' ? read : await advance(run, read, { state: 'undo-partial' });
    const done = new Map(steps.map((step) => [step.id, step]));
    const patience = new Patience();
    const reverted: StepRecord[] = [];
    for (const { step } of left.toReversed()) {
      const tried = await revertStep(run, hold, step, done, {}, patience);
      const proven = await proveStep(run, hold, tried, done);
      done.set(step.id, proven);
      reverted.push(proven);
    }
    return { kind: 'reverted', steps: reverted, worse: left.map(({ text }) => text) };
  });
}

/** Whether the journal says that the containment failed for good: nothing of it is in place, and no step of it is tried again. */
export function hasFailed({ state }: Pick<Hold, 'state'>, steps: readonly StepRecord[]): boolean {
  const containing = steps.filter(({ role }) => role === 'contain');
  // Where a person chose the preparing steps alone, they are what was decided.
  if (containing.length === 0 || containing.some(({ status }) => inPlace(status))) return false;
  switch (state) {
    case 'active': {
      const own = steps.filter(({ role }) => role === 'contain' || role === 'prepare');
      const needed = new Set(own.flatMap(({ needs }) => needs));
      return steps.every((step) => isFinal(step) || !(own.includes(step) || needed.has(step.id)));
    }
    case 'undo-partial':
      return true;
    case 'undoing':
    case 'released':
      return false;
  }
}

/** Whether containing again leaves the step as it is. */
function isFinal({ status, retry }: StepRecord): boolean {
  switch (status) {
    case 'failed':
      return retry === false;
    case 'planned':
    case 'applying':
    case 'undoing':
      return false;
    case 'done':
    case 'already':
    case 'skipped':
    case 'drift':
    case 'undone':
    case 'kept':
      return true;
  }
}

/** Whether a live read shows anything of the containment; what cannot be read may be in place. */
async function holdsAnything(
  run: JournalRun,
  steps: readonly StepRecord[],
  context: StepContext,
): Promise<boolean> {
  const looks = steps.map(async (step) => {
    const kind = kindOf(run.playbook, step);
    if (step.role !== 'contain' || !isOpen(kind, step)) return false;
    try {
      const { value } = await kind.read(step.args, context);
      switch (standing(kind, step, context, value)) {
        case 'before':
          return step.doneAt !== undefined && !isOlderThanReads(step, run.now());
        case 'ours':
          return true;
        case 'other':
          return step.doneAt !== undefined;
      }
    } catch (error) {
      failure(error); // throws on what is no outcome of a step
      return true;
    }
  });
  return (await Promise.all(looks)).includes(true);
}
