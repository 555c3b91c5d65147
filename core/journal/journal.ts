/**
 * Runs the steps of a plan compare-and-set, and takes them back the same way. Contain, resume after a crash, a second
 * run, a second incident and undo are this one mechanism.
 *
 * The rule for every step: read the live value; act only if it is what we expect; store the prior value durably before
 * the change and the result after it. A crash between two of these is mended by reading live state on the next run.
 */
import type { Aws } from '../aws/client.ts';
import { describeError, FirebreakError, isAwsError, isFirebreakError, mayRetry } from '../errors.ts';
import { type Json, type JsonObject, sameJson } from '../json.ts';
import type { Table } from '../table/table.ts';
import {
  enterHold,
  type Hold,
  holdKey,
  readHold,
  readSteps,
  type StepRecord,
  writeHold,
  writeStep,
} from './hold.ts';
import { withLease } from './lease.ts';
import { Patience } from './patience.ts';
import {
  type PlannedStep,
  type Playbook,
  resourceKey,
  type StepContext,
  type StepKind,
  type StepStatus,
  stepKindNamed,
  type Target,
} from './playbook.ts';
import { worseNow } from './worse.ts';

interface JournalDeps {
  readonly table: Table;
  readonly aws: Aws;
  readonly now: () => Date;
}

export interface JournalRun extends JournalDeps {
  readonly playbook: Playbook;
  readonly target: Target;
  readonly incidentId: string;
  /** Settings of the playbook in policy.yml. */
  readonly settings?: JsonObject | undefined;
  /** Called after every batch with the steps as they stand; must return at once. */
  readonly onProgress?: ((steps: readonly StepRecord[]) => void) | undefined;
}

export interface ContainResult {
  readonly caseId: string;
  /** True when another incident had contained the resource before. */
  readonly joined: boolean;
  readonly steps: readonly StepRecord[];
}

export type UndoResult =
  /** Nothing of this incident is in place (never contained, or undone before). */
  | { readonly kind: 'nothing' }
  /** This incident let go; the resource stays contained for the others. */
  | { readonly kind: 'held'; readonly by: readonly string[] }
  | { readonly kind: 'undone'; readonly steps: readonly StepRecord[] }
  /** Some steps drifted or failed; calling undo again tries those. */
  | { readonly kind: 'partial'; readonly steps: readonly StepRecord[] };

/**
 * Contains: enters the hold, then runs every step that is not in place. A step that fails does not stop the others
 * except those that need it. Throws only what is no outcome of a step (`ResourceBusy`, a lost database, a bug), and
 * calling it again then goes on where it stopped.
 */
export async function contain(run: JournalRun, planned: readonly PlannedStep[]): Promise<ContainResult> {
  const { table, target, playbook, incidentId, now } = run;
  return withLease(table, resourceKey(target), incidentId, now, async () => {
    const { hold, steps, joined } = await enterHold(table, holdKey(target, playbook.id), incidentId, planned);
    const done = new Map(steps.map((step) => [step.id, step]));
    const patience = new Patience();
    for (const batch of batches(steps)) {
      const before = new Map(done);
      // Every one of the batch is waited for, also when one throws: the lease must not be given back under a running step.
      const ends = await Promise.allSettled(
        batch.map((step) => {
          const blocker = step.needs
            .map((id) => before.get(id))
            .find((need) => !need || !inPlace(need.status));
          return containStep(run, hold, step, before, blocker?.id, patience);
        }),
      );
      for (const end of ends) {
        if (end.status === 'rejected') throw end.reason;
        done.set(end.value.id, end.value);
      }
      run.onProgress?.([...done.values()]);
    }
    return { caseId: hold.caseId, joined, steps: [...done.values()] };
  });
}

/** Live values that a second person agreed to overwrite, by step id: a step that shows another value by now is left alone. */
export type Overwrites = Readonly<Record<string, Json>>;

/**
 * Undoes this incident's share: lets go of the hold, and if nobody else holds the resource takes every step back in
 * reverse order, each only if the live value is still ours, or exactly the one that people agreed to overwrite.
 */
