/**
 * Runs the steps of a plan compare-and-set, and reverts them the same way. Contain, resume after a crash, a second
 * run, a second incident and undo are this one mechanism.
 *
 * The rule for every step: read the live value; act only if it is what we expect; store the prior value durably before
 * the change and the result after it. A crash between two of these is fixed by reading live state on the next run.
 */
import type { Aws } from '../aws/client.ts';
import { confirmed } from '../aws/fence.ts';
import { unawaited } from '../beside.ts';
import {
  describeError,
  FirebreakError,
  isAwsError,
  isFirebreakError,
  isOutOfTurn,
  mayRetry,
} from '../errors.ts';
import { type Json, type JsonObject, sameJson } from '../json.ts';
import type { Table } from '../table/table.ts';
import {
  enterHold,
  fenceOff,
  following,
  type Hold,
  holdKey,
  type Left,
  readHold,
  readSteps,
  type StepRecord,
  writeStep,
} from './hold.ts';
import { withLease } from './lease.ts';
import { Patience } from './patience.ts';
import {
  type Apply,
  inPlace,
  type PlannedStep,
  type Playbook,
  resourceKey,
  type StepContext,
  type StepKind,
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
  /** Called at the start; nothing is written before it settles, and nothing at all where it throws. */
  readonly clear?: (() => Promise<void>) | undefined;
}

export interface ContainResult {
  readonly caseId: string;
  /** True when another incident had contained the resource before. */
  readonly joined: boolean;
  readonly steps: readonly StepRecord[];
}

/**
 * Contains: enters the hold, then runs every step that is not in place. A step that fails does not stop the others
 * except those that need it. Throws only what is no outcome of a step (`ResourceBusy`, `Superseded`, a lost database, a bug), and
 * calling it again then goes on where it stopped.
 */
export async function contain(run: JournalRun, planned: readonly PlannedStep[]): Promise<ContainResult> {
  const { table, target, playbook, incidentId, now } = run;
  const key = holdKey(target, playbook.id);
  const clear = unawaited(run.clear?.() ?? Promise.resolve());
  const early = unawaited(readHold(table, key));
  return withLease(table, resourceKey(target), incidentId, now, async (displaced) => {
    if (displaced) await fenceOff(table, key);
    const found = displaced ? await readHold(table, key) : await early;
    const entering = { left: leftBy(run), early: found, clear, begin: beginning(run, planned) };
    const entered = await enterHold(table, key, incidentId, planned, entering);
    const { hold, steps, joined, stored } = entered;
    const done = new Map(steps.map((step) => [step.id, step]));
    const shared = {
      ...{ run, hold, stored, begun: new Set(entered.begun), patience: new Patience() },
      expected: new Map(planned.map(({ id, before }) => [id, before])),
    };
    // The reads of a batch go on next to the last writes of the one before; its own first write waits for them.
    let before = unawaited(stored);
    for (const batch of batches(steps)) {
      const known = new Map(done);
      const saved: Promise<unknown>[] = [before];
      const save = saver(table, hold, before);
      // Every one of the batch is waited for, also when one throws: the lease must not be released under a running step.
      const ends = await Promise.allSettled(
        batch.map(async (step) => {
          const blocker = step.needs
            .map((id) => known.get(id))
            .find((need) => !need || !inPlace(need.status));
          const end = await containStep({ ...shared, save, ready: before }, step, known, blocker?.id);
          saved.push(unawaited(end.saved));
          return end.step;
        }),
      );
      before = unawaited(Promise.all(saved).then(() => undefined));
      const failed = ends.find((end) => end.status === 'rejected');
      if (failed) {
        await Promise.allSettled(saved);
        throw failed.reason;
      }
      for (const end of ends) if (end.status === 'fulfilled') done.set(end.value.id, end.value);
      run.onProgress?.([...done.values()]);
    }
    await before;
    return { caseId: hold.caseId, joined, steps: [...done.values()] };
  });
}

