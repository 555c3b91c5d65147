import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type AttributeValue,
  BatchWriteItemCommand,
  GetItemCommand,
  PutItemCommand,
  paginateScan,
  QueryCommand,
  TransactGetItemsCommand,
  type TransactWriteItem,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FirebreakError } from '../core/errors.ts';
import { TABLE_DEFINITION } from '../core/table/table-definition.ts';
import { ABSENT } from '../core/table/terms.ts';
import { type Database, openDatabase, serveDatabase } from './database.ts';
import { openDynamoDb } from './dynamodb/dynamodb.ts';
import { answerText, readItems, writeItems } from './dynamodb/text.ts';
import { SANDBOX_SCOPE } from './scope.ts';

const TableName = 'contract';
/** An item of strings and numbers as DynamoDB has it over the wire. */
const marshall = (item: Readonly<Record<string, string | number>>): Record<string, AttributeValue> =>
  Object.fromEntries(
    Object.entries(item).map(([name, value]) => [
      name,
      typeof value === 'number' ? { N: `${value}` } : { S: value },
    ]),
  );
let serial = 0;
/** A partition that no other case uses. */
const partition = () => `P#${serial++}`;
/** The name and the message of what a promise is rejected with. */
const refusal = (sent: Promise<unknown>): Promise<string> =>
  sent.then(
    () => 'no error',
    (error: Error) => `${error.name}: ${error.message}`,
  );

