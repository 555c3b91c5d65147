/**
 * Containments that expire (a block has a time to live). One record per incident, in the index by the moment
 * it is due, so that the sweep reads what is due and nothing else.
 */
import { z } from 'zod';
import { partitionKey } from '../table/partitions.ts';
import { parseRecord } from '../table/record.ts';
import { dueAt, dueItems, NO_LONGER_DUE, unlessLost } from '../table/schedule.ts';
import type { Table } from '../table/table.ts';
import type { Expression } from '../table/terms.ts';

/** Who asks for the undo of a containment whose time is over. No Slack id looks like this. */
export const LAPSED = 'time to live';

const INDEX = 'LAPSE';
const key = (incidentId: string) => ({ pk: partitionKey('lapse', incidentId), sk: 'LAPSE' });

/** Name of the execution that undoes it: one per moment and try, so that a sweep that died after a start makes no second one. */
export const lapseExecution = ({
  incidentId,
  at,
  starts,
}: Pick<Lapse, 'incidentId' | 'at'> & { readonly starts?: number }): string =>
  `lapse-${incidentId}-${at.replace(/\D/g, '')}${starts ? `-${starts}` : ''}`.slice(0, 80);

const recordSchema = z.object({
  incidentId: z.string(),
  /** ISO 8601. */
  at: z.string(),
  /** Starts of the undo that failed so far. */
  failures: z.number().default(0),
  /** Undos that were started, and when the last one was, ISO 8601. */
  starts: z.int().nonnegative().default(0),
  startedAt: z.string().optional(),
});
export type Lapse = z.infer<typeof recordSchema>;

/** Sets or moves the moment. */
export const scheduleLapse = (table: Table, incidentId: string, at: string): Promise<void> =>
  table.put({
    ...key(incidentId),
    ...dueAt(INDEX, incidentId, at),
    incidentId,
    at,
    failures: 0,
    starts: 0,
  });

export const dueLapses = async (table: Table, now: Date): Promise<readonly Lapse[]> =>
  (await dueItems(table, INDEX, now)).map((item) => parseRecord(recordSchema, item));

/** Is the execution of this name the undo of an incident whose time is over? Its name alone does not say so. */
export async function isLapse(
  table: Table,
  incidentId: string,
  execution: string | undefined,
  now: Date,
): Promise<boolean> {
  const lapse = recordSchema.safeParse(await table.get(key(incidentId)));
  if (!lapse.success || lapse.data.at >= now.toISOString()) return false;
  const { starts } = lapse.data;
  // The start is counted after it: the execution may be ahead of that.
  return [starts, Math.max(0, starts - 1)].some(
    (n) => execution === lapseExecution({ ...lapse.data, starts: n }),
  );
}

/** Done with: the record stays for the person who looks, and leaves the index. */
export const closeLapse = (table: Table, lapse: Lapse): Promise<void> =>
  unlessMoved(table, lapse, NO_LONGER_DUE);

const [FIRST_WAIT_MS, LONGEST_WAIT_MS] = [10 * 60_000, 6 * 3_600_000];

/** Milliseconds until an undo that did not come to its end is started again, after so many starts. */
export const undoWaitMs = (starts: number): number =>
  Math.min(FIRST_WAIT_MS * 2 ** Math.min(starts, 10), LONGEST_WAIT_MS);

/** Counts a start. It is due again later: only an undo that came to its end closes it. */
export function countStart(table: Table, lapse: Lapse, now: Date): Promise<void> {
  const next = new Date(now.getTime() + undoWaitMs(lapse.starts));
  const { gsi1sk } = dueAt(INDEX, lapse.incidentId, next.toISOString());
  return unlessMoved(table, lapse, {
    text: 'SET #starts = :starts, #startedAt = :startedAt, #order = :order',
    names: { starts: 'starts', startedAt: 'startedAt', order: 'gsi1sk' },
    values: { starts: lapse.starts + 1, startedAt: now.toISOString(), order: gsi1sk },
  });
}

/** Counts a start that failed; the next sweep tries again. */
export const countFailure = (table: Table, lapse: Lapse): Promise<void> =>
  unlessMoved(table, lapse, {
    text: 'SET #failures = :failures',
    names: { failures: 'failures' },
    values: { failures: lapse.failures + 1 },
  });

/** The finding may go on in the same moment: a record that was moved is not this one any more. */
const unlessMoved = (table: Table, { incidentId, at }: Lapse, change: Expression): Promise<void> =>
  unlessLost(
    table.update(key(incidentId), change, { text: '#at = :at', names: { at: 'at' }, values: { at } }),
  );