export async function undo(run: JournalRun, overwrites: Overwrites = {}): Promise<UndoResult> {
  const { table, target, playbook, incidentId, now } = run;
  return withLease(table, resourceKey(target), `${incidentId}:undo`, now, async () => {
    const read = await readHold(table, holdKey(target, playbook.id));
    if (!read || read.state === 'released' || !read.incidents.includes(incidentId))
      return { kind: 'nothing' };
    const others = read.incidents.filter((id) => id !== incidentId);
    if (others.length > 0) {
      await writeHold(table, { ...read, incidents: others, version: read.version + 1 }, read);
      return { kind: 'held', by: others };
    }
    const undoing: Hold = { ...read, state: 'undoing', version: read.version + 1 };
    await writeHold(table, undoing, read);
    const steps = await readSteps(table, undoing);
    const done = new Map(steps.map((step) => [step.id, step]));
    const patience = new Patience();
    for (const step of [...steps].reverse()) {
      done.set(step.id, await undoStep(run, undoing, step, done, overwrites, patience));
    }
    const results = [...done.values()];
    const open = results.some(
      ({ status }) => status === 'drift' || status === 'failed' || status === 'undoing',
    );
    await writeHold(
      table,
      {
        ...undoing,
        state: open ? 'undo-partial' : 'released',
        incidents: open ? undoing.incidents : [],
        version: undoing.version + 1,
      },
      undoing,
    );
    return { kind: open ? 'partial' : 'undone', steps: results };
  });
}

/** What undoing would do with one step, by the live value as it is now. */
export interface UndoPreviewStep {
  readonly step: StepRecord;
  /**
   * restore: ours, and given back · nothing: not changed by us, or given back before · keep: evidence and labels stay ·
   * leave: somebody else changed it · unknown: it cannot be read now, `why` says more.
   */
  readonly will: 'restore' | 'nothing' | 'keep' | 'leave' | 'unknown';
  readonly live?: Json;
  readonly why?: string;
}

export interface UndoPreview {
  /** Other incidents that hold the resource: it stays contained for them, and no step is taken back. */
  readonly heldBy: readonly string[];
  /** False when nothing of this incident is in place. */
  readonly holds: boolean;
  /** In the order of undo: the last step first. */
  readonly steps: readonly UndoPreviewStep[];
}

/** What `undo` would do now. Reads only. */
export async function previewUndo(run: JournalRun): Promise<UndoPreview> {
  const hold = await readHold(run.table, holdKey(run.target, run.playbook.id));
  if (!hold) return { heldBy: [], holds: false, steps: [] };
  const records = await readSteps(run.table, hold);
  const holds = hold.state !== 'released' && hold.incidents.includes(run.incidentId);
  const context = contextFor(run, hold.caseId, records);
  const steps = await Promise.all(
    [...records].reverse().map(async (step): Promise<UndoPreviewStep> => {
      const { before, after } = step;
      const open = captured(step) || step.status === 'kept';
      if (!holds || !open || before === undefined || after === undefined) return { step, will: 'nothing' };
      const kind = kindOf(run.playbook, step);
      if (kind.revert === 'keep') return { step, will: 'keep' };
      try {
        const { value: live } = await kind.read(step.args, context);
        if ((kind.same ?? sameJson)(live, before)) return { step, will: 'nothing', live };
        return { step, will: isOurs(kind, step, context, live, after) ? 'restore' : 'leave', live };
      } catch (error) {
        return { step, will: 'unknown', why: failure(error).note ?? '' };
      }
    }),
  );
  return { heldBy: holds ? hold.incidents.filter((id) => id !== run.incidentId) : [], holds, steps };
}

/** A step that an undo left alone because somebody else had changed the value: what is there now, and what was before us. */
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
    const { before, after } = step;
    if (step.status !== 'drift' || before === undefined || after === undefined) continue;
    const kind = kindOf(run.playbook, step);
    if (kind.revert === 'keep') continue;
    const live = await readable(kind.read(step.args, context));
    // Undo reports a record that does not fit its kind, and leaves the value alone.
    if (!live || (await readable(compared(kind, step, context, live.value, before, after))) !== 'other')
      continue;
    drifts.push({ step: step.id, describe: step.describe, live: live.value, before });
  }
  return drifts;
}

/** Whether the live value is the one before, ours, or another. */
async function compared(
  kind: StepKind,
  step: StepRecord,
  context: StepContext,
  live: Json,
  before: Json,
  after: Json,
): Promise<'before' | 'ours' | 'other'> {
  if ((kind.same ?? sameJson)(live, before)) return 'before';
  return isOurs(kind, step, context, live, after) ? 'ours' : 'other';
}

