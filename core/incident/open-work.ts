/**
 * Incidents that something must still end: one record each, in the index by the moment the sweep looks at it next. It is
 * written before the incident's own record, and taken out once something has seen the end.
 */
import { z } from 'zod';
import { partitionKey } from '../table/partitions.ts';
import { parseRecord } from '../table/record.ts';
import { dueAt, dueItems, NO_LONGER_DUE, unlessLost } from '../table/schedule.ts';
import type { Item, Table } from '../table/table.ts';
import { ABSENT } from '../table/terms.ts';
import { type Incident, isUndoOpen } from './incident.ts';
import { isContainment, isRunning, isUndo, needsResponder } from './status.ts';

const INDEX = 'WORK';
/** A function may take 300 s; half of the transit group's two minutes is left for the sweep itself. */
const FIRST_LOOK_MS = 60_000;

const key = (incidentId: string) => ({ pk: partitionKey('work', incidentId), sk: 'WORK' });

const recordSchema = z.object({
  incidentId: z.string(),
  /** Of the incident when this was written. */
  version: z.number(),
  /** Looks in a row that did not bring it to an end. */
  tries: z.number(),
  /** ARN of the execution that was started last to take the incident over, and how many were. */
  takeover: z.string().optional(),
  takeovers: z.number().default(0),
  /** Its place in the index. */
  gsi1sk: z.string(),
});
export type OpenWork = z.infer<typeof recordSchema>;

const recordOf = (id: string, version: number, at: string): Item => ({
  ...key(id),
  ...dueAt(INDEX, id, at),
  ...{ incidentId: id, version, tries: 0 },
});

const later = (at: string, ms: number): string => new Date(Date.parse(at) + ms).toISOString();

/** Whether an execution moves the incident, or should: its response, or an undo of it. */
export const isMoving = (incident: Pick<Incident, 'status' | 'undoRun'>): boolean =>
  isRunning(incident.status) || isUndoOpen(incident);

/** Whether an incident that no execution moves may have left something of ours half done. */
export const mayBeHalfDone = ({ status }: Pick<Incident, 'status'>): boolean =>
  needsResponder(status) && (isContainment(status) || isUndo(status));

/** Returns the record that puts the incident into the index: it is written with the incident's own. */
export const openWork = ({ id, version, updatedAt }: Pick<Incident, 'id' | 'version' | 'updatedAt'>): Item =>
  recordOf(id, version, later(updatedAt, FIRST_LOOK_MS));

/** Puts an incident into the index that an earlier release left out of it; one that is known stays as it is. */
export const enterWork = (
  table: Table,
  { id, updatedAt }: Pick<Incident, 'id' | 'updatedAt'>,
): Promise<void> => unlessLost(table.put(recordOf(id, 0, updatedAt), ABSENT));

/** Returns what is due, the longest overdue first. */
export const dueWork = async (table: Table, now: Date, most: number): Promise<readonly OpenWork[]> =>
  (await dueItems(table, INDEX, now, most)).map((item) => parseRecord(recordSchema, item));

/** Has the sweep look by then at the latest, where it is to look at all. */
export const lookBy = (table: Table, incidentId: string, at: Date): Promise<void> =>
  unlessLost(
    table.update(
      key(incidentId),
      {
        text: 'SET #order = :next',
        names: { order: 'gsi1sk' },
        values: { next: dueAt(INDEX, incidentId, at.toISOString()).gsi1sk },
      },
      { text: 'attribute_exists(#index)', names: { index: 'gsi1pk' } },
    ),
  );

/** Keeps which execution was started to take the incident over. */
export const keepTakeover = (table: Table, incidentId: string, execution: string): Promise<void> =>
  unlessLost(
    table.update(
      key(incidentId),
      {
        text: 'SET #takeover = :execution ADD #takeovers :one',
        names: { takeover: 'takeover', takeovers: 'takeovers' },
        values: { execution, one: 1 },
      },
      { text: 'attribute_exists(pk)' },
    ),
  );

/** Sets the next look, unless the work was opened again meanwhile. */
export const lookAgain = (table: Table, work: OpenWork, at: Date, tries: number): Promise<void> =>
  unlessLost(
    table.update(
      key(work.incidentId),
      {
        text: 'SET #order = :next, #tries = :tries',
        names: { order: 'gsi1sk', tries: 'tries' },
        values: { next: dueAt(INDEX, work.incidentId, at.toISOString()).gsi1sk, tries },
      },
      { text: '#order = :read', names: { order: 'gsi1sk' }, values: { read: work.gsi1sk } },
    ),
  );

/** Takes the incident out of the index, unless it was opened again after it was read. */
export const closeWork = (table: Table, { id, version }: Pick<Incident, 'id' | 'version'>): Promise<void> =>
  unlessLost(
    table.update(key(id), NO_LONGER_DUE, {
      text: '#version <= :version',
      names: { version: 'version' },
      values: { version },
    }),
  );
