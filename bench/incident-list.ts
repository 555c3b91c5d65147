/**
 * The list of the console over 100,000 incidents of a year in the table, DynamoDB being dynalite on loopback: how long
 * the server takes, and how many rows it reads. `node bench/incident-list.ts [incidents]`
 */
import { BatchWriteItemCommand, type DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { marshall } from '@aws-sdk/util-dynamodb';
import type { Incident, IncidentStatus } from '../core/incident.ts';
import { dayOf, type IncidentFilter, rowOf, tally } from '../core/incident-list.ts';
import { incidentStore, itemOf } from '../core/incident-store.ts';
import { openDatabase } from '../sandbox/database.ts';

const COUNT = Number(process.argv[2] ?? 100_000);
const END = Date.UTC(2026, 10, 25);
const YEAR_MS = 365 * 86_400_000;
const MOST_MS = 200;

/** Same numbers in every run. */
let seed = 42;
const random = () => {
  seed = (seed * 1_664_525 + 1_013_904_223) % 4_294_967_296;
  return seed / 4_294_967_296;
};
const pick = <T>(values: readonly (readonly [T, number])[]): T => {
  let left = random() * values.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [value, weight] of values) {
    left -= weight;
    if (left < 0) return value;
  }
  throw new Error('nothing to pick from');
};
const STATUSES: readonly (readonly [IncidentStatus, number])[] = [
  ['notified', 70],
  ['contained', 15],
  ['recorded', 5],
  ['residual', 4],
  ['declined', 3],
  ['undone', 2],
  ['partial', 0.5],
  ['failed', 0.2],
  ['awaiting-approval', 0.05],
];
const TYPES: readonly (readonly [string, number])[] = [
  ['Recon:EC2/PortProbeUnprotectedPort', 50],
  ['UnauthorizedAccess:EC2/SSHBruteForce', 25],
  ['Discovery:S3/AnomalousBehavior', 10],
  ['UnauthorizedAccess:IAMUser/MaliciousIPCaller.Custom', 10],
  ['CryptoCurrency:EC2/BitcoinTool.B!DNS', 2],
  ['Execution:Kubernetes/ExecInKubeSystemPod', 1],
  ['CredentialAccess:RDS/AnomalousBehavior.SuccessfulBruteForce', 0.1],
];

function incident(index: number): Incident {
  const created = END - Math.floor((1 - index / COUNT) * YEAR_MS);
  const [label, severity] = pick([
    [['low', 2], 60],
    [['medium', 5], 25],
    [['high', 8], 14],
    [['critical', 9.5], 1],
  ] as const);
  const status = pick(STATUSES);
  const id = `fb-${index.toString(16).padStart(12, '0')}`;
  const region = pick([['eu-west-1', 60] as const, ['us-east-1', 35] as const, ['sa-east-1', 1] as const]);
  const account = String(100_000_000_000 + Math.floor(random() ** 3 * 50));
  const type = pick(TYPES);
  const createdAt = new Date(created).toISOString();
  const contained = status === 'contained' || status === 'residual' || status === 'undone';
  return {
    ...{ id, findingId: id, type, severity, label, account, region, status, createdAt },
    ...{ partition: 'aws', title: `${type} on instance ${index}`, sample: false, archived: false, count: 1 },
    ...{ findingUpdatedAt: createdAt, updatedAt: createdAt, execution: 'e', playbook: null, passes: 1 },
    display: `arn:aws:ec2:${region}:${account}:instance/i-${index.toString(16).padStart(17, '0')}`,
    targets: [],
    version: 1,
    ...(contained
      ? { containedAt: new Date(created + 1000 * 10 ** (random() * 3 + 0.5)).toISOString() }
      : {}),
  };
}

async function fill(client: DynamoDBClient, table: string): Promise<void> {
  const times = new Map<string, Map<string, number>>();
  let batch: object[] = [];
  const flush = async () => {
    if (batch.length === 0) return;
    const requests = batch.map((item) => ({
      PutRequest: { Item: marshall(item, { removeUndefinedValues: true }) },
    }));
    batch = [];
    await client.send(new BatchWriteItemCommand({ RequestItems: { [table]: requests } }));
  };
  for (let index = 0; index < COUNT; index++) {
    const one = incident(index);
    for (const time of [dayOf(one.createdAt), one.createdAt.slice(0, 7)]) {
      const sums = times.get(time) ?? new Map<string, number>();
      times.set(time, sums);
      for (const [name, value] of tally(rowOf(one))) sums.set(name, (sums.get(name) ?? 0) + value);
    }
    batch.push(itemOf(one));
    if (batch.length === 25) await flush();
  }
  await flush();
  for (const [time, sums] of times) {
    batch.push({ pk: time.length === 7 ? 'COUNTS#MONTH' : 'COUNTS', sk: time, ...Object.fromEntries(sums) });
    if (batch.length === 25) await flush();
  }
  await flush();
}

const database = await openDatabase(
  { partition: 'aws', account: '111122223333', region: 'eu-west-1' },
  'bench',
);
const store = incidentStore(database.table);
const filling = Date.now();
await fill(database.client, 'bench');
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
