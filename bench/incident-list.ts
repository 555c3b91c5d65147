/**
 * The console's list over 100,000 incidents of a year in the table, DynamoDB being dynalite on loopback: how long the
 * server takes for the whole page, and how many rows it reads. `node bench/incident-list.ts [incidents]`
 */
import { get, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { startConsole } from '../console/server.ts';
import { reviewSource } from '../console/source.ts';
import { awsFor, configureAws } from '../core/aws/client.ts';
import type { IncidentFilter } from '../core/incident/list.ts';
import { serveDatabase } from '../sandbox/database.ts';
import { fillPast } from '../sandbox/past-incidents.ts';

const COUNT = Number(process.argv[2] ?? 100_000);
const END = Date.UTC(2026, 10, 25);
const YEAR_MS = 365 * 86_400_000;
const MOST_MS = 200;

const SCOPE = { partition: 'aws', account: '111122223333', region: 'eu-west-1' };
const database = await serveDatabase(SCOPE, 'bench');
configureAws({ answer: async () => ({ executions: [] }) });
const nothing = async (): Promise<readonly never[]> => [];
const source = reviewSource({
  ...{
    place: 'bench',
    people: [],
    live: false,
    threadOf: () => '',
    takeAnswer: async () => undefined,
    approversOf: async () => ({ ids: [], mapped: { kind: 'mapped' as const } }),
    doorOf: async (user: string) => ({ kind: 'slack' as const, user }),
    table: database.table,
    aws: awsFor(SCOPE),
  },
  machines: { respond: 'respond', undo: 'undo' },
  policy: async () => ({ file: 'policy.yml', text: '' }),
  ...{ stepsOf: nothing, previewOf: nothing, safetyOf: async () => ({ safe: true, why: '' }) },
  watch: () => () => {},
});
/** Rows that the last page read; the server itself does not tell. */
let seen = '';
const page = await startConsole(
  {
    ...source,
    async incidents(query) {
      const answer = await source.incidents(query);
      seen = `${String(answer.examined).padStart(9)} ${String(answer.items.length).padStart(7)}${answer.cut ? ' (cut)' : ''}`;
      return answer;
    },
  },
  { now: () => new Date(END) },
);
/** Node does not resolve `*.localhost` everywhere, as browsers do. */
const ask = ({ host, port, pathname, search }: URL, cookie = '') =>
  new Promise<IncomingMessage>((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path: pathname + search, headers: { host, cookie } };
    get(options, resolve).on('error', reject);
  });
const opened = await ask(new URL(page.url));
opened.resume();
const cookie = opened.headers['set-cookie']?.[0]?.split(';')[0] ?? '';
const filling = Date.now();
await fillPast(database.client, 'bench', { count: COUNT, end: END, spanMs: YEAR_MS });
console.log(`${COUNT} incidents of a year, written in ${Math.round((Date.now() - filling) / 1000)} s`);

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
console.log('what the page is asked for                      median ms   95 %   rows read   shown');
let slow = 0;
for (const [name, days, { text: wanted, ...facets }] of QUERIES) {
  const address = new URL(page.url);
  address.search = new URLSearchParams({
    period: days > 92 ? '12m' : `${days}d`,
    ...facets,
    ...(wanted ? { q: wanted } : {}),
  }).toString();
  const times: number[] = [];
  for (let run = 0; run < 15; run++) {
    const started = performance.now();
    const answer = await ask(address, cookie);
    await text(answer);
    if (answer.statusCode !== 200) throw new Error(`the page answers ${answer.statusCode}`);
    times.push(performance.now() - started);
  }
  times.sort((a, b) => a - b);
  const [median = 0, high = 0] = [times[7], times[14]];
  if (median > MOST_MS) slow += 1;
  console.log(`${name.padEnd(46)} ${median.toFixed(0).padStart(9)} ${high.toFixed(0).padStart(6)}   ${seen}`);
}
await page.close();
await database.close();
if (slow > 0) {
  console.error(`${slow} of ${QUERIES.length} are over ${MOST_MS} ms`);
  process.exitCode = 1;
}
