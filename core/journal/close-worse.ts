/** Ends what a containment left worse than it was, where its steps go neither on nor back. */
import { describeError } from '../errors.ts';
import { readSteps, type StepRecord } from './hold.ts';
import { contextFor, failure, type JournalRun, kindOf, saver } from './journal.ts';
import { withHold } from './undo.ts';
import { seenWorse } from './worse.ts';

/**
 * Closes every step whose live value is worse than before, whatever its status says; the status stays, since the step is
 * neither done nor undone. Returns the steps that could not be closed, with the reason. An undo that is under way ends its own.
 */
export async function closeWorse(run: JournalRun): Promise<readonly StepRecord[]> {
  const result = await withHold(run, async (hold) => {
    if (hold.state === 'undoing') return { kind: 'nothing' };
    const steps = await readSteps(run.table, hold);
    const context = contextFor(run, hold.caseId, steps);
    const save = saver(run.table, hold);
    const open: StepRecord[] = [];
    for (const step of steps) {
      const { close } = kindOf(run.playbook, step);
      const found = close && (await seenWorse({ playbook: run.playbook, hold, steps, context }, step));
      if (!close || !found?.seen) continue;
      try {
        await close(step.args, context, found.seen);
        await save(step, { note: `ended: ${found.text}` });
      } catch (error) {
        failure(error); // throws on what is no outcome of a step
        open.push(await save(step, { note: describeError(error) }));
      }
    }
    return { kind: 'closed', open };
  });
  return result.kind === 'closed' && 'open' in result ? result.open : [];
}
