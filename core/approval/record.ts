/**
 * The record `DECISION#<id>`: the approval as people see it, and next to it what they never see, the task token. In the
 * index it is either OPEN, ordered by when the clock must look at it next, or UNDELIVERED: decided, and the workflow
 * does not know it yet.
 */

import { type DecisionRecord, decisionKey, decisionOf } from '../incident/approval-record.ts';
import type { ApprovalView } from '../incident/incident.ts';
import { partitionKey } from '../table/partitions.ts';
import { dueAt, indexedItems } from '../table/schedule.ts';
import type { Item, Table } from '../table/table.ts';
import { nextLook } from './clock.ts';

const OPEN = 'OPEN';
const UNDELIVERED = 'UNDELIVERED';
/** Sort key of the records, at the question that asks, of those that joined it. */
const JOINED = 'JOINED#';

export async function createDecision(table: Table, record: DecisionRecord): Promise<void> {
  await table.put(itemOf(record));
}

/**
 * Writes the next state of an open decision. Throws Conflict when someone wrote since it was read, or decided: of two
 * decisions at once one write is made.
 */
export async function writeDecision(
  table: Table,
  read: DecisionRecord,
  view: ApprovalView,
): Promise<DecisionRecord> {
  const version = read.version + 1;
  const next = { ...read, view: { ...view, revision: version }, version };
  await table.put(itemOf(next), {
    text: '#version = :version AND attribute_not_exists(#outcome)',
    names: { version: 'version', outcome: 'outcome' },
    values: { version: read.version },
  });
  return next;
}

/** A retried task has another token. Decided or not, the record gets it; the version keeps a write under way from undoing it. */
export async function replaceToken(table: Table, id: string, token: string): Promise<DecisionRecord> {
  const item = await table.update(
    decisionKey(id),
    {
      text: 'SET #token = :token ADD #version :one',
      names: { token: 'taskToken', version: 'version' },
      values: { token, one: 1 },
    },
    { text: 'attribute_exists(pk)' },
  );
  return decisionOf(item);
}

/** The workflow knows: the record leaves the index, and the token is forgotten. */
export async function markDelivered(table: Table, id: string): Promise<void> {
  await table.update(decisionKey(id), {
    text: 'REMOVE #index, #order, #token',
    names: { index: 'gsi1pk', order: 'gsi1sk', token: 'taskToken' },
  });
}

/** Keeps that the question `id` is answered with `leader`. */
export const keepJoined = (table: Table, leader: string, id: string): Promise<void> =>
  table.put({ pk: partitionKey('approval', leader), sk: `${JOINED}${id}` });

/** Ids of the questions that joined this one, those that have left again among them. */
export async function joinedTo(table: Table, leader: string): Promise<readonly string[]> {
  const items = await table.query(partitionKey('approval', leader), JOINED);
  return items.map(({ sk }) => sk.slice(JOINED.length));
}

export const undelivered = (table: Table, before: Date): AsyncGenerator<DecisionRecord> =>
  indexed(table, UNDELIVERED, before);
/** Open decisions that the clock must look at by now. */
export const dueDecisions = (table: Table, now: Date): AsyncGenerator<DecisionRecord> =>
  indexed(table, OPEN, now);

/** Incidents whose question no one has answered, whenever the clock looks at them next. */
export async function* openQuestions(table: Table): AsyncGenerator<string> {
  for await (const item of indexedItems(table, OPEN)) yield decisionOf(item).incidentId;
}

async function* indexed(table: Table, index: string, before: Date): AsyncGenerator<DecisionRecord> {
  for await (const item of indexedItems(table, index, { before })) yield decisionOf(item);
}

function itemOf({ incidentId, view, version, taskToken }: DecisionRecord): Item {
  const index =
    view.outcome === undefined
      ? dueAt(OPEN, view.id, nextLook(view))
      : { ...dueAt(UNDELIVERED, view.id, `${view.decidedAt}`), outcome: view.outcome };
  return { ...decisionKey(view.id), incidentId, taskToken, version, ...index, view };
}
