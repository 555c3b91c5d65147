/** What an undo would do now, and how far a containment has come: reads only. */
import type { Json } from '../json.ts';
import { holdKey, readHold, readSteps, type StepRecord } from './hold.ts';
import { captured, contextFor, failure, isOpen, type JournalRun, kindOf, standing } from './journal.ts';

/** What undoing would do with one step, by the live value as it is now. */
export interface UndoPreviewStep {
  readonly step: StepRecord;
  /**
   * restore: ours, and restored · nothing: not changed by us, or restored before · keep: evidence and labels stay ·
   * leave: it was changed by another hand · unknown: it cannot be read now, `why` says more.
   */
  readonly will: 'restore' | 'nothing' | 'keep' | 'leave' | 'unknown';
  readonly live?: Json;
  readonly why?: string;
}

export interface UndoPreview {
  /** Other incidents that hold the resource: it stays contained for them, and no step is reverted. */
  readonly heldBy: readonly string[];
  /** False when nothing of this incident is in place. */
  readonly holds: boolean;
  /** In the order of undo: the last step first. */
  readonly steps: readonly UndoPreviewStep[];
}

const WILL = { before: 'nothing', ours: 'restore', other: 'leave' } as const;

/** What `undo` would do now. Reads only. */
export async function previewUndo(run: JournalRun): Promise<UndoPreview> {
  const hold = await readHold(run.table, holdKey(run.target, run.playbook.id));
  if (!hold) return { heldBy: [], holds: false, steps: [] };
  const records = await readSteps(run.table, hold);
  const holds = hold.state !== 'released' && hold.incidents.includes(run.incidentId);
  const context = contextFor(run, hold.caseId, records);
  const steps = await Promise.all(
    [...records].reverse().map(async (step): Promise<UndoPreviewStep> => {
      const kind = kindOf(run.playbook, step);
      if (!holds || !(isOpen(kind, step) || step.status === 'kept')) return { step, will: 'nothing' };
      if (kind.revert === 'keep') return { step, will: 'keep' };
      try {
        const { value: live } = await kind.read(step.args, context);
        return { step, will: WILL[standing(kind, step, context, live)], live };
      } catch (error) {
        return { step, will: 'unknown', why: failure(error).note ?? '' };
      }
    }),
  );
  return { heldBy: holds ? hold.incidents.filter((id) => id !== run.incidentId) : [], holds, steps };
}

/** A step that an undo left alone because the value was changed by another hand: what is there now, and what was before us. */
export interface Drift {
  readonly step: string;
  readonly describe: string;
  readonly live: Json;
  readonly before: Json;
}

/**
 * What undoing this incident again would have to overwrite. Empty unless an undo of it ended with drift, and where the
 * value is ours or restored by now. A value that cannot be read is left out: undo tries it again and says why.
 */
export async function driftsOf(run: JournalRun): Promise<readonly Drift[]> {
  const hold = await readHold(run.table, holdKey(run.target, run.playbook.id));
  if (hold?.state !== 'undo-partial' || hold.incidents.join() !== run.incidentId) return [];
  const steps = await readSteps(run.table, hold);
  const context = contextFor(run, hold.caseId, steps);
  const drifts: Drift[] = [];
  for (const step of steps) {
    const { before } = step;
    if (step.status !== 'drift' || !captured(step) || before === undefined) continue;
    const kind = kindOf(run.playbook, step);
    if (kind.revert === 'keep') continue;
    // Undo reports a record that does not fit its kind, and leaves the value alone.
    const live = await readable(async () => {
      const { value } = await kind.read(step.args, context);
      return { value, is: standing(kind, step, context, value) };
    });
    if (live?.is !== 'other') continue;
    drifts.push({ step: step.id, describe: step.describe, live: live.value, before });
  }
  return drifts;
}

async function readable<T>(reading: () => Promise<T>): Promise<T | undefined> {
  try {
    return await reading();
  } catch (error) {
    failure(error); // throws on what is no outcome of a step
    return undefined;
  }
}

/**
 * How far this incident's containment of the target has come. nothing: AWS was not changed by it, or by labels and
 * evidence alone · half: a step was changing AWS, or some are in place and others were never tried · ended: every step
 * has an outcome. Reads live only where a step was interrupted: only that tells whether its change was made.
 */
export async function begun(run: JournalRun): Promise<'nothing' | 'half' | 'ended'> {
  const hold = await readHold(run.table, holdKey(run.target, run.playbook.id));
  if (!hold || hold.state === 'released' || !hold.incidents.includes(run.incidentId)) return 'nothing';
  const steps = await readSteps(run.table, hold);
  const changes = (step: StepRecord) => kindOf(run.playbook, step).revert !== 'keep';
  // A step that failed or drifted may have changed AWS as well.
  const done = steps.some((step) => step.status !== 'applying' && captured(step) && changes(step));
  if (!steps.some(({ status }) => status === 'planned' || status === 'applying'))
    return done ? 'ended' : 'nothing';
  if (done) return 'half';
  if (!steps.some((step) => step.status === 'applying' && changes(step))) return 'nothing';
  const preview = await previewUndo(run);
  const made = preview.steps.some(
    ({ step, will }) => step.status === 'applying' && changes(step) && will !== 'nothing',
  );
  return made ? 'half' : 'nothing';
}
