/**
 * Findings that keep coming, 28 a second, against the limits of Lambda and of DynamoDB's partitions: what is lost, what is
 * throttled, and which partitions are the busiest. Nothing grows with the hour but what the month's partitions hold.
 * `node bench/scale.ts [seconds of AWS] [milliseconds of one here] [findings a second] [quota] [memory | dynalite]`
 */
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import type { IncidentRow } from '../core/incident/list.ts';
import { isRunning } from '../core/incident/status.ts';
import { awsError } from '../sandbox/aws-error.ts';
import { burstOf, burstPolicy, SECONDS } from '../sandbox/burst.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { OPEN } from '../sandbox/seams.ts';
import { openDynalite } from './dynalite-table.ts';
import { type Item, indexWrites, unitsOf } from './index-writes.ts';

const [TIME, SECOND_MS, RATE, QUOTA] = [20, 20_000, 28, 1000].map((otherwise, at) =>
  Number(process.argv[2 + at] ?? otherwise),
) as [number, number, number, number];

/** Write units that one partition of the table or of an index takes in a second. */
const MOST_UNITS = 1000;
/** The responder role of the stolen sessions has room for about 50 of them. */
const GRAVE = Math.max(1, Math.min(40, Math.floor((TIME * RATE) / 10)));

const stored = z.record(z.string(), z.looseObject({ S: z.string().optional(), N: z.string().optional() }));
const request = z.looseObject({
  Item: stored.optional(),
  Key: stored.optional(),
  TransactItems: z.array(z.looseObject({ Put: z.looseObject({ Item: stored }).optional() })).optional(),
});

/** Write units by partition in each second, and refuses what is more than a partition takes. */
function openLimits() {
  const records = new Map<string, Item>();
  const used = new Map<string, number>();
  const peaks = new Map<string, number>();
  let throttled = 0;
  const keyOf = (item: Item) => JSON.stringify([item['pk'], item['sk']]);
  const plain = (item: z.output<typeof stored>): Item =>
    Object.fromEntries(Object.entries(item).map(([name, value]) => [name, value.S ?? value.N ?? value]));
  return {
    peaks,
    throttled: () => throttled,
    async call(input: unknown, answer: () => Promise<object>): Promise<object> {
      const { Item, Key, TransactItems = [] } = request.parse(input);
      const put = [...(Item ? [Item] : []), ...TransactItems.flatMap(({ Put }) => (Put ? [Put.Item] : []))];
      const items = put.map(plain);
      const times = TransactItems.length > 0 ? 2 : 1;
      const takes: [string, number][] = items.flatMap((item) => [
        [`table ${String(item['pk'])}`, times * unitsOf(Buffer.byteLength(JSON.stringify(item)))],
        ...indexWrites(records.get(keyOf(item)), item).map(
          ({ index, partition, units }): [string, number] => [`index ${index} ${partition}`, units],
        ),
      ]);
      // What an update changes is small, and in an index a due time.
      if (Key && takes.length === 0) takes.push([`table ${String(plain(Key)['pk'])}`, 1]);
      const second = Math.floor(Date.now() / SECOND_MS);
      const now = takes.map(([partition, units]) => {
        const key = `${second} ${partition}`;
        return { key, partition, units: (used.get(key) ?? 0) + units };
      });
      if (now.some(({ units }) => units > MOST_UNITS)) {
        throttled += 1;
        throw awsError('ProvisionedThroughputExceededException', 'Rate exceeded', 400);
      }
      const answered = await answer();
      for (const { key, partition, units } of now) {
        used.set(key, units);
        peaks.set(partition, Math.max(peaks.get(partition) ?? 0, units));
      }
      for (const item of items) records.set(keyOf(item), item);
      return answered;
    },
  };
}

/** Every incident, page by page. */
async function all(): Promise<readonly IncidentRow[]> {
  const { incidents: store, now } = sandbox.runtime;
  const to = now();
  const query = {
    from: new Date(to.getTime() - 86_400_000).toISOString(),
    to: to.toISOString(),
    limit: 1000,
  };
  const rows: IncidentRow[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list({ ...query, ...(cursor === undefined ? {} : { cursor }) });
    rows.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return rows;
}

/** What the sandbox remembers of its calls and executions grows with the findings: it is dropped after so many. */
const REMEMBERED = 500;
let rejected = 0;
function forget(): void {
  for (const { error } of sandbox.machines.history)
    if (error === 'Lambda.TooManyRequestsException') rejected += 1;
  sandbox.forget();
}

const WRITES = /^(Put|Update|TransactWrite)/;
const limits = openLimits();
const sandbox = await startSandbox({
  policy: burstPolicy(await readFile('policy.yml', 'utf8')),
  ...(process.argv[6] === 'dynalite' ? { open: openDynalite } : {}),
  capacity: { account: QUOTA, reserved: {}, secondMs: SECOND_MS, seconds: (name) => SECONDS[name] ?? 1 },
  seams: {
    ...OPEN,
    call: (call, answer) =>
      call.service === 'DynamoDB' && WRITES.test(call.operation) ? limits.call(call.input, answer) : answer(),
  },
});
const findings = TIME * RATE;
const events = burstOf(sandbox, { grave: GRAVE, slight: findings - GRAVE });
// The grave ones come among the others.
const order = events
  .map((event, at) => ({ event, at: (at * 0.618_033_988_749_895) % 1 }))
  .sort((a, b) => a.at - b.at);
const began = Date.now();
const cpu = process.cpuUsage();
const ends: Promise<{ readonly status: string }>[] = [];
for (const [index, { event }] of order.entries()) {
  await sleep(Math.max(0, began + (index * SECOND_MS) / RATE - Date.now()));
  ends.push((await sandbox.deliver(event)).ended);
  if (index % REMEMBERED === 0) forget();
}
const delivered = (Date.now() - began) / SECOND_MS;
const failed = (await Promise.all(ends)).filter(({ status }) => status !== 'SUCCEEDED').length;
const drained = (Date.now() - began) / SECOND_MS;
const { user, system } = process.cpuUsage(cpu);
const incidents = await all();
const statuses = Map.groupBy(incidents, ({ status }) => status);
const running = incidents.filter(({ status }) => isRunning(status)).length;
console.log(
  `${findings} findings in ${delivered.toFixed(1)} s, ${GRAVE} of them grave; all ended after ${drained.toFixed(1)} s`,
);
console.log(
  `${failed} executions failed, ${running} incidents are not settled, ${incidents.length} incidents`,
);
console.log([...statuses].map(([status, all]) => `${status} ${all.length}`).join(', '));
forget();
console.log(`${rejected} invocations and ${limits.throttled()} writes throttled`);
console.log(`${((user + system) / 1e6 / findings).toFixed(2)} s of processor time a finding here`);
/** The busiest of each kind of partition. */
const kinds = Map.groupBy(limits.peaks, ([partition]) =>
  partition.replace(/#.*/, '').replace(/^(index (?!gsi1)\S+) .*/, '$1'),
);
for (const [, all] of kinds) {
  const [partition, units] = all.reduce((most, one) => (one[1] > most[1] ? one : most));
  console.log(`${units.toFixed(0).padStart(5)} write units in its busiest second: ${partition}`);
}
await sandbox.close();
// Timers of the interpreter outlive the executions that were stopped.
process.exit(failed + running > 0 ? 1 : 0);
