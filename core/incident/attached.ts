/**
 * What is kept with an incident's record: `FINDING#<n>` (gzip, in parts), `ATTACHED#<name>`, `EVENT#<time>`,
 * `SOURCE#<address>`, `CALLS#<time>`.
 */
import { randomBytes } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { z } from 'zod';
import type { IncidentCall } from '../aws/call-log.ts';
import { FINDING_SHAPE, type Finding, parseDetail } from '../finding/finding.ts';
import type { JsonObject } from '../json.ts';
import { partitionKey } from '../table/partitions.ts';
import { parseRecord } from '../table/record.ts';
import type { Item, Table } from '../table/table.ts';
import type { IncidentContext } from './context.ts';
import type { EvidenceEntry } from './evidence.ts';
import type { TimelineEvent } from './incident.ts';

/** DynamoDB takes items up to 400 KB; a part leaves room for the keys. */
const PART_BYTES = 350_000;
/** The normalised members stand with the first part; larger ones are parsed again instead. */
const NORMALISED_BYTES = 20_000;
/** Remote addresses that are counted for one incident. */
const MOST_ADDRESSES = 500;
/** Of one task; more than this nobody reads, and CloudTrail has them all. */
const MOST_CALLS = 500;

const pk = (id: string) => partitionKey('incident', id);
const compressed = z.object({ bytes: z.instanceof(Uint8Array) });
const part = compressed.extend({ parts: z.int().positive() });
const normalisedPart = z.object({
  shape: z.literal(FINDING_SHAPE),
  normalised: z.instanceof(Uint8Array),
});
const event = z.object({ at: z.string(), event: z.string() });

export async function saveFinding(table: Table, id: string, finding: Finding): Promise<void> {
  const { detail, ...members } = finding;
  const bytes = gzipSync(JSON.stringify(detail));
  const normalised = gzipSync(JSON.stringify(members));
  const beside = normalised.length > NORMALISED_BYTES ? {} : { normalised, shape: FINDING_SHAPE };
  const parts = Math.max(1, Math.ceil(bytes.length / PART_BYTES));
  for (let index = 0; index < parts; index++) {
    await table.put({
      pk: pk(id),
      sk: `FINDING#${String(index).padStart(3, '0')}`,
      parts,
      bytes: bytes.subarray(index * PART_BYTES, (index + 1) * PART_BYTES),
      ...(index === 0 ? beside : {}),
    });
  }
}

export async function findingOf(
  table: Table,
  id: string,
): Promise<{ readonly detail: JsonObject; readonly first: Item } | undefined> {
  const items = await table.query(pk(id), 'FINDING#');
  const [first] = items;
  if (!first) return undefined;
  // A finding that became shorter leaves parts of its longer form.
  const parts = items.slice(0, parseRecord(part, first).parts).map((item) => parseRecord(part, item).bytes);
  return { detail: JSON.parse(gunzipSync(Buffer.concat(parts)).toString()), first };
}

/** Returns the finding as it was normalised when it came in; one of another shape is parsed again. */
export async function normalisedFinding(table: Table, id: string): Promise<Finding | undefined> {
  const stored = await findingOf(table, id);
  if (!stored) return undefined;
  const kept = normalisedPart.safeParse(stored.first);
  return kept.success
    ? { ...JSON.parse(gunzipSync(kept.data.normalised).toString()), detail: stored.detail }
    : parseDetail(stored.detail);
}

const attach = (table: Table, id: string, name: string, value: unknown): Promise<void> =>
  table.put({ pk: pk(id), sk: `ATTACHED#${name}`, bytes: gzipSync(JSON.stringify(value)) });

/** Firebreak's own JSON; `T` is what `attach` was given under that name. */
async function attached<T>(table: Table, id: string, name: string): Promise<T | undefined> {
  const item = await table.get({ pk: pk(id), sk: `ATTACHED#${name}` });
  return item ? JSON.parse(gunzipSync(parseRecord(compressed, item).bytes).toString()) : undefined;
}

export const contextOf = (table: Table, id: string): Promise<IncidentContext | undefined> =>
  attached<IncidentContext>(table, id, 'CONTEXT');
export const saveContext = (table: Table, id: string, context: IncidentContext): Promise<void> =>
  attach(table, id, 'CONTEXT', context);
export const evidenceOf = async (table: Table, id: string): Promise<readonly EvidenceEntry[]> =>
  (await attached<readonly EvidenceEntry[]>(table, id, 'EVIDENCE')) ?? [];
export const saveEvidence = (table: Table, id: string, entries: readonly EvidenceEntry[]): Promise<void> =>
  attach(table, id, 'EVIDENCE', entries);

/** Orders events of one handler within a millisecond. */
let sequence = 0;

export async function note(table: Table, id: string, text: string, now: Date): Promise<void> {
  const at = now.toISOString();
  sequence = (sequence + 1) % 1_000_000;
  const order = `${String(sequence).padStart(6, '0')}${randomBytes(3).toString('hex')}`;
  await table.put({ pk: pk(id), sk: `EVENT#${at}#${order}`, at, event: text });
}

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
    .flatMap((item): IncidentCall[] => JSON.parse(gunzipSync(parseRecord(compressed, item).bytes).toString()))
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
}
