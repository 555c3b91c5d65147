/**
 * The mode in force: observe decides and notifies and changes nothing, enforce acts. policy.yml says in which one a new stack
 * starts; from the first switch on the table says it, so that neither switch needs a deployment. One person switches to
 * observe; enforce takes two, as the kill switch does.
 */
import { z } from 'zod';
import { partitionKey } from './partitions.ts';
import { parseRecord } from './record.ts';
import type { Item, Table } from './table.ts';
import { ABSENT, type Expression } from './terms.ts';
import { secondOfTwo } from './two-people.ts';

export type Mode = 'observe' | 'enforce';

/** What holds a change back where no one approved it. */
export const OBSERVING = 'observe mode: nothing is changed';

const change = z.object({ mode: z.enum(['observe', 'enforce']), by: z.string(), at: z.iso.datetime() });
type ModeChange = z.output<typeof change>;

const record = z.object({
  version: z.number(),
  /** Oldest first; empty where a first person asked and no second one agreed yet. */
  changes: z.array(change),
  enforceAskedBy: z.string().optional(),
  enforceAskedAt: z.iso.datetime().optional(),
});
type Kept = z.output<typeof record>;

export interface ModeState {
  readonly mode: Mode;
  /** Every switch that the table remembers, oldest first. Empty: it is policy.yml's mode. */
  readonly changes: readonly ModeChange[];
}

const KEY = { pk: partitionKey('mode'), sk: 'MODE' };
/** More than a year of weekly switching. */
const REMEMBERED = 100;

const read = async (table: Table): Promise<Kept | undefined> => {
  const item: Item | undefined = await table.get(KEY);
  return item && parseRecord(record, item);
};

/** Returns the mode in force and who switched it. `startsIn` is policy.yml's. Throws `InputInvalid` for a damaged record. */
export async function modeState(table: Table, startsIn: Mode): Promise<ModeState> {
  const changes = (await read(table))?.changes ?? [];
  return { mode: changes.at(-1)?.mode ?? startsIn, changes };
}

/** Returns the mode in force. Read at every decision, so that a switch counts at once. */
export const modeInForce = async (table: Table, startsIn: Mode): Promise<Mode> =>
  (await modeState(table, startsIn)).mode;

/** Switches to observe on one person's word; false where it is so already. Throws Conflict when two write at once. */
export async function switchToObserve(table: Table, startsIn: Mode, by: string, now: Date): Promise<boolean> {
  const kept = await read(table);
  if ((kept?.changes.at(-1)?.mode ?? startsIn) === 'observe' && kept?.enforceAskedBy === undefined)
    return false;
  await write(table, kept, { mode: 'observe', by, at: now.toISOString() });
  return true;
}

/** Sets the mode of a table that has none: the sandbox reacts from its first finding. */
export async function startIn(table: Table, mode: Mode, by: string, now: Date): Promise<void> {
  const kept = await read(table);
  if (!kept) await write(table, kept, { mode, by, at: now.toISOString() });
}

export type SwitchedToEnforce =
  /** Two people wanted it: Firebreak acts. */
  | { readonly kind: 'enforce'; readonly first: string }
  /** The first of the two, or the same person again. */
  | { readonly kind: 'asked'; readonly until: string; readonly again: boolean }
  | { readonly kind: 'already' };

/**
 * Switches to enforce once a second person agrees within a quarter of an hour. Throws Conflict when two write at once: try
 * again.
 */
export async function askEnforce(
  table: Table,
  startsIn: Mode,
  by: string,
  now: Date,
): Promise<SwitchedToEnforce> {
  const kept = await read(table);
  if ((kept?.changes.at(-1)?.mode ?? startsIn) === 'enforce') return { kind: 'already' };
  const asked = secondOfTwo({ by: kept?.enforceAskedBy, at: kept?.enforceAskedAt }, by, now);
  if (asked.kind === 'agreed') {
    const both = `${asked.first} and ${by}`;
    await write(table, kept, { mode: 'enforce', by: both, at: now.toISOString() });
    return { kind: 'enforce', first: asked.first };
  }
  if (!asked.again) await write(table, kept, undefined, { enforceAskedBy: by, enforceAskedAt: asked.since });
  return { kind: 'asked', until: asked.until, again: asked.again };
}

/** One write over what was read: a switch and who made it cannot come apart. */
async function write(
  table: Table,
  kept: Kept | undefined,
  switched: ModeChange | undefined,
  asked: Pick<Kept, 'enforceAskedBy' | 'enforceAskedAt'> = {},
): Promise<void> {
  const unchanged: Expression = kept
    ? { text: '#version = :version', names: { version: 'version' }, values: { version: kept.version } }
    : ABSENT;
  const changes = [...(kept?.changes ?? []), ...(switched ? [switched] : [])].slice(-REMEMBERED);
  await table.put({ ...KEY, version: (kept?.version ?? 0) + 1, changes, ...asked }, unchanged);
}
