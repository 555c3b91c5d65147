/**
 * The list of incidents: rows by key from the table's indexes, newest first, and counters for each day. Every index is
 * split by month, so that no partition grows for ever; a page never reads more than it may (`MOST_EXAMINED`).
 */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { FirebreakError, TableUnavailable } from '../errors.ts';
import type { SeverityLabel } from '../finding/finding.ts';
import { hashJson, own } from '../json.ts';
import { partitionKey } from '../table/partitions.ts';
import { jsonTextOf, type Members, parseRecord } from '../table/record.ts';
import type { Item, Key, Table } from '../table/table.ts';
import type { Expression } from '../table/terms.ts';
import type { DecisionKind, Incident } from './incident.ts';
import { labelSchema, statusSchema } from './schema.ts';
import { type IncidentStatus, listedStatus } from './status.ts';

/** What a list can be filtered by, each with an index of its own. */
export const FACETS = ['status', 'severity', 'account', 'region', 'family'] as const;
export type Facet = (typeof FACETS)[number];

/** What a list shows of an incident. Strings of the finding are untrusted. */
export interface IncidentRow {
  readonly id: string;
  readonly status: IncidentStatus;
  readonly severity: number;
  readonly label: SeverityLabel;
  readonly type: string;
  readonly family: string;
  readonly account: string;
  readonly region: string;
  readonly display: string | null;
  readonly playbook: string | null;
  readonly decision?: DecisionKind;
  /** A person was asked before it was contained. */
  readonly asked: boolean;
  readonly sample: boolean;
  readonly followUpOf?: string;
  readonly createdAt: string;
  /** When something of this row last changed: what the row does not show must not rewrite every index. */
  readonly updatedAt: string;
  /** When containment was first proven. */
  readonly containedAt?: string;
}

export interface IncidentFilter extends Partial<Readonly<Record<Facet, string>>> {
  /** Part of an id, a type, a target, a title; upper and lower case are the same. */
  readonly text?: string;
}

export interface ListQuery {
  /** ISO 8601, both inclusive: when the incident was opened. */
  readonly from: string;
  readonly to: string;
  readonly limit: number;
  readonly filter?: IncidentFilter;
  /** `cursor` of the page before. */
  readonly cursor?: string;
  /** Counters of the same days, if at hand: the index with the fewest rows is read then. */
  readonly counts?: readonly Counts[];
}

export interface IncidentPage {
  readonly items: readonly IncidentRow[];
  /** Absent on the last page. */
  readonly cursor?: string;
  /** Rows read to find these. */
  readonly examined: number;
  /** The page was ended by `MOST_EXAMINED`: there may be matches further back. */
  readonly cut: boolean;
}

export type CountUnit = 'day' | 'month';

/** Counters of one day or month (UTC), by when incidents were opened; statuses as they are now. */
export interface Counts {
  /** `2026-11-25` or `2026-11` */
  readonly time: string;
  readonly total: number;
  readonly by: Readonly<Record<Facet, Readonly<Record<string, number>>>>;
  /** How many took how long from finding to proven containment, by `bucketOf`; with and without a person asked. */
  readonly took: Readonly<Record<'auto' | 'asked', Readonly<Record<number, number>>>>;
}

/** Rows one page may read; about 1.5 MB, a few answers of DynamoDB. */
const MOST_EXAMINED = 3000;
const PARTITION = 'INCIDENTS';
/** One partition takes 1,000 small writes a second; a storm of findings counts every change of each on one day. */
const SHARDS = Array.from({ length: 8 }, (_, index) => index);
const shardKey = (unit: CountUnit, shard: number): string => partitionKey('count', `${unit}#${shard}`);
/** Partitions of the counters: a long time is read by the month. */
const COUNTS: Readonly<Record<CountUnit, readonly string[]>> = {
  day: [...SHARDS.map((shard) => shardKey('day', shard)), partitionKey('counts')],
  month: [...SHARDS.map((shard) => shardKey('month', shard)), partitionKey('monthCounts')],
};

const familyOf = (type: string): string => /^[^:]+:([^/]+)\//.exec(type)?.[1] ?? 'unknown';

export function rowOf(incident: Incident): IncidentRow {
  const { id, status, severity, label, type, account, region, display, playbook, decision } = incident;
  const { sample, followUpOf, createdAt, updatedAt, listedAt, containedAt, approval } = incident;
  return {
    ...{ id, status, severity, label, type, account, region, display, playbook, sample },
    ...{ createdAt, updatedAt: listedAt ?? updatedAt },
    ...{ family: familyOf(type), asked: approval?.purpose === 'contain' },
    ...(decision ? { decision: decision.kind } : {}),
    ...(followUpOf ? { followUpOf: followUpOf.incidentId } : {}),
    ...(containedAt ? { containedAt } : {}),
  };
}

