/**
 * Events too large for a Step Functions execution (262,144 bytes): kept in the table, gzip, in parts, and passed by
 * reference. EventBridge accepts up to 1 MB, so such events do arrive.
 */
import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { z } from 'zod';
import { FirebreakError } from '../errors.ts';
import { partitionKey } from './partitions.ts';
import { parseRecord } from './record.ts';
import type { Table } from './table.ts';

/** Task, state and execution data of Step Functions, in bytes of UTF-8. */
export const EXECUTION_INPUT_BYTES = 262_144;
const PART_BYTES = 350_000;
const KEEP_SECONDS = 14 * 86_400;
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
      next: 'Read the finding in the GuardDuty console; it was kept for 14 days.',
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
