/**
 * Which incidents hold a resource, and the journal of what was changed there. Both belong to the resource, not to the
 * incident: a second incident joins the hold instead of capturing the quarantine as "what was before", and only the
 * last one to leave restores.
 *
 * Records: `HOLD#<resource>#<playbook>` / `HOLD` and `STEP#<epoch>#<number>`. An epoch is one containment from the first
 * incident in to the last one out; old epochs stay as history.
 */
import { z } from 'zod';
import { FirebreakError, isFirebreakError } from '../errors.ts';
import { partitionKey } from '../table/partitions.ts';
import { jsonObjectText, jsonText, parseRecord } from '../table/record.ts';
import type { Item, Table } from '../table/table.ts';
import { ABSENT, type Expression, MOST_TOGETHER } from '../table/terms.ts';
import type { PlannedStep, StepRole, StepStatus, StepView, Target } from './playbook.ts';
import { resourceKey } from './playbook.ts';

type HoldState = 'active' | 'undoing' | 'undo-partial' | 'released';

export interface Hold {
  readonly key: string;
  readonly epoch: number;
  readonly state: HoldState;
  /** Incidents that hold the resource, in the order they came. */
  readonly incidents: readonly string[];
  /** The incident that opened this epoch: its id is in the names and tags on AWS. */
  readonly caseId: string;
  readonly version: number;
}

/** A step as the journal keeps it. */
export interface StepRecord extends StepView {
  /** Position in the order of containment. */
  readonly number: number;
  readonly describe: string;
  readonly needs: readonly string[];
  readonly together?: string | undefined;
  readonly role: StepRole;
  readonly status: StepStatus;
  /** Why it failed, was skipped, drifted or was kept. */
  readonly note?: string | undefined;
  /** False after an error that a retry does not fix (AccessDenied, validation). */
  readonly retry?: boolean | undefined;
  /** When the change was last asked of AWS, ISO 8601. */
  readonly triedAt?: string | undefined;
  /** An undo has read the value that Firebreak wrote: a later read of another one is not an old read. */
  readonly seen?: boolean | undefined;
  /** When AWS accepted the revert, ISO 8601; `undone` is a step that a read has proven since. */
  readonly revertedAt?: string | undefined;
  /** How often it was written since its epoch began; each write is on the condition that no other came between. */
  readonly version?: number | undefined;
}

export const holdKey = (target: Target, playbook: string): string =>
  partitionKey('hold', `${resourceKey(target)}#${playbook}`);

const stepPrefix = (epoch: number) => `STEP#${String(epoch).padStart(6, '0')}#`;
const stepSk = (epoch: number, number: number) => `${stepPrefix(epoch)}${String(number).padStart(4, '0')}`;

export async function readHold(table: Table, key: string): Promise<Hold | undefined> {
  const item = await table.get({ pk: key, sk: 'HOLD' });
  return item ? holdOf(item) : undefined;
}

export async function readSteps(table: Table, hold: Hold): Promise<readonly StepRecord[]> {
  return (await table.query(hold.key, stepPrefix(hold.epoch))).map(stepOf);
}

/** How often a step is read again that the attempt before this one is still writing. */
const MOST_FENCING = 5;

/** Keeps an attempt that may still run from writing: what it read of the steps is no longer what is there. */
export async function fenceOff(table: Table, key: string): Promise<void> {
  for (let tried = 1; ; tried++) {
    const hold = await readHold(table, key);
    if (!hold || hold.state === 'released') return;
    const steps = await readSteps(table, hold);
    const ends = await Promise.allSettled(steps.map((step) => writeStep(table, hold, step, step)));
    const failed = ends.find((end) => end.status === 'rejected');
    if (!failed) return;
    if (!isFirebreakError(failed.reason, 'Superseded') || tried === MOST_FENCING) throw failed.reason;
  }
}

/** What an earlier containment of the resource left, as live reads show it. */
export interface Left {
  /** Steps of which something is in place: they keep the value that was before. */
  inPlace(hold: Hold, steps: readonly StepRecord[]): Promise<readonly StepRecord[]>;
  /** Ids of steps whose value is neither Firebreak's nor the one before: others changed it since. */
  changed(hold: Hold, steps: readonly StepRecord[]): Promise<ReadonlySet<string>>;
}

interface Entered {
  readonly hold: Hold;
  readonly steps: readonly StepRecord[];
  readonly joined: boolean;
  /** Steps that are stored as tried, by id: their prior value is the plan's, and no read has confirmed it. */
  readonly begun: ReadonlySet<string>;
  /** Settles when all of it is stored. */
  readonly stored: Promise<void>;
}

/** What a step that is tried is stored with; undefined where that is not known before its read. */
type Begin = (caseId: string, step: PlannedStep) => Promise<Partial<StepRecord> | undefined>;

/** How a hold is entered. */
interface Entering {
  readonly left: Left;
  /** The hold as it was read next to the lease. */
  readonly early: Hold | undefined;
  /** Settles when something may be written. */
  readonly clear: Promise<void>;
  /** Of the steps that run first where the hold is opened. */
  readonly begin: Begin;
}

