/** When a confirmed containment is read again. One record per incident, in the index by the moment it is due. */
import { z } from 'zod';
import { partitionKey } from '../table/partitions.ts';
import { parseRecord } from '../table/record.ts';
import { dueAt, dueItems, NO_LONGER_DUE } from '../table/schedule.ts';
import type { Table } from '../table/table.ts';

const INDEX = 'REPROOF';
const key = (incidentId: string) => ({ pk: partitionKey('reproof', incidentId), sk: 'REPROOF' });
const recordSchema = z.object({ incidentId: z.string() });

/** Sets or moves the moment, ISO 8601. */
export const scheduleReproof = (table: Table, incidentId: string, at: string): Promise<void> =>
  table.put({ ...key(incidentId), ...dueAt(INDEX, incidentId, at), incidentId });

/** Returns the ids of the incidents that are due, the longest overdue first, at most `most`. */
export const dueReproofs = async (table: Table, now: Date, most: number): Promise<readonly string[]> =>
  (await dueItems(table, INDEX, now, most)).map((item) => parseRecord(recordSchema, item).incidentId);

/** Nothing of the incident is in place any more. */
export async function endReproofs(table: Table, incidentId: string): Promise<void> {
  await table.update(key(incidentId), NO_LONGER_DUE);
}