/** Returns with what the steps of the first batch are stored as tried, where their kind expects what the plan saw. */
function beginning(run: JournalRun, planned: readonly PlannedStep[]) {
  const first = new Set(batches(planned)[0]);
  return async (caseId: string, step: PlannedStep): Promise<Partial<StepRecord> | undefined> => {
    if (!first.has(step) || (step.needs ?? []).length > 0) return undefined;
    const kind = stepKindNamed(run.playbook.kinds, step.kind);
    try {
      return kind && (await expectation(run, kind, step, contextFor(run, caseId, [])));
    } catch (error) {
      // The step itself meets it, and ends by it.
      failure(error);
      return undefined;
    }
  };
}

/** What a step is stored with when it is tried on what the plan saw; undefined where the kind does not expect that, or it is in place. */
async function expectation(
  run: JournalRun,
  kind: StepKind,
  { args, before }: Pick<PlannedStep, 'args' | 'before'>,
  context: StepContext,
): Promise<(Partial<StepRecord> & Pick<PlannedStep, 'before' | 'after'>) | undefined> {
  if (kind.expects !== true) return undefined;
  const after = await kind.after(args, context, before);
  return (kind.same ?? sameJson)(before, after) ? undefined : { ...trying(run), before, after };
}

/** What an earlier containment left of its changes, by live reads. */
const leftBy = (run: JournalRun): Left => {
  const look = async (hold: Hold, steps: readonly StepRecord[]) => {
    const context = contextFor(run, hold.caseId, steps);
    const looks = steps.map(async (step) => {
      const kind = stepKindNamed(run.playbook.kinds, step.kind);
      if (!kind || kind.revert === 'keep' || !captured(step)) return [];
      try {
        const { value } = await kind.read(step.args, context);
        return [{ step, is: standing(kind, step, context, value) }];
      } catch (error) {
        failure(error); // throws on what is no outcome of a step
        return [{ step, is: 'unread' as const }];
      }
    });
    return (await Promise.all(looks)).flat();
  };
  return {
    async inPlace(hold, steps) {
      const looked = (await look(hold, steps)).filter(({ is }) => is === 'ours' || is === 'unread');
      return looked.map(({ step, is }): StepRecord => {
        const settled = { ...step, note: undefined, retry: undefined };
        // What was reverted a moment ago may be shown as it was before that: it is changed again in any case.
        return is === 'unread' || step.status === 'undoing' ? settled : { ...settled, status: 'done' };
      });
    },
    async changed(hold, steps) {
      const old = steps.filter((step) => isOlderThanReads(step, run.now()));
      const looked = await look(hold, old);
      return new Set(looked.flatMap(({ step, is }) => (is === 'other' ? [step.id] : [])));
    },
  };
};

/** Longer than a read of AWS answers an old value: EC2 and IAM speak of minutes. [M] */
const OLDEST_READ_MS = 15 * 60_000;

/** True where no read can show any more what was before the change of the step. */
export function isOlderThanReads({ triedAt, doneAt }: StepRecord, now: Date): boolean {
  const changed = Date.parse(triedAt ?? doneAt ?? '');
  return Number.isNaN(changed) || now.getTime() - changed >= OLDEST_READ_MS;
}