/** Returns when the row of `next` last changed, after that of `read`. */
export function listedAtOf(next: Incident, read: Incident): string {
  const { updatedAt, ...shown } = rowOf(read);
  const { updatedAt: _now, ...shows } = rowOf(next);
  return isDeepStrictEqual(shows, shown) ? updatedAt : next.updatedAt;
}

const facetsOf = (row: IncidentRow): Readonly<Record<Facet, string>> => ({
  status: listedStatus(row.status),
  severity: row.label,
  account: row.account,
  region: row.region,
  family: row.family,
});

/** Milliseconds from the finding's arrival to proven containment. */
export const tookMs = ({ createdAt, containedAt }: IncidentRow): number | undefined =>
  containedAt === undefined ? undefined : Math.max(0, Date.parse(containedAt) - Date.parse(createdAt));

/** Attributes by which an incident's record appears in the indexes. */
export function listingOf(incident: Incident): Readonly<Record<string, unknown>> {
  const row = rowOf(incident);
  const facets = facetsOf(row);
  const month = monthOf(row.createdAt);
  const took = tookMs(row);
  const text = [row.id, incident.findingId, row.type, row.display, incident.title, row.playbook, row.account];
  return {
    gsi1pk: `${PARTITION}#${month}`,
    gsi1sk: `${row.createdAt}#${row.id}`,
    ...facets,
    ...Object.fromEntries(FACETS.map((facet) => [`${facet}Month`, `${facets[facet]}#${month}`])),
    ...(took === undefined ? {} : { took, tookYear: yearOf(row.createdAt) }),
    search: text.join(' ').toLowerCase().slice(0, 600),
    row: JSON.stringify(row),
  };
}

const row: z.ZodType<IncidentRow> = z.object({
  id: z.string(),
  status: statusSchema,
  severity: z.number(),
  label: labelSchema,
  type: z.string(),
  family: z.string(),
  account: z.string(),
  region: z.string(),
  display: z.string().nullable(),
  playbook: z.string().nullable(),
  decision: z.enum(['record', 'notify', 'ask', 'auto']).exactOptional(),
  asked: z.boolean(),
  sample: z.boolean(),
  followUpOf: z.string().exactOptional(),
  createdAt: z.string(),
  updatedAt: z.string(),
  containedAt: z.string().exactOptional(),
} satisfies Members<IncidentRow>);

const listed = z.object({ row: jsonTextOf(row) });

const rowAt = (item: Item): IncidentRow => parseRecord(listed, item).row;

/** Newest first. Reads indexes by key only, month by month, and at most `MOST_EXAMINED` rows. */
export async function listIncidents(table: Table, query: ListQuery): Promise<IncidentPage> {
  const { from, to, limit, filter = {}, counts = [] } = query;
  const wanted = FACETS.filter((facet) => filter[facet] !== undefined);
  const text = filter.text?.trim().toLowerCase() ?? '';
  let before = query.cursor ?? `${to}~`;
  const items: IncidentRow[] = [];
  let examined = 0;
  const page = (last: string, cut: boolean): IncidentPage => ({ items, cursor: last, examined, cut });
  for (const month of monthsBetween(from, before)) {
    const facet = narrowest(wanted, filter, counts, month);
    const rest = conditionOf(
      wanted.filter((other) => other !== facet),
      filter,
      text,
    );
    // One more than the page tells whether there is another.
    let chunk = rest ? limit * 4 : limit + 1 - items.length;
    for (let more = true; more; ) {
      const read = await table.look({
        index: facet ?? 'gsi1',
        hash: facet
          ? { name: `${facet}Month`, value: `${filter[facet]}#${month}` }
          : { name: 'gsi1pk', value: `${PARTITION}#${month}` },
        range: { name: 'gsi1sk', from, before },
        limit: Math.min(chunk, MOST_EXAMINED - examined),
        ...(rest ? { filter: rest } : {}),
      });
      examined += read.examined;
      for (const item of read.items) {
        const last = items.at(-1);
        if (last && items.length === limit) return page(`${last.createdAt}#${last.id}`, false);
        items.push(rowAt(item));
      }
      more = read.last !== undefined;
      if (read.last === undefined) break;
      before = read.last;
      if (examined >= MOST_EXAMINED) return page(before, true);
      chunk = Math.min(1000, chunk * 2);
    }
  }
  return { items, examined, cut: false };
}

