/**
 * Reverts what the journal says is this incident's, and proves it by later reads. AWS may answer a read with what was
 * before for some minutes: a read of the prior value alone proves nothing. It counts once AWS has accepted the revert,
 * once a read has shown what Firebreak wrote, or when the change is older than reads can be.
 */
import { confirmed } from '../aws/fence.ts';
import { isFirebreakError } from '../errors.ts';
import { type Json, own, sameJson } from '../json.ts';
import { fenceOff, type Hold, holdKey, readHold, readSteps, type StepRecord, writeHold } from './hold.ts';
import {
  contextFor,
  driftNote,
  failure,
  isOlderThanReads,
  isOpen,
  type JournalRun,
  kindOf,
  saver,
  stamp,
  standing,
} from './journal.ts';
import { withLease } from './lease.ts';
import { Patience } from './patience.ts';
import { resourceKey } from './playbook.ts';

type LetGo =
  /** Nothing of this incident is in place: never contained, undone before, or contained again for another one. */
  | { readonly kind: 'nothing' }
  /** This incident let go; the resource stays contained for the others. */
  | { readonly kind: 'held'; readonly by: readonly string[] };

/** `reverted`: as far as it goes by now. Nothing is undone before `proveUndo` has seen it. */
export type UndoResult = LetGo | { readonly kind: 'reverted'; readonly steps: readonly StepRecord[] };

export type UndoProof =
  | { readonly kind: 'nothing' }
  /** A later read showed every value as it was, and the hold is released. */
  | { readonly kind: 'undone'; readonly steps: readonly StepRecord[] }
  | {
      readonly kind: 'open';
      readonly steps: readonly StepRecord[];
      /** Those of them that are not proven. */
      readonly open: readonly StepRecord[];
    };

/** Live values that a second person agreed to overwrite, by step id: a step that shows another value by now is left alone. */
export type Overwrites = Readonly<Record<string, Json>>;

/**
 * Undoes this incident's share: lets go of the hold, and if no other incident holds the resource reverts every step in
 * reverse order, each only if the live value is still ours, or exactly the one that people agreed to overwrite. Calling it
 * again before `stopUndo` tries what AWS has not accepted yet.
 */
export async function undo(run: JournalRun, overwrites: Overwrites = {}): Promise<UndoResult> {
  return withHold<UndoResult>(run, async (read) => {
    const others = read.incidents.filter((id) => id !== run.incidentId);
    if (others.length > 0) {
      await advance(run, read, { incidents: others });
      return { kind: 'held', by: others };
    }
    const resumed = read.state === 'undoing';
    const hold = resumed ? read : await advance(run, read, { state: 'undoing' });
    const steps = await readSteps(run.table, hold);
    const done = new Map(steps.map((step) => [step.id, step]));
    const patience = new Patience();
    // What was kept because something else was in place (a group still in use) may go once that has gone.
    let wentOn = !resumed;
    for (const step of [...steps].reverse()) {
      const { revertedAt, status } = step;
      if (resumed && (revertedAt !== undefined || (status === 'kept' && !wentOn))) continue;
      const reverted = await revertStep(run, hold, step, done, overwrites, patience);
      wentOn ||= reverted.revertedAt !== undefined;
      done.set(step.id, reverted);
    }
    return { kind: 'reverted', steps: [...done.values()] };
  });
}

/**
 * Reads every value that `undo` reverted, and releases the hold when all are back. Some time after it: AWS shows a change
 * late. What is open goes on with `undo`, or ends with `stopUndo`.
 */
export async function proveUndo(run: JournalRun): Promise<UndoProof> {
  return withHold<UndoProof>(run, async (hold) => {
    // Reverting has not begun, or another incident joined since: what is in place is in place for it.
    if (hold.state === 'active') return { kind: 'nothing' };
    const steps = await readSteps(run.table, hold);
    const done = new Map(steps.map((step) => [step.id, step]));
    for (const step of steps) done.set(step.id, await proveStep(run, hold, step, done));
    const results = [...done.values()];
    const open = results.filter((step) => isOpen(kindOf(run.playbook, step), step));
    if (open.length > 0) return { kind: 'open', steps: results, open };
    await advance(run, hold, { state: 'released', incidents: [] });
    return { kind: 'undone', steps: results };
  });
}

