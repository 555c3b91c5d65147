/**
 * What a finding costs on AWS: state transitions, invocations, table capacity and evidence objects are counted in the sandbox,
 * and priced. `--write` puts the table into docs/cost.md.
 */
import { writeFile } from 'node:fs/promises';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { parseFinding, type SeverityLabel } from '../core/finding/finding.ts';
import { loadPolicy } from '../core/policy/policy.ts';
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
const GIGABYTES = 0.75;

const KINDS: readonly [name: string, type: string, severity: SeverityLabel][] = [
  ['told only', 'Recon:EC2/PortProbeUnprotectedPort', 'low'],
  ['asked, nobody answers', 'UnauthorizedAccess:EC2/TorClient', 'high'],
  [
    'contained at once: session of an instance',
    'UnauthorizedAccess:IAMUser/InstanceCredentialExfiltration.OutsideAWS',
    'high',
  ],
  ['contained at once: instance isolated', 'Backdoor:EC2/C&CActivity.B', 'high'],
];

interface Units {
  read: number;
  write: number;
}

/** Capacity as DynamoDB itself would bill it; the table's client is made inside the sandbox. */
function countCapacity(): Units {
  const units: Units = { read: 0, write: 0 };
  const send = DynamoDBDocumentClient.prototype.send as (this: unknown, command: unknown) => Promise<unknown>;
  DynamoDBDocumentClient.prototype.send = async function (this: unknown, command: { input: object }) {
    Object.assign(command.input, { ReturnConsumedCapacity: 'TOTAL' });
    const answer = (await send.call(this, command)) as { ConsumedCapacity?: { CapacityUnits?: number } };
    const used = answer.ConsumedCapacity?.CapacityUnits ?? 0;
    if (/^(Get|Query)/.test(command.constructor.name)) units.read += used;
    else units.write += used;
    return answer;
  } as typeof DynamoDBDocumentClient.prototype.send;
  return units;
}

const units = countCapacity();
const rows: string[][] = [];
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
  Object.assign(units, { read: 0, write: 0 });
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
    units.write * PRICE.writeUnit +
    puts * PRICE.put;
  const thousand = `$${(dollars * 1000).toFixed(2)}`;
  const counts = [transitions, invocations, Math.round(units.read), Math.round(units.write), puts].map(
    String,
  );
  rows.push([name, ...counts, thousand]);
  await sandbox.close();
}

const head = [
  'finding',
  'transitions',
  'invocations',
  'read units',
  'write units',
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

Beside that, whatever comes in: the sweep runs every minute (43,200 invocations a month, about $0.20), ${' '}
alarms cost $0.10 each a month, and the dashboard $3. GuardDuty, CloudTrail, snapshots kept as evidence and AWS Config are
billed by AWS as they are without Firebreak; a snapshot of an isolated instance costs what its blocks cost.
`;
  await writeFile('docs/cost.md', page.replace(/ {2,}\n/g, '\n'));
}