/** The facet with the fewest rows in that month; without counters the first asked for. */
function narrowest(
  wanted: readonly Facet[],
  filter: IncidentFilter,
  counts: readonly Counts[],
  month: string,
): Facet | undefined {
  const rows = (facet: Facet) =>
    counts
      .filter(({ time }) => time.startsWith(month))
      .reduce((sum, { by }) => sum + (own(by[facet], filter[facet] ?? '') ?? 0), 0);
  return [...wanted].sort((a, b) => rows(a) - rows(b))[0];
}

function conditionOf(facets: readonly Facet[], filter: IncidentFilter, text: string): Expression | undefined {
  const parts = [
    ...facets.map((facet) => `#${facet} = :${facet}`),
    ...(text === '' ? [] : ['contains(#search, :text)']),
  ];
  if (parts.length === 0) return undefined;
  return {
    text: parts.join(' AND '),
    names: Object.fromEntries([
      ...facets.map((facet) => [facet, facet] as const),
      ...(text === '' ? [] : [['search', 'search'] as const]),
    ]),
    values: Object.fromEntries([
      ...facets.map((facet) => [facet, filter[facet]] as const),
      ...(text === '' ? [] : [['text', text] as const]),
    ]),
  };
}

/** What took longest from finding to proven containment, the longest first. */
export async function slowestIncidents(
  table: Table,
  { from, to, limit }: Pick<ListQuery, 'from' | 'to' | 'limit'>,
): Promise<readonly IncidentRow[]> {
  const years = Array.from(
    { length: Number(yearOf(to)) - Number(yearOf(from)) + 1 },
    (_, index) => Number(yearOf(from)) + index,
  );
  const found = await Promise.all(
    years.map((year) =>
      table.look({
        index: 'took',
        hash: { name: 'tookYear', value: String(year) },
        limit: MOST_EXAMINED,
        step: 100,
        enough: limit,
        filter: openedBetween(from, to),
      }),
    ),
  );
  return found
    .flatMap(({ items }) => items.map(rowAt))
    .sort((a, b) => (tookMs(b) ?? 0) - (tookMs(a) ?? 0))
    .slice(0, limit);
}

const openedBetween = (from: string, to: string): Expression => ({
  text: '#opened BETWEEN :from AND :to',
  names: { opened: 'gsi1sk' },
  values: { from, to: `${to}~` },
});

/** Days or months that had incidents, oldest first. */
export async function countsBetween(
  table: Table,
  from: string,
  to: string,
  unit: CountUnit,
): Promise<readonly Counts[]> {
  const key = unit === 'day' ? dayOf : monthOf;
  const sums = await sumsBetween(table, unit, key(from), key(to));
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([time, named]) => countsOf(time, named));
}

/** Every counter by day or month, over all shards; `version` counts the writes. */
async function sumsBetween(
  table: Table,
  unit: CountUnit,
  from: string,
  to: string,
): Promise<ReadonlyMap<string, ReadonlyMap<string, number>>> {
  const shards = await Promise.all(COUNTS[unit].map((pk) => table.range(pk, from, to)));
  const sums = new Map<string, Map<string, number>>();
  for (const item of shards.flat()) {
    const named = sums.get(item.sk) ?? new Map<string, number>();
    for (const [name, value] of Object.entries(item))
      if (typeof value === 'number') named.set(name, (named.get(name) ?? 0) + value);
    sums.set(item.sk, named);
  }
  return sums;
}

/** Learns of counters that the table did not take. */
type UncountedListener = (error: TableUnavailable) => void;
let uncounted: UncountedListener = (error) => {
  throw error;
};
/** Must not throw. Without a listener, what could not be counted is an error. */
export function onUncounted(listener: UncountedListener): void {
  uncounted = listener;
}

/**
 * Adds the difference between two states of an incident to the counters of its day and month. An `ADD` next to the record,
 * not in one transaction with it: a busy counter must never keep an incident from being contained. A crash between the
 * two, or a counter that the table throttles, leaves the day off by one until `recount`.
 */
export async function count(table: Table, next: IncidentRow, read: IncidentRow | undefined): Promise<void> {
  const delta = difference(tally(next), read ? tally(read) : []);
  if (delta.length === 0) return;
  const shard = Number.parseInt(hashJson(next.id).slice(0, 4), 16) % SHARDS.length;
  const added = await Promise.allSettled([
    add(table, { pk: shardKey('day', shard), sk: dayOf(next.createdAt) }, delta),
    add(table, { pk: shardKey('month', shard), sk: monthOf(next.createdAt) }, delta),
  ]);
  for (const one of added) {
    if (one.status === 'fulfilled') continue;
    if (!(one.reason instanceof TableUnavailable)) throw one.reason;
    uncounted(one.reason);
  }
}

type Tally = readonly (readonly [string, number])[];

