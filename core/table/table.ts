/**
 * The one DynamoDB table: string keys `pk` and `sk`, an index `gsi1`, a time to live `ttl`. Every write that matters
 * carries a condition; a lost condition is the error `Conflict`, which callers expect and handle. Any other error of
 * DynamoDB is `TableUnavailable`: it says nothing about the resource of an incident, and fails the call that met it.
 */
import { randomUUID } from 'node:crypto';
import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  TransactionCanceledException,
} from '@aws-sdk/client-dynamodb';
import {
  DynamoDBDocumentClient,
  GetCommand,
  PutCommand,
  QueryCommand,
  type QueryCommandInput,
  TransactWriteCommand,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb';
import type { Scope } from '../aws/arn.ts';
import { watched } from '../aws/client.ts';
import { FirebreakError } from '../errors.ts';
import { PARTITIONS } from './partitions.ts';
import { sameItem, steadily } from './steady.ts';
import { DOOR_INDEX, type Expression } from './terms.ts';

export interface Key {
  readonly pk: string;
  readonly sk: string;
}
export type Item = Key & Readonly<Record<string, unknown>>;

interface Page<T> {
  readonly items: readonly T[];
  /** Opaque; pass it on to get the next page. Absent on the last page. */
  readonly cursor?: string;
}

/** One item of several that are written together. */
export interface Write {
  readonly item: Item;
  readonly condition?: Expression | undefined;
}

export interface Table {
  readonly name: string;
  /** Strongly consistent read. */
  get(key: Key): Promise<Item | undefined>;
  /** Writes the whole item. Throws `Conflict` when the condition does not hold. */
  put(item: Item, condition?: Expression): Promise<void>;
  /** Writes all items or none, 100 at most. Throws `Conflict` when a condition does not hold. */
  putAll(writes: readonly Write[]): Promise<void>;
  /** Updates and returns the new item. Throws `Conflict` when the condition does not hold. */
  update(key: Key, change: Expression, condition?: Expression): Promise<Item>;
  /** Every item of a partition whose sort key starts with `prefix`, in order; reads all pages. */
  query(pk: string, prefix: string): Promise<readonly Item[]>;
  /** The items of a partition from one sort key to another, both included; reads all pages. */
  range(pk: string, from: string, to: string): Promise<readonly Item[]>;
  /** One read of an index, the highest sort key first. */
  look(read: IndexRead): Promise<Looked>;
  /** One page of `gsi1`, newest first. */
  page(index: {
    pk: string;
    before?: string;
    limit: number;
    cursor?: string;
    oldestFirst?: boolean;
  }): Promise<Page<Item>>;
}

interface IndexRead {
  /** Name of the index. */
  readonly index: string;
  /** Attribute and value of its partition. */
  readonly hash: { readonly name: string; readonly value: string };
  /** Sort keys from `from` (included) up to `before` (not included); without it the whole partition. */
  readonly range?: { readonly name: string; readonly from: string; readonly before: string };
  /** Items read at most, those that the filter leaves out among them. */
  readonly limit: number;
  /** Stops reading when this many have passed the filter. */
  readonly enough?: number;
  /** Items read at a time; all at once without it. */
  readonly step?: number;
  readonly filter?: Expression;
}

interface Looked {
  readonly items: readonly Item[];
  /** How many were read. */
  readonly examined: number;
  /** Sort key of the last one read, where there are more. Absent at the end, and without `range`. */
  readonly last?: string;
}

/**
 * What people write themselves (core/approval/door.ts). IAM fixes the partition of such an item and nothing else of it:
 * whatever index it puts itself into, it is read from its own alone.
 */
const DOORS = [PARTITIONS.slackDoor, PARTITIONS.awsDoor];
const isSaid = ({ pk }: Key): boolean => DOORS.some((prefix) => pk.startsWith(prefix));

/** The table is where the function that uses it is; its client knows only the name. */
const OWN: Scope = { partition: '', account: '', region: '' };

export function openTable(
  name: string,
  client: DynamoDBClient = new DynamoDBClient({ maxAttempts: 8 }),
): Table {
  watched(client, OWN);
  const doc = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } });

  const steady = <T>(call: () => Promise<T>): Promise<T> => steadily(name, call);
  const get = async (key: Key): Promise<Item | undefined> => {
    const command = () => new GetCommand({ TableName: name, Key: key, ConsistentRead: true });
    const answer = await steady(() => doc.send(command()));
    return answer.Item as Item | undefined;
  };

  /** Every page of a query. */
  async function pages(query: Omit<QueryCommandInput, 'TableName'>): Promise<readonly Item[]> {
    const items: Item[] = [];
    let start: Record<string, unknown> | undefined;
    do {
      const page = { ...query, TableName: name, ...(start ? { ExclusiveStartKey: start } : {}) };
      const answer = await steady(() => doc.send(new QueryCommand(page)));
      items.push(...((answer.Items ?? []) as Item[]));
      start = answer.LastEvaluatedKey;
    } while (start);
    return items;
  }

  const put = async (item: Item, condition?: Expression): Promise<void> => {
    const given = { TableName: name, Item: item, ...conditionOf(condition) };
    try {
      await steady(() => doc.send(new PutCommand(given)));
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      // An answer can be lost on the way, and the SDK sends again: the second try then meets what the first one wrote.
      const again = (error.$metadata.attempts ?? 1) > 1;
      if (!again || !sameItem(await get({ pk: item.pk, sk: item.sk }), item)) throw conflict(item, error);
    }
  };

  return {
    name,
    get,
    put,
    async putAll(writes) {
      const [first, ...more] = writes;
      if (!first) return;
      // A single item costs half outside a transaction.
      if (more.length === 0) return put(first.item, first.condition);
      const TransactItems = writes.map(({ item, condition }) => ({
        Put: { TableName: name, Item: item, ...conditionOf(condition) },
      }));
      // The same token on every try: where an answer was lost, the next try is answered as the first one was.
      const ClientRequestToken = randomUUID();
      try {
        await steady(() => doc.send(new TransactWriteCommand({ TransactItems, ClientRequestToken })));
      } catch (error) {
        if (!(error instanceof TransactionCanceledException)) throw error;
        const lost = (error.CancellationReasons ?? []).findIndex(
          ({ Code }) => Code === 'ConditionalCheckFailed',
        );
        throw conflict(writes[lost]?.item ?? first.item, error);
      }
    },
    async update(key, change, condition) {
      const update = {
        TableName: name,
        Key: key,
        UpdateExpression: change.text,
        ...(condition ? { ConditionExpression: condition.text } : {}),
        ...attributes(change, condition),
        ReturnValues: 'ALL_NEW' as const,
      };
      const answer = await steady(() => doc.send(new UpdateCommand(update))).catch((error: unknown) => {
        throw error instanceof ConditionalCheckFailedException ? conflict(key, error) : error;
      });
      return { ...key, ...answer.Attributes };
    },
    async query(pk, prefix) {
      return pages({
        ConsistentRead: true,
        // DynamoDB refuses an empty prefix, so "the whole partition" is a condition of its own.
        KeyConditionExpression: prefix === '' ? 'pk = :pk' : 'pk = :pk AND begins_with(sk, :prefix)',
        ExpressionAttributeValues: prefix === '' ? { ':pk': pk } : { ':pk': pk, ':prefix': prefix },
      });
    },
    async range(pk, from, to) {
      return pages({
        ConsistentRead: true,
        KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
        ExpressionAttributeValues: { ':pk': pk, ':from': from, ':to': to },
      });
    },
    look: (read) => look(doc, name, read),
    async page({ pk, before, limit, cursor, oldestFirst = false }) {
      const query = {
        TableName: name,
        IndexName: 'gsi1',
        ScanIndexForward: oldestFirst,
        Limit: limit,
        KeyConditionExpression: before ? 'gsi1pk = :pk AND gsi1sk < :before' : 'gsi1pk = :pk',
        ExpressionAttributeValues: { ':pk': pk, ...(before ? { ':before': before } : {}) },
        ...(cursor ? { ExclusiveStartKey: JSON.parse(Buffer.from(cursor, 'base64url').toString()) } : {}),
      };
      const answer = await steady(() => doc.send(new QueryCommand(query)));
      const last = answer.LastEvaluatedKey;
      return {
        items: ((answer.Items ?? []) as Item[]).filter((item) => isSaid(item) === (pk === DOOR_INDEX)),
        ...(last ? { cursor: Buffer.from(JSON.stringify(last)).toString('base64url') } : {}),
      };
    },
  };
}

