/** Records that fall due: each stands in the index by its moment, so that the sweep reads what is due and nothing else. */
import type { Expression, Item, Table } from './table.ts';

/** Returns the attributes that put a record into `index` at the moment `at` (ISO 8601). */
export const dueAt = (index: string, incidentId: string, at: string): { gsi1pk: string; gsi1sk: string } => ({
  gsi1pk: index,
  gsi1sk: `${at}#${incidentId}`,
});

/** What takes a record out of its index; the record stays. */
export const NO_LONGER_DUE: Expression = {
  text: 'REMOVE #index, #order',
  names: { index: 'gsi1pk', order: 'gsi1sk' },
};

/** Returns what was due before `now`, oldest first and at most `most`, read again strongly: the index may be a moment behind. */
export async function dueItems(
  table: Table,
  index: string,
  now: Date,
  most = Infinity,
): Promise<readonly Item[]> {
  const due: Item[] = [];
  let cursor: string | undefined;
  do {
    const page = await table.page({
      pk: index,
      before: now.toISOString(),
      limit: Math.min(100, most),
      oldestFirst: true,
      ...(cursor ? { cursor } : {}),
    });
    for (const { pk, sk } of page.items) {
      const item = await table.get({ pk, sk });
      const order = item?.['gsi1sk'];
      if (item?.['gsi1pk'] === index && typeof order === 'string' && order < now.toISOString())
        due.push(item);
    }
    cursor = page.cursor;
  } while (cursor && due.length < most);
  return due.slice(0, most);
}
