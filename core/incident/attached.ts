/**
 * What is kept with an incident's record: `ATTACHED#<name>`, `EVENT#<time>`, `SOURCE#<address>`, `CALLS#<time>`; and in a
 * partition of its own the finding, `FINDING#<n>` (gzip, in parts).
 */
import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { z } from 'zod';
import { callsSchema, type IncidentCall } from '../aws/call-log.ts';
import { type Finding, parseDetail } from '../finding/finding.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { partitionKey } from '../table/partitions.ts';
import { gzippedOf, parseRecord } from '../table/record.ts';
import { unlessLost } from '../table/schedule.ts';
import type { Item, Table, Write } from '../table/table.ts';
import type { Expression } from '../table/terms.ts';
import { contextSchema, type IncidentContext } from './context.ts';
import { type EvidenceEntry, evidenceSchema } from './evidence.ts';
import type { TimelineEvent } from './incident.ts';
import { type MadeBefore, madeSchema } from './made/made.ts';

/** DynamoDB takes items up to 400 KB; a part leaves room for the keys. */
const PART_BYTES = 350_000;
/** Remote addresses that are counted for one incident. */
const MOST_ADDRESSES = 500;
/** Of one task; more than this no one reads, and CloudTrail has them all. */
const MOST_CALLS = 500;

const pk = (id: string) => partitionKey('incident', id);
const compressed = z.object({ bytes: z.instanceof(Uint8Array) });
const part = compressed.extend({ parts: z.int().positive() });
const detailed = z.object({ bytes: gzippedOf(z.custom<JsonObject>(isJsonObject, 'expected a finding')) });
const kept = z.object({ bytes: gzippedOf(callsSchema) });
const event = z.object({ at: z.string(), event: z.string() });

/** The finding as an event of it that was taken in at `version` of the incident: a later one's is not written over. */
export function findingWrites(id: string, finding: Finding, version: number): readonly Write[] {
  const bytes = gzipSync(JSON.stringify(finding.detail));
  const parts = Math.max(1, Math.ceil(bytes.length / PART_BYTES));
  return Array.from({ length: parts }, (_, index) => ({
    item: {
      pk: partitionKey('finding', id),
      sk: `FINDING#${String(index).padStart(3, '0')}`,
      parts,
      version,
      bytes: bytes.subarray(index * PART_BYTES, (index + 1) * PART_BYTES),
    },
    condition: notLater(version),
  }));
}

/** Stores the finding, unless a later event of it was taken in meanwhile. */
export const saveFinding = (table: Table, id: string, finding: Finding, version: number): Promise<void> =>
  unlessLost(table.putAll(findingWrites(id, finding, version)));

const notLater = (version: number): Expression => ({
  text: 'attribute_not_exists(#version) OR #version <= :version',
  names: { version: 'version' },
  values: { version },
});

/** Returns the finding as it was delivered last. */
export async function findingOf(table: Table, id: string): Promise<JsonObject | undefined> {
  const own = await table.query(partitionKey('finding', id), 'FINDING#');
  // Earlier releases kept it with the incident.
  const items = own.length > 0 ? own : await table.query(pk(id), 'FINDING#');
  const [first] = items;
  if (!first) return undefined;
  // A finding that became shorter leaves parts of its longer form.
  const parts = items.slice(0, parseRecord(part, first).parts).map((item) => parseRecord(part, item).bytes);
  return parseRecord(detailed, { ...first, bytes: Buffer.concat(parts) }).bytes;
}

/** Returns the finding, normalised as this release does. */
export async function normalisedFinding(table: Table, id: string): Promise<Finding | undefined> {
  const detail = await findingOf(table, id);
  return detail && parseDetail(detail);
}

const attach = (table: Table, id: string, name: string, value: unknown): Promise<void> =>
  table.put({ pk: pk(id), sk: `ATTACHED#${name}`, bytes: gzipSync(JSON.stringify(value)) });

async function attached<T>(
  table: Table,
  id: string,
  name: string,
  schema: z.ZodType<T>,
): Promise<T | undefined> {
  const item = await table.get({ pk: pk(id), sk: `ATTACHED#${name}` });
  return item && parseRecord(z.object({ bytes: gzippedOf(schema) }), item).bytes;
}

export const contextOf = (table: Table, id: string): Promise<IncidentContext | undefined> =>
  attached(table, id, 'CONTEXT', contextSchema);
export const saveContext = (table: Table, id: string, context: IncidentContext): Promise<void> =>
  attach(table, id, 'CONTEXT', context);
export const madeBeforeOf = (table: Table, id: string): Promise<MadeBefore | undefined> =>
  attached(table, id, 'MADE-BEFORE', madeSchema);
export const saveMadeBefore = (table: Table, id: string, made: MadeBefore): Promise<void> =>
  attach(table, id, 'MADE-BEFORE', made);
export const evidenceOf = async (table: Table, id: string): Promise<readonly EvidenceEntry[]> =>
  (await attached(table, id, 'EVIDENCE', evidenceSchema)) ?? [];
export const saveEvidence = (table: Table, id: string, entries: readonly EvidenceEntry[]): Promise<void> =>
  attach(table, id, 'EVIDENCE', entries);

/** Orders events of one handler within a millisecond. */
let sequence = 0;

/** A line of the timeline. */
export function noteItem(id: string, text: string, at: string): Item {
  sequence = (sequence + 1) % 1_000_000;
  const order = `${String(sequence).padStart(6, '0')}${randomBytes(3).toString('hex')}`;
  return { pk: pk(id), sk: `EVENT#${at}#${order}`, at, event: text };
}

export const note = (table: Table, id: string, text: string, now: Date): Promise<void> =>
  table.put(noteItem(id, text, now.toISOString()));

export const timelineOf = async (table: Table, id: string): Promise<readonly TimelineEvent[]> =>
  (await table.query(pk(id), 'EVENT#')).map((item) => parseRecord(event, item));

export async function addAddresses(
  table: Table,
  id: string,
  addresses: readonly string[],
): Promise<{ count: number; more: boolean }> {
  const known = await table.query(pk(id), 'SOURCE#');
  const seen = new Set(known.map(({ sk }) => sk));
  const fresh = [...new Set(addresses.map((address) => `SOURCE#${address}`))].filter((sk) => !seen.has(sk));
  const room = Math.max(0, MOST_ADDRESSES - seen.size);
  // An item for each: two updates at once cannot lose one of the other.
  await Promise.all(fresh.slice(0, room).map((sk) => table.put({ pk: pk(id), sk })));
  return { count: seen.size + Math.min(fresh.length, room), more: fresh.length > room };
}

export async function saveCalls(table: Table, id: string, calls: readonly IncidentCall[]): Promise<void> {
  const [first] = calls;
  if (!first) return;
  // The newest of a task that made very many: its end is what people look for.
  const kept = calls.slice(-MOST_CALLS);
  await table.put({
    pk: pk(id),
    sk: `CALLS#${first.at}#${randomBytes(4).toString('hex')}`,
    left: calls.length - kept.length,
    bytes: gzipSync(JSON.stringify(kept)),
  });
}

export async function callsOf(table: Table, id: string): Promise<readonly IncidentCall[]> {
  const items = await table.query(pk(id), 'CALLS#');
  return items
    .flatMap((item) => parseRecord(kept, item).bytes)
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}