async function readable<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    failure(error); // throws on what is no outcome of a step
    return undefined;
  }
}

/** Neighbours that may run at the same time; one that needs another of its batch begins a new one. */
function batches(steps: readonly StepRecord[]): readonly (readonly StepRecord[])[] {
  const all: StepRecord[][] = [];
  for (const step of steps) {
    const last = all.at(-1);
    const joins =
      step.together !== undefined &&
      last?.[0]?.together === step.together &&
      !last.some(({ id }) => step.needs.includes(id));
    if (last && joins) last.push(step);
    else all.push([step]);
  }
  return all;
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

/** The journal of a resource as it stands; empty when the playbook never touched it. */
export async function journalOf(
  table: Table,
  target: Target,
  playbookId: string,
): Promise<readonly StepRecord[]> {
  const hold = await readHold(table, holdKey(target, playbookId));
  return hold ? readSteps(table, hold) : [];
}

/** Who holds the resource now, and the id that names and tags on AWS carry. */
export const holdOf = (table: Table, target: Target, playbookId: string): Promise<Hold | undefined> =>
  readHold(table, holdKey(target, playbookId));

export const inPlace = (status: StepStatus): boolean => status === 'done' || status === 'already';

/** The context that a playbook's step kinds and its verify get. */
export function contextFor(
  { aws, target, now, settings }: JournalRun,
  caseId: string,
  steps: Iterable<StepRecord>,
): StepContext {
  const outputs: Record<string, Json> = {};
  for (const step of steps) if (step.output !== undefined) outputs[step.id] = step.output;
  return { target, aws, caseId, outputs, now, settings };
}

function kindOf(playbook: Playbook, step: StepRecord): StepKind {
  const kind = stepKindNamed(playbook.kinds, step.kind);
  if (kind) return kind;
  throw new FirebreakError('StepFailed', `playbook ${playbook.id} has no step kind ${step.kind}`, {
    resource: step.id,
    next: 'The journal was written by another version of Firebreak: deploy that version to undo it.',
  });
}

const leftWorse = async (
  run: JournalRun,
  hold: Hold,
  step: StepRecord,
  all: ReadonlyMap<string, StepRecord>,
): Promise<boolean> => {
  const steps = [...all.values()];
  const { playbook } = run;
  const context = contextFor(run, hold.caseId, steps);
  return (await worseNow({ playbook, hold, steps, context }, step)) !== undefined;
};

async function containStep(
  run: JournalRun,
  hold: Hold,
  step: StepRecord,
  all: ReadonlyMap<string, StepRecord>,
  blockedBy: string | undefined,
  patience: Patience,
): Promise<StepRecord> {
  // An error that a retry does not mend was told; trying it again would only be noise (and AccessDenied alarms). What it left
  // worse than it was is no one else's to close.
  const isFinal = step.status === 'failed' && step.retry === false && hold.caseId === run.incidentId;
  if (isFinal && !(await leftWorse(run, hold, step, all))) return step;
  const save = saver(run.table, hold);
  if (blockedBy !== undefined)
    return save(step, { status: 'skipped', note: `needs ${blockedBy}, which is not done` });

  const kind = kindOf(run.playbook, step);
  const context = contextFor(run, hold.caseId, all.values());
  const same = kind.same ?? sameJson;
  let current = step;
  try {
    const live = await kind.read(step.args, context);
    let { before, after } = step;
    if (!captured(step) || before === undefined || after === undefined) {
      before = live.value;
      after = await kind.after(step.args, context, before);
      if (same(before, after)) {
        return await save(step, {
          status: 'already',
          before,
          after,
          output: live.output,
          doneAt: stamp(run),
        });
      }
      current = await save(step, { status: 'applying', before, after, note: undefined });
    } else if (same(live.value, after) || kind.covers?.(live.value, after)) {
      if (step.status === 'done') return step;
      return await save(step, { status: 'done', output: live.output, doneAt: stamp(run), note: undefined });
    } else if (same(live.value, before) || ours(kind, step, context, live.value)) {
      // Nothing final of ours is in place, so what is wanted is asked anew: ids of what earlier steps made may be others
      // by now (a quarantine group that an undo of another incident deleted), and undo must know the value that was written.
      after = await kind.after(step.args, context, before);
      current = await save(step, { status: 'applying', after, note: undefined });
    } else {
      return await save(step, { status: 'drift', note: driftNote(live.value, before, after) });
    }
    const output = await kind.apply(step.args, context, before, after);
    return await save(current, { status: 'done', output: output ?? live.output, doneAt: stamp(run) });
  } catch (error) {
    if (current !== step && (await patience.again(step.id, error)))
      return containStep(run, hold, current, all, blockedBy, patience);
    return await save(current, failure(error));
  }
}

async function undoStep(
  run: JournalRun,
  hold: Hold,
  step: StepRecord,
  all: ReadonlyMap<string, StepRecord>,
  overwrites: Overwrites,
  patience: Patience,
): Promise<StepRecord> {
  const { before, after } = step;
  // Never changed by us (planned, skipped, failed before capture), found as wanted, or taken back already. What an earlier
  // undo had to keep (a group still in use) is tried again.
  const open = captured(step) || step.status === 'kept';
  if (!open || before === undefined || after === undefined) return step;
  const save = saver(run.table, hold);
  const kind = kindOf(run.playbook, step);
  if (kind.revert === 'keep') return save(step, { status: 'kept', note: 'evidence and labels stay' });

  const context = contextFor(run, hold.caseId, all.values());
  const same = kind.same ?? sameJson;
  let current = step;
  try {
    const live = await kind.read(step.args, context);
    if (same(live.value, before)) return await save(step, { status: 'undone', note: undefined });
    const agreed = overwrites[step.id];
    const stillOurs = isOurs(kind, step, context, live.value, after);
    if (!stillOurs && !(agreed !== undefined && same(live.value, agreed)))
      return await save(step, { status: 'drift', note: driftNote(live.value, after, before) });
    current = await save(step, { status: 'undoing', note: undefined });
    // What people agreed to overwrite is what the step has to expect there.
    const result = await kind.revert(step.args, context, before, stillOurs ? after : (agreed ?? after));
    return result === 'reverted'
      ? await save(current, { status: 'undone' })
      : await save(current, { status: 'kept', note: result.kept });
  } catch (error) {
    if (current !== step && (await patience.again(step.id, error)))
      return undoStep(run, hold, current, all, overwrites, patience);
    return await save(current, failure(error));
  }
}

/** True when the record's prior value is the one to go back to. */
const captured = ({ status, before }: StepRecord): boolean =>
  before !== undefined && status !== 'already' && status !== 'undone' && status !== 'kept';

/** What we wrote, more than we wrote of what only moves forward, or what an interrupted write of ours left. */
const isOurs = (kind: StepKind, step: StepRecord, context: StepContext, live: Json, after: Json): boolean =>
  (kind.same ?? sameJson)(live, after) ||
  kind.covers?.(live, after) === true ||
  ours(kind, step, context, live);

const ours = (kind: StepKind, step: StepRecord, context: StepContext, live: Json): boolean =>
  (kind.between?.(step.args, context) ?? []).some((value) => (kind.same ?? sameJson)(value, live));

const stamp = ({ now }: JournalRun): string => now().toISOString();

const saver =
  (table: Table, hold: Hold) =>
  async (step: StepRecord, change: Partial<StepRecord>): Promise<StepRecord> => {
    const next = { ...step, ...change };
    await writeStep(table, hold, next, step.status);
    return next;
  };

/** What a step's own error becomes. Anything else (a bug, a lost database, a busy resource) is thrown on. */
function failure(error: unknown): Partial<StepRecord> {
  if (isFirebreakError(error, 'ResourceBusy')) throw error;
  if (isFirebreakError(error, 'Drift')) return { status: 'drift', note: describeError(error) };
  if (error instanceof FirebreakError || isAwsError(error)) {
    return { status: 'failed', note: describeError(error), retry: mayRetry(error) };
  }
  throw error;
}

const driftNote = (live: Json, expected: Json, wanted: Json): string =>
  `DRIFT: live is ${short(live)}, expected ${short(expected)} or ${short(wanted)}; somebody else changed it, so a person decides`;
const short = (value: Json): string => {
  const text = JSON.stringify(value);
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
};