/**
 * Looks at an undo of a change that no read has shown, which lasts as long as a read can be old; at one that AWS does not show
 * yet; and at one that AWS refuses or someone changed.
 */
const [UNSEEN_LOOKS, MOST_LOOKS, FEW_LOOKS] = [20, 8, 3];

/** Whether an open undo may get further on its own, after so many looks. */
export function mayGoOn(open: readonly StepRecord[], looks: number): boolean {
  const unseen = open.some(
    ({ status, seen, revertedAt }) => status === 'undoing' && seen !== true && revertedAt === undefined,
  );
  if (unseen) return looks < UNSEEN_LOOKS;
  const waits = open.some(
    ({ status, retry }) => status === 'undoing' || (status === 'failed' && retry !== false),
  );
  return looks < (waits ? MOST_LOOKS : FEW_LOOKS);
}

const GAVE_UP = 'the undo gave up before it was confirmed: undo it again';

/** Ends an undo that did not get to its end: it is partial until it is asked for again, and no step says that it is under way. */
export async function stopUndo(run: JournalRun): Promise<void> {
  await withHold<LetGo>(run, async (hold) => {
    const save = saver(run.table, hold);
    for (const step of await readSteps(run.table, hold))
      if (step.status === 'undoing') await save(step, { status: 'failed', note: step.note ?? GAVE_UP });
    if (hold.state === 'undoing') await advance(run, hold, { state: 'undo-partial' });
    return { kind: 'nothing' };
  });
}

/** Lets go of a hold under which nothing was changed, as a read has shown (`begun`). Changes nothing on AWS. */
export async function letGo(run: JournalRun): Promise<void> {
  await withHold<LetGo>(run, async (hold) => {
    const incidents = hold.incidents.filter((id) => id !== run.incidentId);
    if (incidents.length === 0) {
      const save = saver(run.table, hold);
      for (const step of await readSteps(run.table, hold)) {
        if (step.status !== 'applying') continue;
        const note = 'given up before its first change';
        await save(step, { status: 'skipped', before: undefined, after: undefined, note });
      }
    }
    await advance(run, hold, { incidents, ...(incidents.length === 0 ? { state: 'released' } : {}) });
    return { kind: 'nothing' };
  });
}

/** Runs `work` as the one writer of the resource, if this incident holds it. */
export async function withHold<R extends { readonly kind: string }>(
  { table, target, playbook, incidentId, now }: JournalRun,
  work: (hold: Hold) => Promise<R>,
): Promise<R | { readonly kind: 'nothing' }> {
  const key = holdKey(target, playbook.id);
  return withLease(table, resourceKey(target), `${incidentId}:undo`, now, async (displaced) => {
    if (displaced) await fenceOff(table, key);
    const hold = await readHold(table, key);
    if (!hold || hold.state === 'released' || !hold.incidents.includes(incidentId))
      return { kind: 'nothing' };
    return work(hold);
  });
}

/** Stores the hold with what changed of it. */
export async function advance({ table }: JournalRun, hold: Hold, change: Partial<Hold>): Promise<Hold> {
  const next = { ...hold, ...change, version: hold.version + 1 };
  await writeHold(table, next, hold);
  return next;
}