async function look(doc: DynamoDBDocumentClient, table: string, read: IndexRead): Promise<Looked> {
  const { range, limit, enough = limit, step = limit } = read;
  if (range && range.from >= range.before) return { items: [], examined: 0 };
  const query = indexQuery(read);
  const items: Item[] = [];
  let examined = 0;
  let start: Record<string, unknown> | undefined;
  do {
    const page = {
      ...query,
      TableName: table,
      Limit: Math.min(step, limit - examined),
      ...(start ? { ExclusiveStartKey: start } : {}),
    };
    const answer = await steadily(table, () => doc.send(new QueryCommand(page)));
    for (const item of (answer.Items ?? []) as Item[])
      if (!isSaid(item) && (!range || item[range.name] !== range.before)) items.push(item);
    examined += answer.ScannedCount ?? 0;
    start = answer.LastEvaluatedKey;
  } while (start && examined < limit && items.length < enough);
  return { items, examined, ...(start && range ? { last: String(start[range.name]) } : {}) };
}

const indexQuery = ({ index, hash, range, filter }: IndexRead) => ({
  IndexName: index,
  ScanIndexForward: false,
  // A sort key takes one condition, and BETWEEN has both ends: the reader leaves the upper one out.
  KeyConditionExpression: `#hash = :hash${range ? ' AND #range BETWEEN :from AND :before' : ''}`,
  ExpressionAttributeNames: {
    '#hash': hash.name,
    ...(range ? { '#range': range.name } : {}),
    ...prefixed(filter?.names, '#'),
  },
  ExpressionAttributeValues: {
    ':hash': hash.value,
    ...(range ? { ':from': range.from, ':before': range.before } : {}),
    ...prefixed(filter?.values, ':'),
  },
  ...(filter ? { FilterExpression: filter.text } : {}),
});

const prefixed = (marks: Readonly<Record<string, unknown>> | undefined, mark: string) =>
  Object.fromEntries(Object.entries(marks ?? {}).map(([key, value]) => [`${mark}${key}`, value]));

function attributes(...parts: readonly (Expression | undefined)[]) {
  const names = Object.assign({}, ...parts.map((part) => prefixed(part?.names, '#'))) as Record<
    string,
    string
  >;
  const values = Object.assign({}, ...parts.map((part) => prefixed(part?.values, ':'))) as Record<
    string,
    unknown
  >;
  return {
    ...(Object.keys(names).length > 0 ? { ExpressionAttributeNames: names } : {}),
    ...(Object.keys(values).length > 0 ? { ExpressionAttributeValues: values } : {}),
  };
}

const conditionOf = (condition: Expression | undefined) =>
  condition ? { ConditionExpression: condition.text, ...attributes(condition) } : {};

const conflict = ({ pk, sk }: Key, cause: Error): FirebreakError =>
  new FirebreakError('Conflict', 'another process wrote this record first', {
    resource: `${pk} ${sk}`,
    cause,
  });
