/**
 * What a finding costs on AWS: state transitions, invocations, table capacity and evidence objects are counted in the sandbox,
 * and priced. `--write` puts the table into docs/cost.md.
 */
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { parse } from 'yaml';
import { z } from 'zod';
import { parseFinding, type SeverityLabel } from '../core/finding/finding.ts';
import { own } from '../core/json.ts';
import { loadPolicy } from '../core/policy/policy.ts';
import { table } from '../deploy/markdown.ts';
import { choosePlaybook } from '../playbooks/index.ts';
import { materialise } from '../sandbox/materialise.ts';
import { startSandbox } from '../sandbox/sandbox.ts';
import { SANDBOX_SCOPE } from '../sandbox/scope.ts';
import { simulatedEvent } from '../sandbox/simulated/event.ts';
import { type Item, indexWrites, unitsOf } from './index-writes.ts';

/** Dollars a unit: list prices of us-east-1, late 2026 [M]. */
const PRICE = {
  transition: 25e-6,
  request: 0.2e-6,
  gigabyteSecond: 0.0000133334,
  readUnit: 0.125e-6,
  writeUnit: 0.625e-6,
  put: 5e-6,
  /** Of an Express workflow, which takes no less than 64 MB. */
  express: 1e-6,
  expressGigabyteSecond: 16.67e-6,
};
const EXPRESS_GIGABYTES = 1 / 16;
/** What a task takes on AWS is mostly waiting for AWS; an assumption, not a measurement. */
const SECONDS = 0.4;

const deployed = z.object({
  provider: z.object({ memorySize: z.number() }),
  functions: z.record(z.string(), z.object({ memorySize: z.number().optional() })),
});

/** Returns the memory that serverless.yml gives a function, in gigabytes. */
async function memory(): Promise<(name: string) => number> {
  const text = await readFile('serverless.yml', 'utf8');
  const { provider, functions } = deployed.parse(parse(text, { merge: true, logLevel: 'silent' }));
  return (name) => (own(functions, name)?.memorySize ?? provider.memorySize) / 1024;
}

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

const sizeOf = (item: Item): number => unitsOf(Buffer.byteLength(JSON.stringify(item)));

const asked = z.looseObject({
  Item: z.record(z.string(), z.unknown()).optional(),
  TransactItems: z.array(z.object({ Put: z.object({ Item: z.record(z.string(), z.unknown()) }) })).optional(),
  Key: z.record(z.string(), z.unknown()).optional(),
  ConsistentRead: z.boolean().optional(),
});
const answered = z.looseObject({
  Attributes: z.record(z.string(), z.unknown()).optional(),
  Item: z.record(z.string(), z.unknown()).optional(),
  Items: z.array(z.record(z.string(), z.unknown())).optional(),
});

/** A read unit is 4 KB that are read strongly, or 8 KB. */
const readUnits = (items: readonly Item[], isStrong: boolean): number => {
  const bytes = items.reduce((sum, item) => sum + Buffer.byteLength(JSON.stringify(item)), 0);
  return Math.max(1, Math.ceil(bytes / 4096)) * (isStrong ? 1 : 0.5);
};

/** Capacity as DynamoDB bills it, a transaction twice; the table's client is made inside the sandbox. */
function countCapacity(): Units {
  const units: Units = { read: 0, write: 0, index: 0 };
  const records = new Map<string, Item>();
  const note = (item: Item, times = 1) => {
    const key = JSON.stringify([item['pk'], item['sk']]);
    units.write += times * sizeOf(item);
    units.index += indexWrites(records.get(key), item).reduce((sum, one) => sum + one.units, 0);
    records.set(key, item);
  };
  const send = DynamoDBDocumentClient.prototype.send as (this: unknown, command: unknown) => Promise<unknown>;
  DynamoDBDocumentClient.prototype.send = async function (this: unknown, command: { input: object }) {
    const answer = await send.call(this, command);
    const { Item, TransactItems = [], Key, ConsistentRead = false } = asked.parse(command.input);
    const { Attributes, Item: found, Items = found ? [found] : [] } = answered.parse(answer);
    if (/^(Get|Query)/.test(command.constructor.name)) units.read += readUnits(Items, ConsistentRead);
    for (const { Put } of TransactItems) note(Put.Item, 2);
    if (Item) note(Item);
    else if (Key && Attributes) note({ ...Key, ...Attributes });
    return answer;
  } as typeof DynamoDBDocumentClient.prototype.send;
  return units;
}

const ofThousand = (dollars: number): string => `$${(dollars * 1000).toFixed(2)}`;

const gigabytes = await memory();
const units = countCapacity();
const rows: string[][] = [];
/** One every half hour: a sample that is only notified. */
const CANARIES = 30 * 48;
let canary = 0;
/** What is only notified, as it is and as an Express workflow. */
let notified = { dollars: 0, transitions: 0, bare: 0, express: 0 };
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
  const seconds = sandbox.invocations.reduce((sum, name) => sum + SECONDS * gigabytes(name), 0);
  const puts = sandbox.awsCalls.filter(({ operation }) => operation === 'PutObject').length;
  const dollars =
    transitions * PRICE.transition +
    invocations * PRICE.request +
    seconds * PRICE.gigabyteSecond +
    units.read * PRICE.readUnit +
    (units.write + units.index) * PRICE.writeUnit +
    puts * PRICE.put;
  if (rows.length === 0) {
    canary = dollars * CANARIES;
    const lasts = invocations * SECONDS;
    const express = PRICE.express + lasts * EXPRESS_GIGABYTES * PRICE.expressGigabyteSecond;
    const bare = sandbox.machines.history.filter(
      ({ type, stateType }) => type === 'StateEntered' && stateType !== 'Task',
    ).length;
    notified = { dollars, transitions, bare, express: dollars - transitions * PRICE.transition + express };
  }
  const thousand = ofThousand(dollars);
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
prices of us-east-1. A task is taken to last ${SECONDS} s, with the memory that serverless.yml gives its function; that is an assumption:
most of it is waiting for AWS.

${text}

An item written in a transaction counts twice. Write units of indexes are the changes of what the list's indexes show of a record.

In addition, whatever comes in: the sweep runs every minute (43,200 invocations a month, about $0.20) and has Contain started every fifth
(8,640, at most $0.10), the canary every half hour
(about $${canary.toFixed(2)} a month), alarms cost $0.10 each a month, custom metrics $0.30 each for a month in which they are written
(${await metricNames()} in the code, and one for each outcome and decision), and the dashboard $3. GuardDuty, CloudTrail, snapshots kept as evidence and AWS Config are
billed by AWS as they are without Firebreak; a snapshot of an isolated instance costs what its blocks cost.

## What is only notified

Of its ${ofThousand(notified.dollars)} a thousand, ${ofThousand(notified.transitions * PRICE.transition)} are state transitions. Two ways to have less of them were judged and left:

- **An Express workflow** would make it ${ofThousand(notified.express)}. That a finding is only notified is known after Classify, so that Enrich and Classify of
  all findings would run there, and what is contained or asked about would start an execution more, before its first containing call:
  Express cannot wait for an answer. Step Functions does not describe executions of Express, so the sweep could not see that one was
  lost and take its incident over, nor could the page show how it went. One lost finding costs more than all of this.
- **Fewer states**: ${notified.bare} of its ${notified.transitions} states call no function. Even without any of them it would cost ${ofThousand(notified.dollars - notified.bare * PRICE.transition)}, more than half; and the order in which a
  burst is worked through and the decision itself are among them.
`;
  await writeFile('docs/cost.md', page.replace(/ {2,}\n/g, '\n'));
}