function difference(next: Tally, before: Tally): Tally {
  const delta = new Map<string, number>();
  for (const [name, value] of next) delta.set(name, (delta.get(name) ?? 0) + value);
  for (const [name, value] of before) delta.set(name, (delta.get(name) ?? 0) - value);
  return [...delta].filter(([, value]) => value !== 0);
}

async function add(table: Table, key: Key, delta: Tally, finished = false): Promise<void> {
  const counted: Tally = [['version', 1], ...delta];
  await table.update(
    key,
    {
      text: `ADD ${counted.map((_, index) => `#c${index} :c${index}`).join(', ')}${finished ? ' SET #recounted = :true' : ''}`,
      names: {
        ...Object.fromEntries(counted.map(([name], index) => [`c${index}`, name])),
        ...(finished ? { recounted: 'recounted' } : {}),
      },
      values: {
        ...Object.fromEntries(counted.map(([, value], index) => [`c${index}`, value])),
        ...(finished ? { true: true } : {}),
      },
    },
    finished ? { text: 'attribute_not_exists(#recounted)', names: { recounted: 'recounted' } } : undefined,
  );
}

/**
 * Counts a finished day once more from its rows; returns false when it was done before. Throws `Conflict` when an incident of
 * that day was counted at the same time: the day is then taken up at the next call.
 */
export async function recount(table: Table, day: string): Promise<boolean> {
  const key = { pk: shardKey('day', 0), sk: day };
  if ((await table.get(key))?.['recounted'] === true) return false;
  const countedOf = async () =>
    (await sumsBetween(table, 'day', day, day)).get(day) ?? new Map<string, number>();
  const before = await countedOf();
  const rows: IncidentRow[] = [];
  let cursor: string | undefined;
  do {
    const query = { from: day, to: `${day}T23:59:59.999Z`, limit: 1000, ...(cursor ? { cursor } : {}) };
    const page = await listIncidents(table, query);
    rows.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
  if (rows.length === 0) return false;
  const counted = await countedOf();
  if (counted.get('version') !== before.get('version')) {
    throw new FirebreakError('Conflict', 'an incident was counted at the same time', { resource: day });
  }
  const known = [...counted].filter(([name]) => name !== 'version');
  const off = difference(rows.flatMap(tally), known);
  await add(table, key, off, true);
  if (off.length > 0) await add(table, { pk: shardKey('month', 0), sk: monthOf(day) }, off);
  return true;
}

/** The counters that one incident adds to. */
export function tally(row: IncidentRow): Tally {
  const facets = facetsOf(row);
  const took = tookMs(row);
  return [
    ['total', 1],
    ...FACETS.map((facet) => [`${facet}:${facets[facet]}`, 1] as const),
    ...(took === undefined ? [] : [[`${row.asked ? 'asked' : 'auto'}:${bucketOf(took)}`, 1] as const]),
  ];
}

function countsOf(time: string, sums: ReadonlyMap<string, number>): Counts {
  const named = new Map<string, Readonly<Record<string, number>>>();
  for (const [name, value] of sums) {
    const [, group, member] = /^([a-z]+):(.+)$/.exec(name) ?? [];
    if (group === undefined || member === undefined || value <= 0) continue;
    named.set(group, { ...named.get(group), [member]: value });
  }
  const of = (name: string) => named.get(name) ?? {};
  const [status, severity, account, region, family] = FACETS.map(of);
  return {
    time,
    total: sums.get('total') ?? 0,
    by: {
      status: status ?? {},
      severity: severity ?? {},
      account: account ?? {},
      region: region ?? {},
      family: family ?? {},
    },
    took: { auto: of('auto'), asked: of('asked') },
  };
}

/** Eight buckets for each doubling: a duration is known to 5 %. */
export const bucketOf = (ms: number): number => Math.round(8 * Math.log2(1 + ms / 1000));
/** Milliseconds in the middle of a bucket. */
export const bucketMs = (bucket: number): number => (2 ** (bucket / 8) - 1) * 1000;

export const dayOf = (at: string): string => at.slice(0, 10);
const yearOf = (at: string): string => at.slice(0, 4);
const monthOf = (at: string): string => at.slice(0, 7);

/** `2026-11`, `2026-10`, ...: newest first. */
function monthsBetween(from: string, to: string): readonly string[] {
  const months: string[] = [];
  let [year = 0, month = 0] = monthOf(to).split('-').map(Number);
  const first = monthOf(from);
  for (;;) {
    const name = `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}`;
    if (name < first || months.length > 1200) return months;
    months.push(name);
    month -= 1;
    if (month === 0) {
      month = 12;
      year -= 1;
    }
  }
}
