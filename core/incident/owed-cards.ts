/** Cards that Slack did not take, oldest last: `sweep` posts them once Slack is back. */

import { PARTITIONS, partitionKey } from '../table/partitions.ts';
import { dueAt, NO_LONGER_DUE } from '../table/schedule.ts';
import type { Table } from '../table/table.ts';

const OWED = 'CARD-OWED';
const key = (incidentId: string) => ({ pk: partitionKey('owedCard', incidentId), sk: 'OWED' });

export async function oweCard(table: Table, incidentId: string, at: Date): Promise<void> {
  await table.put({ ...key(incidentId), ...dueAt(OWED, incidentId, at.toISOString()), incidentId });
}

/** Slack has it. */
export async function cardShown(table: Table, incidentId: string): Promise<void> {
  await table.update(key(incidentId), NO_LONGER_DUE);
}

/** Ids of incidents whose card is owed; at most a page, the next sweep goes on. */
export async function owedCards(table: Table, limit: number): Promise<readonly string[]> {
  const { items } = await table.page({ pk: OWED, limit });
  return items.map(({ pk }) => pk.slice(PARTITIONS.owedCard.length));
}
