/**
 * Containments that end by themselves (a block has a time to live). One record per incident, in the index by the moment
 * it is due, so that the sweep reads what is due and nothing else.
 */
import { z } from 'zod';
import { isFirebreakError } from '../errors.ts';
import { partitionKey } from '../table/partitions.ts';
import { parseRecord } from '../table/record.ts';
import { dueAt, dueItems, NO_LONGER_DUE } from '../table/schedule.ts';
import type { Expression, Table } from '../table/table.ts';

/** Who asks for the undo of a containment whose time is over. No Slack id looks like this. */
export const LAPSED = 'time to live';

const INDEX = 'LAPSE';
const key = (incidentId: string) => ({ pk: partitionKey('lapse', incidentId), sk: 'LAPSE' });

/** Name of the execution that undoes it: one start per moment, so that a sweep that died after it starts no second one. */
export const lapseExecution = ({ incidentId, at }: Pick<Lapse, 'incidentId' | 'at'>): string =>
  `lapse-${incidentId}-${at.replace(/\D/g, '')}`.slice(0, 80);

const recordSchema = z.object({
  incidentId: z.string(),
  /** ISO 8601. */
  at: z.string(),
  /** Starts of the undo that failed so far. */
  failures: z.number().default(0),
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
  return lapse.success && execution === lapseExecution(lapse.data) && lapse.data.at < now.toISOString();
}

/** Done with: the record stays for whoever looks, and leaves the index. */
export const closeLapse = (table: Table, lapse: Lapse): Promise<void> =>
  unlessMoved(table, lapse, NO_LONGER_DUE);

/** Counts a start that failed; the next sweep tries again. */
export const countFailure = (table: Table, lapse: Lapse): Promise<void> =>
  unlessMoved(table, lapse, {
    text: 'SET #failures = :failures',
    names: { failures: 'failures' },
    values: { failures: lapse.failures + 1 },
  });

/** The finding may go on in the same moment: a record that was moved is not this one any more. */
async function unlessMoved(table: Table, { incidentId, at }: Lapse, change: Expression): Promise<void> {
  try {
    await table.update(key(incidentId), change, {
      text: '#at = :at',
      names: { at: 'at' },
      values: { at },
    });
  } catch (error) {
    if (!isFirebreakError(error, 'Conflict')) throw error;
  }
}
