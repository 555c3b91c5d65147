/**
 * Events that are kept in the table, gzip, in parts, and passed by reference: those too large for a Step Functions execution
 * (262,144 bytes; EventBridge accepts up to 1 MB, so such events do arrive), and those whose execution ended without a
 * decision. The latter are owed: in an index by the moment the sweep starts them again.
 */
import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { z } from 'zod';
import { FirebreakError } from '../errors.ts';
import { partitionKey } from './partitions.ts';
import { parseRecord } from './record.ts';
import { dueAt, dueItems, NO_LONGER_DUE, unlessLost, waitMsAfter } from './schedule.ts';
import type { Table } from './table.ts';
import type { Expression } from './terms.ts';

/** Task, state and execution data of Step Functions, in bytes of UTF-8. */
export const EXECUTION_INPUT_BYTES = 262_144;
/** What an event may take of it: a task's input carries the ARN of the execution as well. */
export const EVENT_BYTES = EXECUTION_INPUT_BYTES - 4_096;
const PART_BYTES = 350_000;
/** As long as Step Functions keeps what an execution was started with. */
const KEEP_SECONDS = 90 * 86_400;
/** EventBridge takes no event larger than 1 MB. */
const LARGEST_BYTES = 4 * 1024 * 1024;

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Keeps the text of an event, and returns its SHA-256: what an execution gets in its place. */
export async function saveIntake(table: Table, text: string, now: Date): Promise<string> {
  const reference = digestOf(text);
  const bytes = gzipSync(text);
  const parts = Math.max(1, Math.ceil(bytes.length / PART_BYTES));
  for (let part = 0; part < parts; part++) {
    await table.put({
      pk: partitionKey('intake', reference),
      sk: String(part).padStart(3, '0'),
      parts,
      bytes: bytes.subarray(part * PART_BYTES, (part + 1) * PART_BYTES),
      ttl: Math.floor(now.getTime() / 1000) + KEEP_SECONDS,
    });
  }
  return reference;
}

const part = z.object({ parts: z.int().positive(), bytes: z.instanceof(Uint8Array) });

/** Returns the stored event. Throws NotFound where it is not whole, and Refused where it is not what was stored. */
export async function readIntake(table: Table, reference: string): Promise<unknown> {
  const resource = partitionKey('intake', reference);
  const items = (await table.query(resource, '')).map((item) => parseRecord(part, item));
  const [first] = items;
  if (!first || items.length < first.parts) {
    throw new FirebreakError('NotFound', 'a finding that was passed by reference is not in the table', {
      resource,
      next: 'Read the finding in the GuardDuty console; it was kept for 90 days.',
    });
  }
  const text = gunzipSync(Buffer.concat(items.map(({ bytes }) => bytes)), {
    maxOutputLength: LARGEST_BYTES,
  }).toString();
  if (digestOf(text) !== reference)
    throw new FirebreakError('Refused', 'a stored event is not the one its reference names', {
      resource,
      next: 'Find out who wrote to the table; read the finding in the GuardDuty console.',
    });
  return JSON.parse(text);
}

const INDEX = 'INTAKE';

const owedSchema = z.object({
  /** What an execution is started with, as JSON text. */
  input: z.string(),
  incidentId: z.string(),
  findingId: z.string(),
  findingUpdatedAt: z.string(),
  tries: z.number(),
  /** ARN of the execution that was started for it last. */
  execution: z.string().optional(),
  gsi1sk: z.string(),
});
export type OwedIntake = z.infer<typeof owedSchema>;

const owedId = (input: string): string => digestOf(input);
const owedKey = (input: string) => ({ pk: partitionKey('intake', `OWED#${owedId(input)}`), sk: 'OWED' });
const after = (now: Date, tries: number): string =>
  new Date(now.getTime() + waitMsAfter(tries)).toISOString();

/** Name of the execution that is started for it next: one start for each try. */
export const owedExecution = ({ input, tries }: OwedIntake): string =>
  `redrive-${owedId(input).slice(0, 40)}-${tries}`;

/** Has the sweep start an execution with this input, in a minute at the earliest; one that is owed already stays as it is. */
export const oweIntake = (
  table: Table,
  owed: Pick<OwedIntake, 'input' | 'incidentId' | 'findingId' | 'findingUpdatedAt'>,
  now: Date,
): Promise<void> =>
  unlessLost(
    table.put(
      { ...owedKey(owed.input), ...dueAt(INDEX, owedId(owed.input), after(now, 0)), ...owed, tries: 0 },
      { text: 'attribute_not_exists(#index)', names: { index: 'gsi1pk' } },
    ),
  );

/** Returns what is to be started now, the longest overdue first. */
export const dueIntakes = async (table: Table, now: Date, most: number): Promise<readonly OwedIntake[]> =>
  (await dueItems(table, INDEX, now, most)).map((item) => parseRecord(owedSchema, item));

/** Keeps the execution that was started for it; it is looked at again after a minute, and twice as long after each try. */
export const triedIntake = (
  table: Table,
  owed: OwedIntake,
  execution: string | undefined,
  now: Date,
): Promise<void> =>
  unlessLost(
    table.put(
      {
        ...owed,
        ...owedKey(owed.input),
        ...dueAt(INDEX, owedId(owed.input), after(now, owed.tries)),
        ...{ tries: owed.tries + 1, execution },
      },
      asRead(owed),
    ),
  );

/** Takes it out of the index: it is decided, or another event took its place. */
export const settleIntake = (table: Table, owed: OwedIntake): Promise<void> =>
  unlessLost(table.update(owedKey(owed.input), NO_LONGER_DUE, asRead(owed)));

const asRead = ({ gsi1sk }: OwedIntake): Expression => ({
  text: '#order = :read',
  names: { order: 'gsi1sk' },
  values: { read: gsi1sk },
});
