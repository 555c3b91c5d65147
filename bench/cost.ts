/**
 * What a finding costs on AWS: state transitions, invocations, table capacity and evidence objects are counted in the sandbox,
 * and priced. `--write` puts the table into docs/cost.md.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { z } from 'zod';
import { parseFinding, type SeverityLabel } from '../core/finding/finding.ts';
import { loadPolicy } from '../core/policy/policy.ts';
import { TABLE_DEFINITION } from '../core/table/table-definition.ts';
import { table } from '../deploy/markdown.ts';
import { choosePlaybook } from '../playbooks/index.ts';
import { materialise } from '../sandbox/materialise.ts';
import { SANDBOX_SCOPE, startSandbox } from '../sandbox/sandbox.ts';
import { simulatedEvent } from '../sandbox/simulated/event.ts';

/** Dollars a unit: list prices of us-east-1, late 2026 [M]. */
const PRICE = {
  transition: 25e-6,
  request: 0.2e-6,
  gigabyteSecond: 0.0000133334,
  readUnit: 0.125e-6,
  writeUnit: 0.625e-6,
  put: 5e-6,
};
/** What a task takes on AWS is mostly waiting for AWS; an assumption, not a measurement. */
const SECONDS = 0.4;
const GIGABYTES = 1.125;

const KINDS: readonly [name: string, type: string, severity: SeverityLabel][] = [
  ['notified only', 'Recon:EC2/PortProbeUnprotectedPort', 'low'],
  ['asked, no one answers', 'UnauthorizedAccess:EC2/TorClient', 'high'],
  [
    'contained automatically: instance session',
    'UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS',
    'high',
  ],
  ['contained automatically: instance isolated', 'Backdoor:EC2/C&CActivity.B', 'high'],
];

interface Units {
  read: number;
  write: number;
  /** Of the indexes: each change of what an index shows of a record is a write of its own. */
  index: number;
}

type Item = Readonly<Record<string, unknown>>;
const sizeOf = (item: Item): number => Math.max(1, Math.ceil(Buffer.byteLength(JSON.stringify(item)) / 1024));

const shown = z.object({
  NonKeyAttributes: z.array(z.string()),
});

/** What an index shows of a record, and under which keys; undefined where it is not in the index. */
function entryOf(index: (typeof TABLE_DEFINITION.GlobalSecondaryIndexes)[number], item: Item | undefined) {
  if (item === undefined) return undefined;
  const keys = index.KeySchema.map(({ AttributeName }) => item[AttributeName]);
  if (keys.some((key) => key === undefined)) return undefined;
  const { NonKeyAttributes } = shown.parse(index.Projection);
  return { keys: JSON.stringify(keys), text: JSON.stringify(NonKeyAttributes.map((name) => item[name])) };
}

function indexWrites(before: Item | undefined, after: Item): number {
  let units = 0;
  for (const index of TABLE_DEFINITION.GlobalSecondaryIndexes) {
    const [was, is] = [entryOf(index, before), entryOf(index, after)];
    const size = Math.max(1, Math.ceil(Buffer.byteLength(is?.text ?? '') / 1024));
    if (was && is && was.keys === is.keys) units += was.text === is.text ? 0 : size;
    else units += (was ? 1 : 0) + (is ? size : 0);
  }
  return units;
}

const written = z.looseObject({
  Item: z.record(z.string(), z.unknown()).optional(),
  TransactItems: z.array(z.object({ Put: z.object({ Item: z.record(z.string(), z.unknown()) }) })).optional(),
  Key: z.record(z.string(), z.unknown()).optional(),
});
const answered = z.looseObject({
  ConsumedCapacity: z.object({ CapacityUnits: z.number() }).optional(),
  Attributes: z.record(z.string(), z.unknown()).optional(),
});

