/** Incidents of a time that is over, as they lie in the table: for pages that are looked at, and for what is measured. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { BatchWriteCommand, DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import type { Incident } from '../core/incident/incident.ts';
import { dayOf, rowOf, tally } from '../core/incident/list.ts';
import { itemOf } from '../core/incident/meta.ts';
import { type IncidentStatus, isProven } from '../core/incident/status.ts';
import { partitionKey } from '../core/table/partitions.ts';

export interface Past {
  readonly count: number;
  /** Milliseconds since 1970: the last one, and how long before it the first one. */
  readonly end: number;
  readonly spanMs: number;
}

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

function incident(index: number, { count, end, spanMs }: Past): Incident {
  const created = end - Math.floor((1 - index / count) * spanMs);
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
  const contained = isProven(status) || status === 'undone';
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

/** Writes them and their counters, in the same way in every run. */
export async function fillPast(client: DynamoDBClient, table: string, past: Past): Promise<void> {
  seed = 42;
  const times = new Map<string, Map<string, number>>();
  const documents = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });
  let batch: Record<string, unknown>[] = [];
  const flush = async () => {
    if (batch.length === 0) return;
    const requests = batch.map((Item) => ({ PutRequest: { Item } }));
    batch = [];
    await documents.send(new BatchWriteCommand({ RequestItems: { [table]: requests } }));
  };
  for (let index = 0; index < past.count; index++) {
    const one = incident(index, past);
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
    batch.push({
      pk: partitionKey('count', `${time.length === 7 ? 'month' : 'day'}#0`),
      sk: time,
      ...Object.fromEntries(sums),
    });
    if (batch.length === 25) await flush();
  }
  await flush();
}