describe.each([
  ['in this process', openDatabase],
  ['over HTTP', serveDatabase],
])('the table, DynamoDB %s', (_, open) => {
  let database: Database;
  beforeAll(async () => {
    database = await open(SANDBOX_SCOPE, TableName);
  });
  afterAll(() => database.close());
  const put = (item: Record<string, string | number>, more: object = {}) =>
    database.client.send(new PutItemCommand({ TableName, Item: marshall(item), ...more }));

  it('returns what was put, bytes and numbers of any length among it', async () => {
    const item = {
      pk: partition(),
      sk: 'a',
      deep: [{ n: 1.5, none: null, yes: true }],
      bytes: new Uint8Array([0, 255]),
    };
    await database.table.put(item);
    expect(await database.table.get({ pk: item.pk, sk: item.sk })).toEqual(item);
    expect(await database.table.get({ pk: item.pk, sk: 'b' })).toBeUndefined();
  });

  it('lets one of many writers win where a condition says so', async () => {
    const key = { pk: partition(), sk: 'a' };
    const ends = await Promise.allSettled(
      [...Array(10).keys()].map((by) => database.table.put({ ...key, by }, ABSENT)),
    );
    const lost = ends.filter((end) => end.status === 'rejected');
    expect(lost).toHaveLength(9);
    for (const { reason } of lost) {
      expect(reason).toBeInstanceOf(FirebreakError);
      expect(reason).toMatchObject({ code: 'Conflict' });
    }
  });

  it('counts without losing one, and returns the whole new item', async () => {
    const key = { pk: partition(), sk: 'a' };
    const change = { text: 'ADD #n :one SET #x = :x', names: { n: 'n', x: 'x' }, values: { one: 1, x: 'y' } };
    await Promise.all([...Array(20)].map(() => database.table.update(key, change)));
    expect(await database.table.update(key, change)).toEqual({ ...key, n: 21, x: 'y' });
  });

  it('updates only under its condition, and removes attributes', async () => {
    const key = { pk: partition(), sk: 'a' };
    await database.table.put({ ...key, until: 5, owner: 'x' });
    const change = { text: 'REMOVE #owner', names: { owner: 'owner' } };
    const olderThan = (now: number) => ({
      text: '#until < :now',
      names: { until: 'until' },
      values: { now },
    });
    await expect(database.table.update(key, change, olderThan(5))).rejects.toMatchObject({
      code: 'Conflict',
    });
    expect(await database.table.update(key, change, olderThan(6))).toEqual({ ...key, until: 5 });
  });

  it('reads a partition in order, by prefix and by range, over more than one page of 1 MB', async () => {
    const pk = partition();
    const text = 'x'.repeat(300_000);
    for (const sk of ['b#2', 'a', 'b#1', 'c', 'b#10', 'b']) await database.table.put({ pk, sk, text });
    const keys = (items: readonly { sk: string }[]) => items.map(({ sk }) => sk);
    expect(keys(await database.table.query(pk, ''))).toEqual(['a', 'b', 'b#1', 'b#10', 'b#2', 'c']);
    expect(keys(await database.table.query(pk, 'b#'))).toEqual(['b#1', 'b#10', 'b#2']);
    expect(keys(await database.table.range(pk, 'b', 'b#10'))).toEqual(['b', 'b#1', 'b#10']);
    const first = await database.client.send(
      new QueryCommand({
        TableName,
        KeyConditionExpression: 'pk = :pk',
        ExpressionAttributeValues: { ':pk': { S: pk } },
      }),
    );
    expect(first.LastEvaluatedKey).toBeDefined();
    expect(first.Count).toBeLessThan(6);
  });

  it('pages an index newest first, with what it projects and nothing else', async () => {
    const month = partition();
    for (const index of [2, 0, 1, 4, 3])
      await database.table.put({
        pk: `${month}/${index}`,
        sk: 'i',
        gsi1pk: month,
        gsi1sk: `${index}`,
        row: { index },
        big: 'left out',
      });
    await database.table.put({ pk: `${month}/none`, sk: 'i', gsi1pk: month });
    const first = await database.table.page({ pk: month, limit: 2 });
    expect(first.items).toEqual(
      [4, 3].map((index) => ({
        pk: `${month}/${index}`,
        sk: 'i',
        gsi1pk: month,
        gsi1sk: `${index}`,
        row: { index },
      })),
    );
    const rest = await database.table.page({
      pk: month,
      limit: 9,
      ...(first.cursor ? { cursor: first.cursor } : {}),
    });
    expect(rest.items.map(({ gsi1sk }) => gsi1sk)).toEqual(['2', '1', '0']);
    expect(rest.cursor).toBeUndefined();
    expect((await database.table.page({ pk: month, before: '2', limit: 9 })).items).toHaveLength(2);
  });

  it('orders an index by number, filters after the limit and forgets what left it', async () => {
    const year = partition();
    for (const took of [100, 9, 20, -1])
      await database.table.put({
        pk: `${year}/${took}`,
        sk: 'i',
        tookYear: year,
        took,
        row: took % 2 ? 'odd' : 'even',
      });
    const read = { index: 'took', hash: { name: 'tookYear', value: year }, limit: 3 };
    expect((await database.table.look(read)).items.map(({ took }) => took)).toEqual([100, 20, 9]);
    const filter = { text: '#row = :row', names: { row: 'row' }, values: { row: 'odd' } };
    expect(await database.table.look({ ...read, filter })).toMatchObject({
      examined: 3,
      items: [{ took: 9 }],
    });
    await database.table.put({ pk: `${year}/20`, sk: 'i' });
    expect((await database.table.look({ ...read, limit: 9 })).items.map(({ took }) => took)).toEqual([
      100, 9, -1,
    ]);
  });

  it('writes in batches and scans', async () => {
    const pk = partition();
    const RequestItems = {
      [TableName]: ['a', 'b'].map((sk) => ({ PutRequest: { Item: marshall({ pk, sk }) } })),
    };
    await database.client.send(new BatchWriteItemCommand({ RequestItems }));
    const found = [];
    for await (const { Items = [] } of paginateScan(database, { TableName, ConsistentRead: true }))
      found.push(...Items.filter((item) => item['pk']?.S === pk));
    expect(found).toHaveLength(2);
  });

  const key = { pk: { S: 'P' }, sk: { S: 's' } };
  it.each<[string, string, () => Promise<unknown>]>([
    [
      'an item over 400 KB',
      'ValidationException: Item size has exceeded the maximum allowed size',
      () => put({ pk: 'P', sk: 's', text: 'x'.repeat(409_600) }),
    ],
    [
      'an item without its sort key',
      'ValidationException: One or more parameter values were invalid: Missing the key sk in the item',
      () => put({ pk: 'P' }),
    ],
    ['an empty key', 'ValidationException: One or more parameter values', () => put({ pk: 'P', sk: '' })],
    [
      'an index key of another type',
      'ValidationException: One or more parameter values',
      () => put({ pk: 'P', sk: 's', gsi1pk: 1 }),
    ],
    [
      'a reserved word',
      'ValidationException: Invalid ConditionExpression: Attribute name is a reserved keyword; reserved keyword: status',
      () => put({ pk: 'P', sk: 's' }, { ConditionExpression: 'attribute_not_exists(status)' }),
    ],
    [
      'a value that no expression uses',
      'ValidationException: Value provided in ExpressionAttributeValues unused',
      () =>
        put(
          { pk: 'P', sk: 's' },
          {
            ConditionExpression: 'attribute_not_exists(pk)',
            ExpressionAttributeValues: { ':a': { S: 'a' } },
          },
        ),
    ],
    [
      'a condition that does not hold',
      'ConditionalCheckFailedException: The conditional request failed',
      () => put({ pk: 'P', sk: 's' }, { ConditionExpression: 'attribute_exists(sk)' }),
    ],
    [
      'an update of the key',
      'ValidationException: One or more parameter values were invalid: Cannot update attribute sk',
      () =>
        database.client.send(
          new UpdateItemCommand({
            TableName,
            Key: key,
            UpdateExpression: 'SET sk = :a',
            ExpressionAttributeValues: { ':a': { S: 'a' } },
          }),
        ),
    ],
    [
      'a consistent read of an index',
      'ValidationException: Consistent reads are not supported on global secondary indexes',
      () =>
        database.client.send(
          new QueryCommand({
            TableName,
            IndexName: 'gsi1',
            ConsistentRead: true,
            KeyConditionExpression: 'gsi1pk = :a',
            ExpressionAttributeValues: { ':a': { S: 'a' } },
          }),
        ),
    ],
    [
      'a table that is not there',
      'ResourceNotFoundException: Requested resource not found',
      () => database.client.send(new GetItemCommand({ TableName: 'other', Key: key })),
    ],
  ])('refuses %s', async (_name, message, send) => {
    expect(await refusal(send())).toContain(message);
  });
});

