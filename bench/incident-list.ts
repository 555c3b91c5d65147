/**
 * The list of the console over 100,000 incidents of a year in the table, DynamoDB being dynalite on loopback: how long
 * the server takes, and how many rows it reads. `node bench/incident-list.ts [incidents]`
 */
import type { IncidentFilter } from '../core/incident-list.ts';
import { incidentStore } from '../core/incident-store.ts';
import { openDatabase } from '../sandbox/database.ts';
import { fillPast } from '../sandbox/past-incidents.ts';

const COUNT = Number(process.argv[2] ?? 100_000);
const END = Date.UTC(2026, 10, 25);
const YEAR_MS = 365 * 86_400_000;
const MOST_MS = 200;

const database = await openDatabase(
  { partition: 'aws', account: '111122223333', region: 'eu-west-1' },
  'bench',
);
const store = incidentStore(database.table);
const filling = Date.now();
await fillPast(database.client, 'bench', { count: COUNT, end: END, spanMs: YEAR_MS });
console.log(`${COUNT} incidents of a year, written in ${Math.round((Date.now() - filling) / 1000)} s`);

const before = (days: number) => new Date(END - days * 86_400_000).toISOString();
const QUERIES: readonly (readonly [string, number, IncidentFilter])[] = [
  ['newest, 30 days', 30, {}],
  ['newest, a year', 365, {}],
  ['status=failed (rare), a year', 365, { status: 'failed' }],
  ['status=awaiting-approval, a year', 365, { status: 'awaiting-approval' }],
  ['severity=low (most), 30 days', 30, { severity: 'low' }],
  ['region=sa-east-1 + family=EC2, a year', 365, { region: 'sa-east-1', family: 'EC2' }],
  [
    'account + status=contained + high, a year',
    365,
    { account: '100000000003', status: 'contained', severity: 'high' },
  ],
  ['family=RDS (rarest), a year', 365, { family: 'RDS' }],
  ['status=notified + family=RDS, a year', 365, { status: 'notified', family: 'RDS' }],
  ['text "bitcoin", a year', 365, { text: 'bitcoin' }],
  ['text that is nowhere, a year', 365, { text: 'no such text' }],
];
/** Only then there is an index to choose. */
const several = (filter: IncidentFilter) => Object.keys(filter).length > 1;
console.log('what the list is asked for                      median ms   95 %   rows read   shown');
let slow = 0;
const to = new Date(END).toISOString();
for (const [name, days, filter] of QUERIES) {
  const times: number[] = [];
  let seen = '';
  for (let run = 0; run < 15; run++) {
    const started = performance.now();
    const from = before(days);
    // As a request of the console does: counters, a page, the slowest.
    const counts = store.counts(from, to, days > 92 ? 'month' : 'day');
    const [page] = await Promise.all([
      store.list({ from, to, limit: 50, filter, counts: several(filter) ? await counts : [] }),
      store.slowest({ from, to, limit: 5 }),
      counts,
    ]);
    times.push(performance.now() - started);
    seen = `${String(page.examined).padStart(9)} ${String(page.items.length).padStart(7)}${page.cut ? ' (cut)' : ''}`;
  }
  times.sort((a, b) => a - b);
  const [median = 0, high = 0] = [times[7], times[14]];
  if (median > MOST_MS) slow += 1;
  console.log(`${name.padEnd(46)} ${median.toFixed(0).padStart(9)} ${high.toFixed(0).padStart(6)}   ${seen}`);
}
await database.close();
if (slow > 0) {
  console.error(`${slow} of ${QUERIES.length} are over ${MOST_MS} ms`);
  process.exitCode = 1;
}