/** Neighbours that may run at the same time; one that needs another of its batch begins a new one. */
function batches<S extends Partial<Pick<StepRecord, 'together' | 'needs'>> & Pick<StepRecord, 'id'>>(
  steps: readonly S[],
): readonly (readonly S[])[] {
  const all: S[][] = [];
  for (const step of steps) {
    const last = all.at(-1);
    const joins =
      step.together !== undefined &&
      last?.[0]?.together === step.together &&
      !last.some(({ id }) => step.needs?.includes(id));
    if (last && joins) last.push(step);
    else all.push([step]);
  }
  return all;
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

/** The context that a playbook's step kinds and its verify get. */
export function contextFor(
  { aws, target, now, settings }: JournalRun,
  caseId: string,
  steps: Iterable<StepRecord>,
): StepContext {
  const outputs = Object.fromEntries(
    [...steps].flatMap(({ id, output }) => (output === undefined ? [] : [[id, output] as const])),
  );
  return { target, aws, caseId, outputs, now, settings };
}

export function kindOf(playbook: Playbook, step: StepRecord): StepKind {
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

/** The change of a step, once it has looked at what it must know: that goes on next to the record that it is tried. */
const readyFor = async (kind: StepKind, { args }: StepRecord, context: StepContext): Promise<Apply> =>
  kind.ready ? kind.ready(args, context) : (before, after) => kind.apply(args, context, before, after);

interface Containing {
  readonly run: JournalRun;
  readonly hold: Hold;
  readonly save: Save;
  readonly patience: Patience;
  /** Settles when the hold is stored. */
  readonly stored: Promise<unknown>;
  /** Settles when all that was done before is stored: nothing is changed earlier. */
  readonly ready: Promise<unknown>;
  /** Steps that the hold was stored with as tried, and that were not looked at yet. */
  readonly begun: Set<string>;
  /** What the plan saw, by step. */
  readonly expected: ReadonlyMap<string, Json>;
}

/** A step that is tried on what the plan saw, next to the read that confirms it. */
interface Expecting {
  readonly before: Json;
  readonly after: Json;
  readonly apply: Promise<Apply>;
  /** The step as it is stored. */
  readonly record: StepRecord;
}

/** Stores the step as tried where its kind expects what the plan saw; undefined where it does not. */
async function expecting(
  { run, hold, begun, stored, expected }: Containing,
  kind: StepKind,
  step: StepRecord,
  context: StepContext,
): Promise<Expecting | undefined> {
  const apply = () => unawaited(readyFor(kind, step, context));
  const { before, after } = step;
  if (begun.delete(step.id) && before !== undefined && after !== undefined)
    return { before, after, apply: apply(), record: step };
  const saw = expected.get(step.id);
  if (step.status !== 'planned' || saw === undefined) return undefined;
  const tried = await expectation(run, kind, { args: step.args, before: saw }, context);
  if (!tried) return undefined;
  const started = apply();
  await stored;
  const record = await writeStep(run.table, hold, { ...step, ...tried }, step);
  return { before: tried.before, after: tried.after, apply: started, record };
}

/** A step as it ended; what follows may read, and must not write before `saved`. */
interface Ended {
  readonly step: StepRecord;
  readonly saved: Promise<unknown>;
}

async function containStep(
  containing: Containing,
  step: StepRecord,
  all: ReadonlyMap<string, StepRecord>,
  blockedBy: string | undefined,
): Promise<Ended> {
  const { run, hold, save, patience } = containing;
  const unchanged: Ended = { step, saved: Promise.resolve() };
  const ending = (from: StepRecord, change: Partial<StepRecord>): Ended => ({
    step: following(from, { ...from, ...change }),
    saved: save(from, change),
  });
  // An error that a retry does not fix was reported; trying it again would only be noise (and AccessDenied alarms). What it left
  // worse than it was is no one else's to close.
  const isFinal = step.status === 'failed' && step.retry === false && hold.caseId === run.incidentId;
  if (isFinal && !(await leftWorse(run, hold, step, all))) return unchanged;
  if (blockedBy !== undefined)
    return ending(step, { status: 'skipped', note: `needs ${blockedBy}, which is not done` });

  const kind = kindOf(run.playbook, step);
  const context = contextFor(run, hold.caseId, all.values());
  const same = kind.same ?? sameJson;
  let current = step;
  let isTried = false;
  try {
    const reading = unawaited(kind.read(step.args, context));
    const early = await expecting(containing, kind, step, context);
    current = early?.record ?? step;
    const live = await reading;
    // AWS accepted an undo's revert, and may still show what was there: it is written again.
    const reverted =
      step.revertedAt !== undefined &&
      step.after !== undefined &&
      (same(live.value, step.after) || kind.covers?.(live.value, step.after) === true);
    let { before, after } = step;
    let apply: Promise<Apply>;
    if (early && same(live.value, early.before)) {
      ({ before, after, apply } = early);
      await containing.ready;
    } else if (early || !captured(step) || before === undefined || after === undefined) {
      before = live.value;
      after = await kind.after(step.args, context, before);
      if (same(before, after))
        return ending(current, {
          ...{ status: 'already', before, after, output: live.output, doneAt: stamp(run) },
          triedAt: undefined,
        });
      apply = early?.apply ?? unawaited(readyFor(kind, step, context));
      current = await save(current, { ...trying(run), before, after });
    } else if (!reverted && (same(live.value, after) || kind.covers?.(live.value, after))) {
      if (step.status === 'done') return unchanged;
      return ending(step, { status: 'done', output: live.output, doneAt: stamp(run), note: undefined });
    } else if (reverted || same(live.value, before) || ours(kind, step, context, live.value)) {
      // Nothing final of ours is in place, so what is wanted is asked again: ids of what earlier steps made may be others
      // by now (a quarantine group that an undo of another incident deleted), and undo must know the value that was written.
      after = await kind.after(step.args, context, before);
      apply = unawaited(readyFor(kind, step, context));
      current = await save(step, { ...trying(run), after });
    } else {
      return ending(step, { status: 'drift', note: driftNote(live.value, before, after) });
    }
    isTried = true;
    const change = await apply;
    const output = await confirmed(() => change(before, after));
    return ending(current, { status: 'done', output: output ?? live.output, doneAt: stamp(run) });
  } catch (error) {
    if (isTried && (await patience.again(step.id, error)))
      return containStep(containing, current, all, blockedBy);
    return ending(current, failure(error));
  }
}

/** True when the record's prior value is the one to go back to. */
export const captured = ({ status, before }: StepRecord): boolean =>
  before !== undefined && status !== 'already' && status !== 'undone' && status !== 'kept';

/** What undo has to see: what was before us, or that what incidents share is gone. */
const goalOf = (kind: StepKind, { before }: StepRecord): Json | undefined => kind.shared ?? before;

/** True while the journal says that an undo has something to revert, or to prove. */
export const isOpen = (kind: StepKind, step: StepRecord): boolean =>
  step.after !== undefined && (captured(step) || (kind.shared !== undefined && step.status === 'already'));

/** Whose the live value is: the one that undo restores, ours, or another. */
export function standing(
  kind: StepKind,
  step: StepRecord,
  context: StepContext,
  live: Json,
): 'before' | 'ours' | 'other' {
  const goal = goalOf(kind, step);
  if (goal !== undefined && (kind.same ?? sameJson)(live, goal)) return 'before';
  return step.after !== undefined && isOurs(kind, step, context, live, step.after) ? 'ours' : 'other';
}

/** What we wrote, more than we wrote of what only moves forward, or what an interrupted write of ours left. */
const isOurs = (kind: StepKind, step: StepRecord, context: StepContext, live: Json, after: Json): boolean =>
  (kind.same ?? sameJson)(live, after) ||
  kind.covers?.(live, after) === true ||
  ours(kind, step, context, live);

const ours = (kind: StepKind, step: StepRecord, context: StepContext, live: Json): boolean =>
  (kind.between?.(step.args, context) ?? []).some((value) => (kind.same ?? sameJson)(value, live));

/** What an earlier undo saw says nothing of the change that is made now. */
const trying = (run: JournalRun): Partial<StepRecord> => ({
  ...{ status: 'applying', note: undefined, triedAt: stamp(run) },
  ...{ seen: undefined, revertedAt: undefined },
});

export const stamp = ({ now }: JournalRun): string => now().toISOString();

type Save = (step: StepRecord, change: Partial<StepRecord>) => Promise<StepRecord>;

/** Stores a step with what changed of it, once `before` has settled. */
export const saver =
  (table: Table, hold: Hold, before: Promise<unknown> = Promise.resolve()): Save =>
  async (step, change) => {
    const next = { ...step, ...change };
    await before;
    return writeStep(table, hold, next, step);
  };

/** What a step's own error becomes. Anything else (a bug, a lost database, a busy resource) is thrown on. */
export function failure(error: unknown): Partial<StepRecord> {
  if (isOutOfTurn(error)) throw error;
  if (isFirebreakError(error, 'Drift')) return { status: 'drift', note: describeError(error) };
  if (error instanceof FirebreakError || isAwsError(error)) {
    return { status: 'failed', note: describeError(error), retry: mayRetry(error) };
  }
  throw error;
}

export const driftNote = (live: Json, expected: Json, wanted: Json): string =>
  `DRIFT: live is ${short(live)}, expected ${short(expected)} or ${short(wanted)}; someone else changed it, so a person decides`;
const short = (value: Json): string => {
  const text = JSON.stringify(value);
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
};
