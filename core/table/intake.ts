/**
 * Events too large for a Step Functions execution (262,144 bytes): kept in the table, gzip, in parts, and passed by
 * reference. EventBridge accepts up to 1 MB, so such events do arrive.
 */
import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { FirebreakError } from '../errors.ts';
import type { Table } from './table.ts';

/** Task, state and execution data of Step Functions, in bytes of UTF-8. */
export const EXECUTION_INPUT_BYTES = 262_144;
const PART_BYTES = 350_000;
const KEEP_SECONDS = 14 * 86_400;

/** What an execution gets instead of the event. */
export interface IntakeReference {
  readonly firebreakIntake: string;
}

export async function saveIntake(table: Table, text: string, now: Date): Promise<IntakeReference> {
  const reference = createHash('sha256').update(text).digest('hex');
  const bytes = gzipSync(text);
  const parts = Math.max(1, Math.ceil(bytes.length / PART_BYTES));
  for (let part = 0; part < parts; part++) {
    await table.put({
      pk: `INTAKE#${reference}`,
      sk: String(part).padStart(3, '0'),
      parts,
      bytes: bytes.subarray(part * PART_BYTES, (part + 1) * PART_BYTES),
      ttl: Math.floor(now.getTime() / 1000) + KEEP_SECONDS,
    });
  }
  return { firebreakIntake: reference };
}

/** The event a reference stands for; any other value is the event itself. */
export async function resolveIntake(table: Table, event: unknown): Promise<unknown> {
  if (typeof event !== 'object' || event === null || !('firebreakIntake' in event)) return event;
  const reference = String(event.firebreakIntake);
  const items = await table.query(`INTAKE#${reference}`, '');
  const [first] = items;
  if (!first || items.length < (first['parts'] as number)) {
    throw new FirebreakError('NotFound', 'a finding that was passed by reference is not in the table', {
      resource: `INTAKE#${reference}`,
      next: 'Read the finding in the GuardDuty console; it was kept for 14 days.',
    });
  }
  return JSON.parse(gunzipSync(Buffer.concat(items.map((item) => item['bytes'] as Uint8Array))).toString());
}