describe('transactions', () => {
  let database: Database;
  beforeAll(async () => {
    database = await openDatabase(SANDBOX_SCOPE, TableName);
  });
  afterAll(() => database.close());
  const Put = (pk: string, sk: string, more: object = {}) => ({
    Put: { TableName, Item: marshall({ pk, sk }), ...more },
  });
  const absent = { ConditionExpression: 'attribute_not_exists(pk)' };
  const write = (TransactItems: TransactWriteItem[], ClientRequestToken?: string) =>
    database.client.send(
      new TransactWriteItemsCommand({ TransactItems, ...(ClientRequestToken ? { ClientRequestToken } : {}) }),
    );
  const keys = async (pk: string) => (await database.table.query(pk, '')).map(({ sk }) => sk);
  const Key = (pk: string, sk: string) => marshall({ pk, sk });

  it('writes puts, updates and deletes together under their conditions', async () => {
    const pk = partition();
    await write([Put(pk, 'old'), Put(pk, 'watched')]);
    await write([
      Put(pk, 'new', absent),
      { Delete: { TableName, Key: Key(pk, 'old'), ConditionExpression: 'attribute_exists(pk)' } },
      {
        Update: {
          TableName,
          Key: Key(pk, 'count'),
          UpdateExpression: 'ADD n :one',
          ExpressionAttributeValues: { ':one': { N: '1' } },
        },
      },
      { ConditionCheck: { TableName, Key: Key(pk, 'watched'), ConditionExpression: 'attribute_exists(pk)' } },
    ]);
    expect(await keys(pk)).toEqual(['count', 'new', 'watched']);
  });

  it('writes nothing when one condition does not hold, and says which', async () => {
    const pk = partition();
    await write([Put(pk, 'there')]);
    const sent = write([
      Put(pk, 'a'),
      Put(pk, 'there', { ...absent, ReturnValuesOnConditionCheckFailure: 'ALL_OLD' }),
    ]);
    await expect(sent).rejects.toMatchObject({
      name: 'TransactionCanceledException',
      message: expect.stringContaining('[None, ConditionalCheckFailed]'),
      CancellationReasons: [{ Code: 'None' }, { Code: 'ConditionalCheckFailed', Item: Key(pk, 'there') }],
    });
    expect(await keys(pk)).toEqual(['there']);
  });

  it('reverts what it wrote when a later part cannot be written', async () => {
    const pk = partition();
    await write([
      { Put: { TableName, Item: marshall({ pk, sk: 'text', n: 'no number' }) } },
      Put(pk, 'kept'),
    ]);
    const add = { UpdateExpression: 'ADD n :one', ExpressionAttributeValues: { ':one': { N: '1' } } };
    const sent = write([
      Put(pk, 'a'),
      { Delete: { TableName, Key: Key(pk, 'kept') } },
      { Update: { TableName, Key: Key(pk, 'text'), ...add } },
    ]);
    expect(await refusal(sent)).toContain('TransactionCanceledException');
    expect(await keys(pk)).toEqual(['kept', 'text']);
  });

  it('is written once when it is sent again with its token, and refuses another with it', async () => {
    const pk = partition();
    await write([Put(pk, 'a', absent)], `token-${pk}`);
    await write([Put(pk, 'a', absent)], `token-${pk}`);
    expect(await refusal(write([Put(pk, 'b')], `token-${pk}`))).toContain(
      'IdempotentParameterMismatchException',
    );
  });

  it('refuses two parts for one item', async () => {
    const pk = partition();
    expect(await refusal(write([Put(pk, 'a'), Put(pk, 'a')]))).toContain(
      'ValidationException: Transaction request cannot include multiple operations on one item',
    );
  });

  it('is seen whole or not at all', async () => {
    const pk = partition();
    const both = () =>
      database.client.send(
        new TransactGetItemsCommand({
          TransactItems: ['a', 'b'].map((sk) => ({ Get: { TableName, Key: Key(pk, sk) } })),
        }),
      );
    const [, ...reads] = await Promise.all([write([Put(pk, 'a'), Put(pk, 'b')]), ...[...Array(5)].map(both)]);
    for (const { Responses = [] } of [...reads, await both()])
      expect([0, 2]).toContain(Responses.filter(({ Item }) => Item).length);
  });
});

