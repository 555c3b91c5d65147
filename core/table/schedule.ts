/** Records that stand in an index by a moment, so that the sweep reads what is due or waits and nothing else. */
import { isFirebreakError } from '../errors.ts';
import type { Item, Table } from './table.ts';
import type { Expression } from './terms.ts';

/** Returns the attributes that put a record into `index` at the moment `at` (ISO 8601). */
export const dueAt = (index: string, id: string, at: string): { gsi1pk: string; gsi1sk: string } => ({
  gsi1pk: index,
  gsi1sk: `${at}#${id}`,
});

/** What takes a record out of its index; the record stays. */
export const NO_LONGER_DUE: Expression = {
  text: 'REMOVE #index, #order',
  names: { index: 'gsi1pk', order: 'gsi1sk' },
};

/** Milliseconds until the next look: a minute, and twice as long after every look that ended nothing, up to an hour. */
export const waitMsAfter = (tries: number): number => Math.min(3_600_000, 60_000 * 2 ** Math.min(tries, 10));

/** Waits for a write whose condition may be lost: the record was moved meanwhile, and what moved it counts. */
export async function unlessLost(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    if (!isFirebreakError(error, 'Conflict')) throw error;
  }
}

interface Range {
  /** Only what stands before this moment; all of the index without it. */
  readonly before?: Date;
  /** Newest first without it. */
  readonly oldestFirst?: boolean;
  /** Items read at a time. */
  readonly limit?: number;
}

/** Returns the records of an index, each read again strongly: the index may be a moment behind, the record itself counts. */
export async function* indexedItems(table: Table, index: string, range: Range = {}): AsyncGenerator<Item> {
  const { before, limit = 100, ...order } = range;
  const until = before?.toISOString();
  let cursor: string | undefined;
  do {
    const page = await table.page({
      ...{ pk: index, limit, ...order },
      ...(until === undefined ? {} : { before: until }),
      ...(cursor ? { cursor } : {}),
    });
    for (const { pk, sk } of page.items) {
      const item = await table.get({ pk, sk });
      if (item?.['gsi1pk'] === index && (until === undefined || String(item['gsi1sk']) < until)) yield item;
    }
    cursor = page.cursor;
  } while (cursor);
}

/** Returns what was due before `now`, oldest first and at most `most`. */
export async function dueItems(
  table: Table,
  index: string,
  now: Date,
  most = Infinity,
): Promise<readonly Item[]> {
  const due: Item[] = [];
  const limit = Math.min(100, most);
  for await (const item of indexedItems(table, index, { before: now, oldestFirst: true, limit })) {
    due.push(item);
    if (due.length >= most) break;
  }
  return due;
}
