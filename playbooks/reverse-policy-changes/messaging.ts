/** Topics and queues: how records name them, and the permissions that AddPermission writes into their policies. */
import { z } from 'zod';
import { arn, parseArn, type Scope } from '../../core/aws/arn.ts';
import type { Aws } from '../../core/aws/client.ts';
import { awsErrorName } from '../../core/errors.ts';
import { isJsonObject, type Json, type JsonObject, sameJson } from '../../core/json.ts';

const NAME = '[\\w-]{1,256}(?:\\.fifo)?';
export const topic = z.strictObject({
  topic: z.string().regex(new RegExp(`^arn:[a-z-]+:sns:[a-z0-9-]+:\\d{12}:${NAME}$`)),
});
export const queue = z.strictObject({ queue: z.string().regex(new RegExp(`^${NAME}$`)) });

export const TOPICS = 'arn:${Partition}:sns:${Region}:${Account}:*';
export const QUEUES = 'arn:${Partition}:sqs:${Region}:${Account}:*';

/** Returns the ARN of a topic of the account in the Region of the call. */
export function ownTopic(named: string | undefined, { account, region }: Scope): string | undefined {
  const owner = named === undefined ? undefined : parseArn(named);
  return owner?.account === account && owner.region === region ? named : undefined;
}

/** Returns the name of a queue of the account: its URL is of the attacker's making, and is not called. */
export function ownQueue(url: string | undefined, { account }: Scope): string | undefined {
  const [, owner, name] = /^https:\/\/[a-z0-9.-]+\/(\d{12})\/([^/]+)$/.exec(url ?? '') ?? [];
  return owner === account ? name : undefined;
}

export const topicNames = (_aws: Aws, { topic: of }: z.infer<typeof topic>): readonly string[] => [
  of,
  of.split(':').at(-1) ?? of,
];
export const queueNames = ({ scope }: Aws, { queue: of }: z.infer<typeof queue>): readonly string[] => [
  arn(scope, 'sqs', of),
  of,
];

const GONE = [
  'NotFound',
  'NotFoundException',
  'QueueDoesNotExist',
  'AWS.SimpleQueueService.NonExistentQueue',
];

/** Returns the policy of a topic; null where it is gone. */
export async function topicPolicy(aws: Aws, TopicArn: string): Promise<string | null> {
  const { client, api } = await aws.sns();
  return orGone(async () => {
    const answer = await client.send(new api.GetTopicAttributesCommand({ TopicArn }));
    return answer.Attributes?.['Policy'] ?? null;
  });
}

/** Returns the policy of a queue; null where it has none or is gone. */
export async function queuePolicy(aws: Aws, name: string): Promise<string | null> {
  const { client, api } = await aws.sqs();
  return orGone(async () => {
    const QueueUrl = await queueUrl(aws, name);
    const answer = await client.send(
      new api.GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['Policy'] }),
    );
    return answer.Attributes?.['Policy'] ?? null;
  });
}

export async function queueUrl(aws: Aws, QueueName: string): Promise<string> {
  const { client, api } = await aws.sqs();
  const { QueueUrl } = await client.send(new api.GetQueueUrlCommand({ QueueName }));
  if (QueueUrl === undefined) throw new Error(`SQS does not say where queue ${QueueName} is`);
  return QueueUrl;
}

async function orGone(read: () => Promise<string | null>): Promise<string | null> {
  try {
    return await read();
  } catch (error) {
    if (GONE.includes(awsErrorName(error) ?? '')) return null;
    throw error;
  }
}

/** The label of a permission is the id of its statement. */
export const label = z.string().regex(/^[\w-]{1,80}$/);
/** Whom a statement lets do what; null where there is none. */
export const permission = z
  .strictObject({
    accounts: z.array(z.string().regex(/^\d{12}$/)).min(1),
    actions: z.array(z.string().regex(/^(\*|[A-Za-z]{1,64})$/)).min(1),
  })
  .nullable();
export type Permission = z.infer<typeof permission>;

const texts = (value: Json | undefined): readonly string[] =>
  [value ?? []].flat().filter((one) => typeof one === 'string');

/** Returns the permission of a request, whose lists have the names of its service. */
export const requested = (request: JsonObject, accounts: string, actions: string): unknown => ({
  accounts: texts(request[accounts]),
  actions: texts(request[actions]),
});

/** What AddPermission would not write: the statement of that id is another one by now. */
const OTHER: Permission = { accounts: ['000000000000'], actions: ['*'] };

/** Returns the permission of a label in a policy; null where it has none. */
export function permissionIn(policy: string | null, of: string): Permission {
  const document: unknown = JSON.parse(policy ?? 'null');
  const all = isJsonObject(document) ? [document['Statement'] ?? []].flat().filter(isJsonObject) : [];
  const statement = all.find(({ Sid }) => Sid === of);
  if (!statement) return null;
  if (statement['Effect'] !== 'Allow' || statement['Condition'] !== undefined) return OTHER;
  const { Principal: principal } = statement;
  const who = texts(isJsonObject(principal) ? principal['AWS'] : undefined);
  return permission.catch(OTHER).parse({
    accounts: who.map((one) => one.replace(/^arn:[a-z-]+:iam::(\d{12}):root$/, '$1')),
    actions: texts(statement['Action']).map((one) => one.replace(/^s[nq]s:/i, '')),
  });
}

/** Whether two permissions say the same: their lists have no order. */
export function samePermission(a: Permission, b: Permission): boolean {
  const [one, other] = [a, b].map(
    (each) => each && { accounts: each.accounts.toSorted(), actions: each.actions.toSorted() },
  );
  return sameJson(one ?? null, other ?? null);
}

/** Makes a call; where it is refused and what it makes is there already (a lost answer of this very call), it is done. */
export async function unlessDone(
  call: () => Promise<unknown>,
  isDone: () => Promise<boolean>,
): Promise<void> {
  try {
    await call();
  } catch (error) {
    if (!(await isDone())) throw error;
  }
}
