import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../sandbox/database.ts';
import { parseFinding } from '../finding/finding.ts';
import type { Item, Table } from '../table/table.ts';
import type { Incident } from './incident.ts';
import {
  bucketMs,
  bucketOf,
  type CountUnit,
  type IncidentFilter,
  type IncidentRow,
  recount,
  rowOf,
  tally,
  tookMs,
} from './list.ts';
import type { IncidentStatus } from './status.ts';
import { type IncidentStore, incidentStore } from './store.ts';

const TYPES = [
  'Backdoor:EC2/C&CActivity.B',
  'Recon:IAMUser/MaliciousIPCaller.Custom',
  'Policy:S3/BucketAnonymousAccessGranted',
];
const ENDS: readonly IncidentStatus[] = ['contained', 'failed', 'notified', 'received', 'undone'];
const finding = (index: number, day: string) =>
  parseFinding({
    id: `finding-${index}`,
    type: TYPES[index % 3],
    accountId: index % 4 === 0 ? '111122223333' : '444455556666',
    region: index % 5 === 0 ? 'us-east-1' : 'eu-west-1',
    partition: 'aws',
    severity: [2, 5, 8, 9][index % 4],
    title: `Finding number ${index}`,
    createdAt: `${day}T00:00:00Z`,
    updatedAt: `${day}T00:00:00Z`,
    service: {},
    resource: {},
  });

let database: Database;
let table: Table;
let store: IncidentStore;
const made: Incident[] = [];
/** Sixty incidents over three months, one each day or so, as the workflow writes them. */
beforeAll(async () => {
  database = await openDatabase({ partition: 'aws', account: '111122223333', region: 'eu-west-1' }, 'list');
  table = database.table;
  store = incidentStore(table);
  for (let index = 0; index < 60; index++) {
    const opened = new Date(Date.UTC(2026, 8, 1 + Math.floor(index * 1.4), 12, index % 60));
    const day = opened.toISOString().slice(0, 10);
    const { incident } = await store.claim(finding(index, day), `execution-${index}`, opened);
    const later = new Date(opened.getTime() + (index + 1) * 1000);
    await store.change(incident.id, later, () => ({ status: 'containing' }));
    made.push(await store.change(incident.id, later, () => ({ status: ENDS[index % 5] ?? 'failed' })));
  }
});
afterAll(() => database.close());

const ALL = { from: '2026-08-01T00:00:00.000Z', to: '2026-12-31T23:59:59.999Z' };
async function everything(filter: IncidentFilter, limit: number, bounds = ALL): Promise<IncidentRow[]> {
  const rows: IncidentRow[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list({ ...bounds, limit, filter, ...(cursor ? { cursor } : {}) });
    expect(page.items.length).toBeLessThanOrEqual(limit);
    rows.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return rows;
}
/** The same by looking at every one. */
const expected = (fits: (row: IncidentRow) => boolean) =>
  made
    .map(rowOf)
    .filter(fits)
    .sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));

describe('what the indexes hold of an incident', () => {
  const at = (minute: number) => new Date(Date.UTC(2026, 5, 1, 12, minute));
  const shown = async (id: string) => {
    const meta: Item | undefined = await metaOf(id);
    if (!meta) throw new Error(`no incident ${id}`);
    const { pk: _pk, sk: _sk, version: _version, data: _data, ...entry } = meta;
    return entry;
  };
  const metaOf = (id: string) => table.get({ pk: `INCIDENT#${id}`, sk: 'META' });
  const rowNow = async (id: string) => JSON.parse(String((await metaOf(id))?.['row'])) as IncidentRow;

  it('stays as it is where a change is none that the list shows', async () => {
    const { incident } = await store.claim(finding(900, '2026-06-01'), 'execution', at(0));
    await store.change(incident.id, at(1), () => ({ status: 'containing' }));
    const before = await shown(incident.id);
    const changed = await store.change(incident.id, at(2), () => ({ passes: 1 }));
    expect(changed.updatedAt).toBe(at(2).toISOString());
    expect(await shown(incident.id)).toEqual(before);
    expect((await rowNow(incident.id)).updatedAt).toBe(at(1).toISOString());
    await store.change(incident.id, at(3), () => ({ status: 'failed' }));
    expect((await rowNow(incident.id)).updatedAt).toBe(at(3).toISOString());
  });

  it('is that of an earlier release until something of it changes', async () => {
    const { incident } = await store.claim(finding(901, '2026-06-01'), 'execution', at(0));
    const meta = await metaOf(incident.id);
    const { listedAt: _new, ...data } = JSON.parse(String(meta?.['data'])) as Incident;
    const row = { ...rowOf(incident), updatedAt: at(1).toISOString() };
    await table.put({
      ...{ ...meta, pk: `INCIDENT#${incident.id}`, sk: 'META' },
      ...{ data: JSON.stringify({ ...data, updatedAt: at(1).toISOString() }), row: JSON.stringify(row) },
    });
    const before = await shown(incident.id);
    await store.change(incident.id, at(2), () => ({ passes: 1 }));
    expect(await shown(incident.id)).toEqual(before);
  });
});