/** Capacity as DynamoDB bills it, a transaction twice; the table's client is made inside the sandbox. */
function countCapacity(): Units {
  const units: Units = { read: 0, write: 0, index: 0 };
  const records = new Map<string, Item>();
  const note = (item: Item) => {
    const key = JSON.stringify([item['pk'], item['sk']]);
    units.index += indexWrites(records.get(key), item);
    records.set(key, item);
  };
  const send = DynamoDBDocumentClient.prototype.send as (this: unknown, command: unknown) => Promise<unknown>;
  DynamoDBDocumentClient.prototype.send = async function (this: unknown, command: { input: object }) {
    Object.assign(command.input, { ReturnConsumedCapacity: 'TOTAL' });
    const answer = await send.call(this, command);
    const { Item, TransactItems = [], Key } = written.parse(command.input);
    const { ConsumedCapacity, Attributes } = answered.parse(answer);
    const used = ConsumedCapacity?.CapacityUnits ?? 0;
    if (/^(Get|Query)/.test(command.constructor.name)) units.read += used;
    else {
      const together = TransactItems.map(({ Put }) => Put.Item);
      units.write += together.length > 0 ? together.reduce((sum, item) => sum + 2 * sizeOf(item), 0) : used;
      for (const item of together) note(item);
      if (Item) note(Item);
      else if (Key && Attributes) note({ ...Key, ...Attributes });
    }
    return answer;
  } as typeof DynamoDBDocumentClient.prototype.send;
  return units;
}

const units = countCapacity();
const rows: string[][] = [];
/** One every half hour: a sample that is only notified. */
const CANARIES = 30 * 48;
let canary = 0;
for (const [name, type, severity] of KINDS) {
  const sandbox = await startSandbox({
    policy: await loadPolicy('policy.yml'),
    approvalTimeoutSeconds: () => 1,
  });
  const event = simulatedEvent(type, {
    ...{ scope: SANDBOX_SCOPE, severity, now: new Date(), seed: 'cost', sample: false },
  });
  const choice = choosePlaybook(parseFinding(event));
  if (!('none' in choice)) for (const { target } of choice.parts) materialise(sandbox.twin, target);
  Object.assign(units, { read: 0, write: 0, index: 0 });
  const execution = await sandbox.deliver(event);
  await execution.ended;
  while (sandbox.machines.running().length > 0)
    await Promise.all(sandbox.machines.running().map(({ ended }) => ended));
  const transitions = sandbox.machines.history.filter(({ type }) => type.endsWith('StateEntered')).length;
  const invocations = sandbox.invocations.length;
  const puts = sandbox.awsCalls.filter(({ operation }) => operation === 'PutObject').length;
  const dollars =
    transitions * PRICE.transition +
    invocations * (PRICE.request + SECONDS * GIGABYTES * PRICE.gigabyteSecond) +
    units.read * PRICE.readUnit +
    (units.write + units.index) * PRICE.writeUnit +
    puts * PRICE.put;
  if (rows.length === 0) canary = dollars * CANARIES;
  const thousand = `$${(dollars * 1000).toFixed(2)}`;
  const { read, write, index } = units;
  const counts = [transitions, invocations, ...[read, write, index].map(Math.round), puts].map(String);
  rows.push([name, ...counts, thousand]);
  await sandbox.close();
}

/** Metrics that functions write under a name of their own. */
async function metricNames(): Promise<number> {
  const names = new Set<string>();
  for (const room of ['functions', 'pipeline'])
    for (const file of await readdir(room, { recursive: true })) {
      if (!/(?<!\.test)\.ts$/.test(file)) continue;
      const source = await readFile(`${room}/${file}`, 'utf8');
      for (const [, name = ''] of source.matchAll(/(?:countMetric|measureMs)\(\s*'(\w+)'/g)) names.add(name);
    }
  return names.size;
}

const head = [
  'finding',
  'transitions',
  'invocations',
  'read units',
  'write units',
  'of indexes',
  'evidence objects',
  'a thousand cost',
];
const text = table(head, rows);
console.log(text);
if (process.argv.includes('--write')) {
  const page = `# What it costs

Counted in the sandbox, which runs the deployed state machines and handlers, by \`node bench/cost.ts --write\`; priced with list
prices of us-east-1. A task is taken to last ${SECONDS} s at ${GIGABYTES * 1024} MB, which is an assumption: most of it is waiting for AWS.

${text}

An item written in a transaction counts twice. Write units of indexes are the changes of what the list's indexes show of a record.

In addition, whatever comes in: the sweep runs every minute (43,200 invocations a month, about $0.20), the canary every half hour
(about $${canary.toFixed(2)} a month), alarms cost $0.10 each a month, custom metrics $0.30 each for a month in which they are written
(${await metricNames()} in the code, and one for each outcome and decision), and the dashboard $3. GuardDuty, CloudTrail, snapshots kept as evidence and AWS Config are
billed by AWS as they are without Firebreak; a snapshot of an isolated instance costs what its blocks cost.
`;
  await writeFile('docs/cost.md', page.replace(/ {2,}\n/g, '\n'));
}