/**
 * Opens the hold with its planned steps, or joins the one that is open and appends the steps it does not know yet.
 * Where an undo ended partly, the hold begins again with what is still in place; the incident that was undone has let go.
 * An undo that was interrupted, or waits for its proof, goes on for the other incidents: it lets go of its share.
 * `ResourceBusy` while it is this very incident's. Everything is stored before any step changes something: a hold that is opened
 * is stored next to the reads of its first steps.
 */
export async function enterHold(
  table: Table,
  key: string,
  incident: string,
  planned: readonly PlannedStep[],
  { left, early, clear, begin }: Entering,
): Promise<Entered> {
  const opening = { table, key, incident, planned, clear, begin };
  // The condition of its first write holds what was read before the lease was taken; all else is read again under it.
  if (!early || early.state === 'released') return openHold(opening, early);
  await clear;
  const found = await readHold(table, key);
  if (!found || found.state === 'released') return openHold(opening, found);
  if (found.state === 'undoing' && found.incidents.includes(incident)) throw underWay(key);
  const known = await readSteps(table, found);
  if (found.state === 'undo-partial') return openHold(opening, found, await left.inPlace(found, known));
  const joining = !found.incidents.includes(incident);
  const changed = joining ? await left.changed(found, known) : new Set<string>();
  const byId = new Map(planned.map((step) => [step.id, step]));
  const steps: StepRecord[] = [];
  // Before the hold: nothing of theirs is in place for anyone, so a crash here loses nothing.
  for (const step of known) {
    const again = byId.get(step.id);
    const isNew = again !== undefined && changed.has(step.id);
    steps.push(isNew ? await writeStep(table, found, fresh(again, step.number), step) : step);
  }
  const incidents = joining ? [...found.incidents, incident] : found.incidents;
  const hold: Hold = { ...found, state: 'active', incidents, version: found.version + 1 };
  if (joining) await writeHold(table, hold, found);
  const ids = new Set(known.map((step) => step.id));
  const added = planned
    .filter((step) => !ids.has(step.id))
    .map((step, index) => fresh(step, known.length + index));
  for (const step of added) await table.put(itemOf(joining ? hold : found, step), ABSENT);
  return {
    hold: joining ? hold : found,
    steps: [...steps, ...added],
    joined: found.caseId !== incident,
    begun: new Set(),
    stored: Promise.resolve(),
  };
}

const underWay = (resource: string): FirebreakError =>
  new FirebreakError('ResourceBusy', 'an undo of this incident is under way', {
    resource,
    next: 'Nothing: the workflow tries again automatically.',
  });

interface Opening extends Pick<Entering, 'clear' | 'begin'> {
  readonly table: Table;
  readonly key: string;
  readonly incident: string;
  readonly planned: readonly PlannedStep[];
}

async function openHold(
  { table, key, incident, planned, clear, begin }: Opening,
  previous: Hold | undefined,
  inPlace: readonly StepRecord[] = [],
): Promise<Entered> {
  const hold: Hold = {
    key,
    epoch: (previous?.epoch ?? 0) + 1,
    state: 'active',
    incidents: [incident],
    // Names on AWS carry the case: what is in place keeps it, and the plan was made for it.
    caseId: previous === undefined || previous.state === 'released' ? incident : previous.caseId,
    version: (previous?.version ?? 0) + 1,
  };
  const left = new Map(inPlace.map((step) => [step.id, step]));
  const known = new Set(planned.map(({ id }) => id));
  const begun = new Set<string>();
  const opened = [
    ...inPlace.filter(({ id }) => !known.has(id)),
    ...planned.map((step) => left.get(step.id) ?? step),
  ].map(async (step, number): Promise<StepRecord> => {
    if ('number' in step) return { ...step, number, version: undefined };
    // Where something is in place, that comes first.
    const tried = inPlace.length === 0 ? await begin(hold.caseId, step) : undefined;
    if (tried) begun.add(step.id);
    return { ...fresh(step, number), ...tried };
  });
  const steps = await Promise.all(opened);
  const stored = clear.then(() => storeOpened(table, { hold, steps, previous, incident }));
  return { hold, steps, joined: hold.caseId !== incident, begun, stored };
}

interface Opened {
  readonly hold: Hold;
  readonly steps: readonly StepRecord[];
  readonly previous: Hold | undefined;
  readonly incident: string;
}

/** The lease keeps a second opener away; one that still runs finds the steps begun, or the hold. */
async function storeOpened(table: Table, { hold, steps, previous, incident }: Opened): Promise<void> {
  const writes = [
    ...steps.map((step) => ({ item: itemOf(hold, step), condition: NOT_BEGUN })),
    { item: holdItem(hold), condition: unchanged(previous) },
  ];
  try {
    if (writes.length <= MOST_TOGETHER) await table.putAll(writes);
    // The hold comes last and makes the steps count: a crash before it leaves records of an epoch that no one reads, and
    // the retry writes them again.
    else for (const { item, condition } of writes) await table.put(item, condition);
  } catch (error) {
    if (!isFirebreakError(error, 'Conflict')) throw error;
    // Read before the lease was taken: another incident may have entered it or left it since.
    const found = await readHold(table, hold.key);
    if (found?.version === previous?.version || found?.incidents.includes(incident))
      throw superseded('the containment was begun', hold.key, error);
    throw new FirebreakError('ResourceBusy', 'another incident changed the hold since it was read', {
      resource: hold.key,
      next: 'Nothing: the workflow tries again automatically.',
      cause: error,
    });
  }
}