/** Reverts one step where its live value is ours, or the one to overwrite; returns it as it ended. */
export async function revertStep(
  run: JournalRun,
  hold: Hold,
  step: StepRecord,
  all: ReadonlyMap<string, StepRecord>,
  overwrites: Overwrites,
  patience: Patience,
): Promise<StepRecord> {
  const { before, after } = step;
  const kind = kindOf(run.playbook, step);
  // What an earlier undo had to keep (a group still in use) is tried again.
  const open = isOpen(kind, step) || step.status === 'kept';
  if (!open || before === undefined || after === undefined) return step;
  const save = saver(run.table, hold);
  if (kind.revert === 'keep') return save(step, { status: 'kept', note: 'evidence and labels stay' });
  const context = contextFor(run, hold.caseId, all.values());
  let [current, shown]: [StepRecord, string] = [step, ''];
  try {
    const { value: live } = await kind.read(step.args, context);
    const is = standing(kind, step, context, live);
    shown = is;
    const agreed = own(overwrites, step.id);
    if (is === 'before' && isBelieved(step, run.now())) return step;
    if (is === 'other' && !(agreed !== undefined && (kind.same ?? sameJson)(live, agreed)))
      return await save(step, { status: 'drift', note: driftNote(live, after, before) });
    const seen = step.seen === true || is === 'ours' || step.status === 'already';
    current = await save(step, { status: 'undoing', note: undefined, revertedAt: undefined, seen });
    // What people agreed to overwrite is what the step has to expect there.
    const { revert } = kind;
    const found = is === 'other' ? (agreed ?? after) : after;
    const result = await confirmed(() => revert(step.args, context, before, found));
    if (result === 'reverted') return await save(current, { revertedAt: stamp(run) });
    if (result === 'absent') return await save(current, { note: UNSEEN });
    // Of a change that no read shows, nothing can be said yet.
    return await save(current, { status: seen ? 'kept' : 'undoing', note: result.kept });
  } catch (error) {
    if (current !== step && (await patience.again(step.id, error)))
      return revertStep(run, hold, current, all, overwrites, patience);
    // A revert that expects our value there says the same as the read.
    if (shown === 'before' && isFirebreakError(error, 'Drift')) return await save(current, { note: UNSEEN });
    return await save(current, failure(error));
  }
}

/** Returns the step by a later read: undone where that shows what was before. */
export async function proveStep(
  run: JournalRun,
  hold: Hold,
  step: StepRecord,
  all: ReadonlyMap<string, StepRecord>,
): Promise<StepRecord> {
  const kind = kindOf(run.playbook, step);
  const { before, after, revertedAt } = step;
  if (!isOpen(kind, step) || before === undefined || after === undefined) return step;
  const save = saver(run.table, hold);
  const context = contextFor(run, hold.caseId, all.values());
  try {
    const { value: live, output } = await kind.read(step.args, context);
    switch (standing(kind, step, context, live)) {
      case 'before':
        if (isBelieved(step, run.now()))
          return await save(step, { status: 'undone', note: undefined, retry: undefined });
        return step.note === undefined ? await save(step, { note: UNSEEN }) : step;
      case 'ours':
        // Another incident has made one of its own since.
        if (
          kind.shared !== undefined &&
          revertedAt !== undefined &&
          !sameJson(output ?? null, step.output ?? null)
        )
          return await save(step, { status: 'undone', note: undefined, retry: undefined });
        return await save(step, revertedAt === undefined ? { seen: true } : { note: NOT_SHOWN });
      case 'other':
        return await save(step, { status: 'drift', note: driftNote(live, after, before) });
    }
  } catch (error) {
    return await save(step, failure(error));
  }
}

const UNSEEN =
  'AWS shows the value from before the containment, and no read has shown the change yet: it may answer late';
const NOT_SHOWN = 'AWS accepted the revert, and still shows what Firebreak wrote';

/** Whether a read of the prior value says that it is back, and is no old one. */
function isBelieved(step: StepRecord, now: Date): boolean {
  const { seen, revertedAt, doneAt, status, retry } = step;
  // AWS refused the change itself.
  const refused = doneAt === undefined && status === 'failed' && retry === false;
  return seen === true || revertedAt !== undefined || refused || isOlderThanReads(step, now);
}
