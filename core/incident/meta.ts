/**
 * The record of an incident, `INCIDENT#<id>` / `META`: read, written back only over the version that was read, and counted
 * for the lists.
 */
import { z } from 'zod';
import { FirebreakError, isFirebreakError } from '../errors.ts';
import { partitionKey } from '../table/partitions.ts';
import { jsonTextOf, parseRecord } from '../table/record.ts';
import type { Item, Table } from '../table/table.ts';
import type { Incident } from './incident.ts';
import { count, listingOf, rowOf } from './list.ts';
import { incidentSchema } from './schema.ts';
import { isProven } from './status.ts';

/** Writes of one change that may lose against another writer's. */
const MOST_ATTEMPTS = 10;

/** Returns the incident, or undefined where there is none. */
export async function findIncident(table: Table, id: string): Promise<Incident | undefined> {
  const item = await table.get({ pk: partitionKey('incident', id), sk: 'META' });
  return item ? incidentOf(item) : undefined;
}

/** Returns the incident. Throws `NotFound`. */
export async function getIncident(table: Table, id: string): Promise<Incident> {
  const incident = await findIncident(table, id);
  if (incident) return incident;
  throw new FirebreakError('NotFound', `there is no incident ${id}`, {
    resource: id,
    next: 'See `firebreak history` for the incidents there are.',
  });
}

/** Writes `next` over `read`, and returns it as written. Throws `Conflict` when another writer came between. */
export async function writeIncident(table: Table, next: Incident, read: Incident): Promise<Incident> {
  const written = { ...next, version: read.version + 1 };
  if (isProven(next.status) && next.containedAt === undefined)
    Object.assign(written, { containedAt: next.updatedAt });
  await table.put(itemOf(written), {
    text: '#version = :version',
    names: { version: 'version' },
    values: { version: read.version },
  });
  await count(table, rowOf(written), rowOf(read));
  return written;
}

/** Reads, changes and writes back; starts over from the live record when another writer came between. */
export async function changeIncident(
  table: Table,
  id: string,
  now: Date,
  work: (incident: Incident) => Partial<Incident>,
): Promise<Incident> {
  for (let attempt = 1; ; attempt++) {
    const read = await getIncident(table, id);
    try {
      return await writeIncident(table, { ...read, ...work(read), updatedAt: now.toISOString() }, read);
    } catch (error) {
      if (!isFirebreakError(error, 'Conflict') || attempt >= MOST_ATTEMPTS) throw error;
    }
  }
}

/** The record as it is stored, with what the indexes read of it. */
export const itemOf = (incident: Incident): Item => ({
  pk: partitionKey('incident', incident.id),
  sk: 'META',
  ...listingOf(incident),
  version: incident.version,
  data: JSON.stringify(incident),
});

const stored = z.object({ data: jsonTextOf(incidentSchema) });

const incidentOf = (item: Item): Incident => parseRecord(stored, item).data;