/** Stores a hold whose incidents or state changed; `Conflict` when someone else changed it since it was read. */
export async function writeHold(table: Table, next: Hold, read: Hold): Promise<void> {
  await table.put(holdItem(next), unchanged(read));
}

/** A step as it is once `next` is written over what was `read`. */
export const following = (read: StepRecord, next: StepRecord): StepRecord => ({
  ...next,
  version: (read.version ?? 0) + 1,
});

/**
 * Stores a step as `next`, and returns it, on the condition that it is as it was `read`: two handlers on one step cannot both
 * go on. Throws `Superseded`, which is no outcome of the step: the lease keeps other handlers away.
 */
export async function writeStep(
  table: Table,
  hold: Hold,
  next: StepRecord,
  read: StepRecord,
): Promise<StepRecord> {
  const { status: expected, version } = read;
  const written = following(read, next);
  try {
    await table.put(itemOf(hold, written), {
      // Earlier releases wrote no version.
      text: `#status = :expected AND ${version === undefined ? 'attribute_not_exists(#version)' : '#version = :version'}`,
      names: { status: 'status', version: 'version' },
      values: version === undefined ? { expected } : { expected, version },
    });
    return written;
  } catch (error) {
    if (!isFirebreakError(error, 'Conflict')) throw error;
    throw superseded(`step ${next.id} was written`, hold.key, error);
  }
}

const superseded = (what: string, resource: string, cause: unknown): FirebreakError =>
  new FirebreakError('Superseded', `${what} by another handler that took over`, {
    resource,
    next: 'Nothing: that one goes on.',
    cause,
  });

/** No handler has run a step of it yet. */
const NOT_BEGUN: Expression = { text: 'attribute_not_exists(#version)', names: { version: 'version' } };

const unchanged = (read: Hold | undefined) =>
  read
    ? { text: '#version = :version', names: { version: 'version' }, values: { version: read.version } }
    : ABSENT;

const fresh = (step: PlannedStep, number: number): StepRecord => ({
  id: step.id,
  number,
  kind: step.kind,
  role: step.role,
  describe: step.describe,
  args: step.args,
  needs: step.needs ?? [],
  together: step.together,
  status: 'planned',
  before: undefined,
  after: undefined,
  output: undefined,
  doneAt: undefined,
});

const holdItem = ({ key, ...rest }: Hold): Item => ({ pk: key, sk: 'HOLD', ...rest });

/** A key for every member of a union: one that is added there and not here does not compile. */
type Each<Word extends string> = { readonly [W in Word]: W };

const holdSchema = z.object({
  pk: z.string(),
  epoch: z.int().positive(),
  state: z.enum({
    ...{ active: 'active', undoing: 'undoing' },
    ...{ 'undo-partial': 'undo-partial', released: 'released' },
  } satisfies Each<HoldState>),
  incidents: z.array(z.string()),
  caseId: z.string(),
  version: z.int().positive(),
});

function holdOf(item: Item): Hold {
  const { pk: key, ...hold } = parseRecord(holdSchema, item);
  return { key, ...hold };
}

const itemOf = (hold: Hold, step: StepRecord): Item => ({
  pk: hold.key,
  sk: stepSk(hold.epoch, step.number),
  ...step,
  args: JSON.stringify(step.args),
  before: step.before === undefined ? undefined : JSON.stringify(step.before),
  after: step.after === undefined ? undefined : JSON.stringify(step.after),
  output: step.output === undefined ? undefined : JSON.stringify(step.output),
});

const stepSchema = z.object({
  id: z.string(),
  number: z.int().nonnegative(),
  kind: z.string(),
  role: z.enum({
    ...{ evidence: 'evidence', prepare: 'prepare' },
    ...{ contain: 'contain', label: 'label' },
  } satisfies Each<StepRole>),
  describe: z.string(),
  args: jsonObjectText,
  needs: z.array(z.string()),
  together: z.string().optional(),
  status: z.enum({
    ...{ planned: 'planned', applying: 'applying', done: 'done', already: 'already' },
    ...{ failed: 'failed', skipped: 'skipped', drift: 'drift' },
    ...{ undoing: 'undoing', undone: 'undone', kept: 'kept' },
  } satisfies Each<StepStatus>),
  before: jsonText.optional(),
  after: jsonText.optional(),
  output: jsonText.optional(),
  doneAt: z.string().optional(),
  note: z.string().optional(),
  retry: z.boolean().optional(),
  triedAt: z.string().optional(),
  seen: z.boolean().optional(),
  revertedAt: z.string().optional(),
  version: z.int().positive().optional(),
});

function stepOf(item: Item): StepRecord {
  const { before, after, output, doneAt, ...step } = parseRecord(stepSchema, item);
  return { ...step, before, after, output, doneAt };
}
