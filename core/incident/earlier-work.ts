/**
 * Work that releases before its index left open. The list is walked for it, newest first and a page a sweep, and once more
 * until the last function of such a release has ended; then never again.
 */
import { z } from 'zod';
import { inBatches } from '../aws/batches.ts';
import { partitionKey } from '../table/partitions.ts';
import { parseRecord } from '../table/record.ts';
import type { Table } from '../table/table.ts';
import { listIncidents } from './list.ts';
import { enterWork, isMoving, mayBeHalfDone } from './open-work.ts';

const WALK = { pk: partitionKey('work', 'EARLIER'), sk: 'WALK' };
const PAGE = 500;
/** How old an incident can be that waits for anything. */
const LOOK_BACK_MS = 400 * 86_400_000;
/** Longer than any function runs. */
const OTHERS_END_MS = 15 * 60_000;

const walkSchema = z.object({
  /** When the first walk began, and this one. ISO 8601. */
  since: z.string(),
  began: z.string().optional(),
  cursor: z.string().optional(),
  ended: z.boolean(),
});

/** Walks one page. */
export async function enterEarlierWork(table: Table, now: Date): Promise<void> {
  const read = await table.get(WALK);
  const at = now.toISOString();
  const walk: z.infer<typeof walkSchema> = read ? parseRecord(walkSchema, read) : { since: at, ended: false };
  if (walk.ended) return;
  const began = walk.cursor === undefined ? at : (walk.began ?? at);
  const from = new Date(now.getTime() - LOOK_BACK_MS).toISOString();
  const { items, cursor } = await listIncidents(table, {
    ...{ from, to: at, limit: PAGE },
    ...(walk.cursor === undefined ? {} : { cursor: walk.cursor }),
  });
  const open = items.filter((row) => isMoving(row) || mayBeHalfDone(row));
  await inBatches(open, 10, (row) => enterWork(table, row));
  const isLast = Date.parse(began) - Date.parse(walk.since) >= OTHERS_END_MS;
  await table.put({ ...WALK, since: walk.since, began, cursor, ended: cursor === undefined && isLast });
}