it('finds what an earlier table had, from a file', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'firebreak-table-'));
  try {
    const first = await openDatabase(SANDBOX_SCOPE, TableName);
    const item = { pk: 'P', sk: 's', gsi1pk: 'm', gsi1sk: '1', B: new Uint8Array([0, 255]) };
    await first.table.put(item);
    await writeItems(join(folder, 'items'), first.items());
    await first.close();
    const second = await openDatabase(SANDBOX_SCOPE, TableName, await readItems(join(folder, 'items')));
    expect((await second.table.page({ pk: 'm', limit: 1 })).items).toHaveLength(1);
    expect(await second.table.get({ pk: 'P', sk: 's' })).toEqual(item);
    await second.close();
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('answers the JSON protocol, errors among the answers', () => {
  const dynamoDb = openDynamoDb();
  const answer = (operation: string, request: object) => {
    const { status, text } = answerText(dynamoDb, operation, JSON.stringify({ TableName, ...request }));
    return { status, ...(JSON.parse(text) as object) };
  };
  answer('CreateTable', TABLE_DEFINITION);
  const Item = { pk: { S: 'P' }, sk: { S: 's' }, bytes: { B: 'AP8=' }, B: { M: { B: { B: 'AA==' } } } };
  expect(answer('PutItem', { Item })).toEqual({ status: 200 });
  const Key = { pk: { S: 'P' }, sk: { S: 's' } };
  expect(answer('GetItem', { Key })).toEqual({ status: 200, Item });
  const lost = answer('PutItem', { Item, ConditionExpression: 'attribute_not_exists(pk)' });
  expect(lost).toMatchObject({
    status: 400,
    __type: expect.stringMatching(/#ConditionalCheckFailedException$/),
  });
  const part = { Put: { TableName, Item, ConditionExpression: 'attribute_not_exists(pk)' } };
  expect(answer('TransactWriteItems', { TransactItems: [part] })).toMatchObject({
    CancellationReasons: [{ Code: 'ConditionalCheckFailed' }],
  });
});