describe('the list of incidents', () => {
  it.each([1, 7, 60, 100])('gives every incident once, newest first, %i to a page', async (limit) => {
    expect(await everything({}, limit)).toEqual(expected(() => true));
  });

  const filters: readonly (readonly [IncidentFilter, (row: IncidentRow) => boolean])[] = [
    [{ status: 'failed' }, ({ status }) => status === 'failed'],
    [{ status: 'open' }, ({ status }) => status === 'received'],
    [{ severity: 'critical' }, ({ label }) => label === 'critical'],
    [
      { family: 'S3', region: 'us-east-1' },
      ({ family, region }) => family === 'S3' && region === 'us-east-1',
    ],
    [
      { account: '111122223333', status: 'contained', family: 'EC2' },
      (row) => row.account === '111122223333' && row.status === 'contained' && row.family === 'EC2',
    ],
    [{ text: 'NUMBER-NONE' }, () => false],
    [{ text: 'Anonymous' }, ({ type }) => type.includes('Anonymous')],
    [{ text: 'anonymous', severity: 'high' }, ({ type, label }) => label === 'high' && /Anon/.test(type)],
    [{ account: '999999999999' }, () => false],
  ];
  it.each(filters)('filtered by %j', async (filter, fits) => {
    for (const limit of [2, 50]) expect(await everything(filter, limit)).toEqual(expected(fits));
  });

  it('keeps to the time asked for', async () => {
    const bounds = { from: '2026-09-10T00:00:00.000Z', to: '2026-10-03T12:30:00.000Z' };
    const fits = ({ createdAt }: IncidentRow) => createdAt >= bounds.from && createdAt <= bounds.to;
    expect(expected(fits).length).toBeGreaterThan(10);
    expect(await everything({}, 5, bounds)).toEqual(expected(fits));
    expect(await everything({ status: 'failed' }, 5, bounds)).toEqual(
      expected((row) => fits(row) && row.status === 'failed'),
    );
  });

  it('reads no more rows than it shows when one thing is asked for', async () => {
    const { examined } = await store.list({ ...ALL, limit: 5, filter: { status: 'failed' } });
    expect(examined).toBeLessThanOrEqual(6);
  });

  it('names what took longest to contain', async () => {
    const slowest = await store.slowest({ ...ALL, limit: 3 });
    const contained = expected(({ status }) => status === 'contained');
    expect(slowest).toEqual(contained.sort((a, b) => (tookMs(b) ?? 0) - (tookMs(a) ?? 0)).slice(0, 3));
  });
});

describe('the counters', () => {
  const sums = (rows: readonly IncidentRow[]) => {
    const counted = new Map<string, number>();
    for (const [name, value] of rows.flatMap(tally)) counted.set(name, (counted.get(name) ?? 0) + value);
    return Object.fromEntries(counted);
  };
  const counts = async (unit: CountUnit = 'day') => {
    const counted: Record<string, number> = {};
    for (const day of await store.counts(ALL.from, ALL.to, unit)) {
      const add = (name: string, value: number) => {
        counted[name] = (counted[name] ?? 0) + value;
      };
      add('total', day.total);
      for (const [facet, values] of Object.entries(day.by))
        for (const [value, number] of Object.entries(values)) add(`${facet}:${value}`, number);
      for (const [how, buckets] of Object.entries(day.took))
        for (const [bucket, number] of Object.entries(buckets)) add(`${how}:${bucket}`, number);
    }
    return counted;
  };

  it('say what the rows say, however often an incident changed', async () => {
    expect(await counts()).toEqual(sums(made.map(rowOf)));
    expect(await counts('month')).toEqual(sums(made.map(rowOf)));
    expect(await store.counts(ALL.from, ALL.to, 'month')).toHaveLength(3);
  });

  it('are spread over partitions, so that one day of many findings heats none of them', async () => {
    const shards = await Promise.all(
      Array.from({ length: 8 }, (_, shard) => table.range(`COUNT#day#${shard}`, '0', '9')),
    );
    const written = shards.map((items) => items.reduce((sum, item) => sum + Number(item['version']), 0));
    expect(Math.min(...written)).toBeGreaterThan(0);
    expect(Math.max(...written)).toBeLessThan(written.reduce((sum, one) => sum + one) / 3);
  });

  it('are left for later where an incident of the day is counted meanwhile', async () => {
    const day = made.at(-1)?.createdAt.slice(0, 10) ?? '';
    let reads = 0;
    const busy: Table = {
      ...table,
      async range(pk, from, to) {
        if (pk.startsWith('COUNT#day')) reads += 1;
        if (reads === 9)
          await table.update(
            { pk: 'COUNT#day#3', sk: day },
            { text: 'ADD #version :one', names: { version: 'version' }, values: { one: 1 } },
          );
        return table.range(pk, from, to);
      },
    };
    await expect(recount(busy, day)).rejects.toMatchObject({ name: 'Conflict' });
    expect(await recount(table, day)).toBe(true);
    expect(await counts()).toEqual(sums(made.map(rowOf)));
  });

  it('are corrected by counting a day again, once, those of an earlier release among them', async () => {
    const [first] = made;
    const day = first?.createdAt.slice(0, 10) ?? '';
    for (const [pk, sk] of [
      ['COUNTS', day],
      ['COUNTS#MONTH', day.slice(0, 7)],
    ] as const)
      await table.update(
        { pk, sk },
        { text: 'ADD #total :five', names: { total: 'total' }, values: { five: 5 } },
      );
    expect(await counts()).not.toEqual(sums(made.map(rowOf)));
    expect(await recount(table, day)).toBe(true);
    expect(await counts()).toEqual(sums(made.map(rowOf)));
    expect(await counts('month')).toEqual(sums(made.map(rowOf)));
    expect(await recount(table, day)).toBe(false);
  });

  it('know a duration to five per cent', () => {
    for (const ms of [900, 1585, 65_000, 3_600_000]) {
      expect(Math.abs(bucketMs(bucketOf(ms)) - ms) / ms).toBeLessThan(0.1);
    }
  });
});
