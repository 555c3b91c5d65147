/** The table in this process answers every request as dynalite does: items, pages, and errors by name and message. */
import {
  type AttributeValue,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Database, openDatabase, serveDatabase } from '../database.ts';
import { SANDBOX_SCOPE } from '../scope.ts';
import { RESERVED } from './reserved-words.ts';

const TableName = 'contract';
let own: Database;
let reference: Database;
beforeAll(async () => {
  own = await openDatabase(SANDBOX_SCOPE, TableName);
  reference = await serveDatabase(SANDBOX_SCOPE, TableName);
});
afterAll(() => Promise.all([own.close(), reference.close()]));

type Send = (client: DynamoDBClient) => Promise<object>;

/** What a client gets, without what differs from one try to the next. */
async function answerOf(client: DynamoDBClient, send: Send): Promise<unknown> {
  try {
    const { $metadata: _, ...answer } = (await send(client)) as { $metadata: unknown };
    return JSON.parse(JSON.stringify(answer, plain));
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    // dynalite's parser says where a text is wrong, and prints what is no text, in its own words.
    const [message] = error.message.split(/(?<=Syntax error;|same data type for lower and upper bounds;)/);
    return { error: error.name, message };
  }
}
/** Members in one order, those of sets as well. */
function plain(key: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if ((key === 'SS' || key === 'NS') && Array.isArray(value)) return [...value].sort();
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function same(send: Send): Promise<void> {
  const [answer, expected] = await Promise.all([
    answerOf(own.client, send),
    answerOf(reference.client, send),
  ]);
  expect(answer).toEqual(expected);
}

// dynalite takes an empty text in IN and BETWEEN for one that is not there.
const text = fc.oneof(fc.constantFrom('a', 'ab', 'b', 'é', ' '), fc.string({ minLength: 1, maxLength: 4 }));
const number = fc.oneof(
  fc.integer({ min: -20, max: 20 }).map(String),
  fc.constantFrom('0.5', '-1.25', '1e3', '12345678901234567890123', '100', '0.30', '-0', 'x', ''),
);
const value: fc.Arbitrary<AttributeValue> = fc.oneof(
  { weight: 4, arbitrary: text.map((S) => ({ S })) },
  { weight: 4, arbitrary: number.map((N) => ({ N })) },
  fc.constantFrom<AttributeValue>(
    { BOOL: true },
    { BOOL: false },
    { NULL: true },
    { L: [{ S: 'a' }, { N: '1' }] },
  ),
  fc.constantFrom<AttributeValue>(
    { M: { a: { S: 'a' } } },
    { M: {} },
    { SS: ['a', 'b'] },
    { SS: ['b'] },
    { NS: ['1', '2'] },
  ),
  fc.uint8Array({ minLength: 1, maxLength: 3 }).map((B) => ({ B })),
);
const ATTRIBUTES = ['n', 'x', 's', 'version', 'owner'] as const;
const attribute = fc.constantFrom(...ATTRIBUTES);

/** An expression with the placeholders `#a`, `#b`, `:x` and `:y`, of which it uses some. */
const CONDITIONS = [
  'attribute_not_exists(pk)',
  'attribute_exists(#a)',
  '#a = :x',
  '#a <> :x',
  '#a < :x',
  '#a <= :x',
  '#a > :x',
  '#a >= :x',
  '#a BETWEEN :x AND :y',
  '#a IN (:x, :y)',
  'begins_with(#a, :x)',
  'contains(#a, :x)',
  'size(#a) > :x',
  'attribute_not_exists(#a) OR #a < :x',
  'attribute_not_exists(pk) OR #a = :x OR #b < :y',
  '(attribute_not_exists(#a) OR #a < :x) AND NOT contains(#b, :y)',
  '#a = :x AND attribute_not_exists(#b)',
  'NOT #a = :x',
  'x = :x AND version <= :y',
  'status = :x',
  '#a = :z',
  '#c = :x',
  '#a = ',
  'frob(#a)',
  'attribute_exists(:x)',
] as const;
const UPDATES = [
  'SET #a = :x',
  'SET #a = :x, #b = :y',
  'SET #a = if_not_exists(#a, :x)',
  'SET #a = if_not_exists(#b, :x), #b = :y',
  'SET #a = #b + :x',
  'SET #a = #a - :x',
  'SET #a = list_append(#a, :x)',
  'SET #a = #b',
  'SET x = :x',
  'REMOVE #a',
  'REMOVE #a, #b',
  'ADD #a :x',
  'DELETE #a :x',
  'ADD #a :x SET #b = :y',
  'SET #a = :x REMOVE #b',
  'SET #a = :x, #a = :y',
  'SET pk = :x',
  'SET gsi1pk = :x, gsi1sk = :y',
  'SET took = :x',
  'SET #a',
  'SET data = :x',
] as const;

interface Parts {
  readonly a: string;
  readonly b: string;
  readonly x: AttributeValue;
  readonly y: AttributeValue;
  readonly unused: boolean;
}
const parts: fc.Arbitrary<Parts> = fc.record({
  a: attribute,
  b: attribute,
  x: value,
  y: value,
  unused: fc.integer({ min: 0, max: 19 }).map((one) => one === 0),
});

/** The parameters that the texts use. */
function parametersOf(texts: readonly (string | undefined)[], { a, b, x, y, unused }: Parts) {
  const all = texts.join(' ');
  const used = (mark: string) => unused || new RegExp(`${mark}\\b`).test(all);
  const names = { ...(used('#a') ? { '#a': a } : {}), ...(used('#b') ? { '#b': b } : {}) };
  // dynalite puts sets and lists in an order as well.
  const bound = (one: AttributeValue): AttributeValue =>
    /BETWEEN :x/.test(all) && one.S === undefined && one.N === undefined && one.B === undefined
      ? { S: 'a' }
      : one;
  const values = { ...(used(':x') ? { ':x': bound(x) } : {}), ...(used(':y') ? { ':y': bound(y) } : {}) };
  return {
    ...(Object.keys(names).length > 0 ? { ExpressionAttributeNames: names } : {}),
    ...(Object.keys(values).length > 0 ? { ExpressionAttributeValues: values } : {}),
  };
}

/** AWS refuses an empty key of an index, dynalite takes it. */
const withoutEmpty = (own: Parts): Parts => ({
  ...own,
  ...(own.x.S === '' ? { x: { S: 'x' } } : {}),
  ...(own.y.S === '' ? { y: { S: 'y' } } : {}),
});

const sk = fc.constantFrom('a', 'a#1', 'a#2', 'b', '\uffee', '😀');
const item = fc
  .record(
    {
      ...Object.fromEntries(ATTRIBUTES.map((name) => [name, value])),
      // Two with one place in an index have no order there.
      gsi1sk: fc.integer({ min: 0, max: 1_000_000 }).map((n) => ({ S: `${n}` })),
      gsi1pk: fc.constantFrom({ S: 'g' }, { S: 'h' }),
      took: fc.integer({ min: -1000, max: 1_000_000 }).map((n) => ({ N: `${n}` })),
      tookYear: fc.constant({ S: 'y' }),
      row: value,
    },
    { requiredKeys: [] },
  )
  .map((attributes): Record<string, AttributeValue> => attributes);
const condition = fc.option(fc.constantFrom(...CONDITIONS), { nil: undefined });

/** One request, for the partitions of one run. */
type Request = (run: string) => Send;
const keyOf = (run: string, key: string) => ({ pk: { S: run }, sk: { S: key } });
/** The partitions of the indexes are of one run as well. */
const within = (run: string, given: Record<string, AttributeValue>) =>
  Object.fromEntries(
    Object.entries(given).map(([name, one]) => [
      name,
      /^(gsi1pk|tookYear)$/.test(name) ? { S: run + one.S } : one,
    ]),
  );

const request: fc.Arbitrary<Request> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ key: sk, item, condition, parts }).map(
      ({ key, item: given, condition: text, parts: own }): Request =>
        (run) =>
        (client) =>
          client.send(
            new PutItemCommand({
              TableName,
              Item: { ...within(run, given), ...keyOf(run, key) },
              ...(text ? { ConditionExpression: text } : {}),
              ...parametersOf([text], own),
            }),
          ),
    ),
  },
  {
    weight: 5,
    arbitrary: fc.record({ key: sk, update: fc.constantFrom(...UPDATES), condition, parts }).map(
      ({ key, update, condition: text, parts: own }): Request =>
        (run) =>
        (client) =>
          client.send(
            new UpdateItemCommand({
              TableName,
              Key: keyOf(run, key),
              UpdateExpression: update,
              ...(text ? { ConditionExpression: text } : {}),
              ...parametersOf([update, text], /gsi1/.test(update) ? withoutEmpty(own) : own),
              ReturnValues: 'ALL_NEW',
            }),
          ),
    ),
  },
  fc.record({ key: sk, condition, parts }).map(
    ({ key, condition: text, parts: own }): Request =>
      (run) =>
      (client) =>
        client.send(
          new DeleteItemCommand({
            TableName,
            Key: keyOf(run, key),
            ...(text ? { ConditionExpression: text } : {}),
            ...parametersOf([text], own),
            ReturnValues: 'ALL_OLD',
          }),
        ),
  ),
  sk.map(
    (key): Request =>
      (run) =>
      (client) =>
        client.send(new GetItemCommand({ TableName, Key: keyOf(run, key) })),
  ),
  fc
    .record({
      by: fc.constantFrom(
        ...['pk = :pk', 'pk = :pk AND begins_with(sk, :from)', 'pk = :pk AND sk BETWEEN :from AND :to'],
        ...[
          'pk = :pk AND sk < :from',
          'pk = :pk AND sk >= :from',
          'sk = :from',
          'pk = :pk AND n = :from',
          'pk > :pk',
        ],
      ),
      // dynalite compares by UTF-16 what it orders by UTF-8.
      from: fc.constantFrom('a', 'a#', 'a#2', 'b'),
      to: fc.constantFrom('a', 'a#2', 'b', 'é'),
      limit: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
      forward: fc.boolean(),
      filter: fc.option(fc.constantFrom('#a = :x', '#a BETWEEN :x AND :y', 'sk = :x'), { nil: undefined }),
      parts,
    })
    .map(
      ({ by, from, to, limit, forward, filter, parts: own }): Request =>
        (run) =>
        (client) => {
          const { ExpressionAttributeNames, ExpressionAttributeValues } = parametersOf([filter], own);
          const bound = { ':pk': { S: run }, ':from': { S: from }, ':to': { S: to } };
          return client.send(
            new QueryCommand({
              TableName,
              KeyConditionExpression: by,
              ScanIndexForward: forward,
              ...(limit ? { Limit: limit } : {}),
              ...(filter ? { FilterExpression: filter } : {}),
              ...(ExpressionAttributeNames ? { ExpressionAttributeNames } : {}),
              ExpressionAttributeValues: {
                ...Object.fromEntries(Object.entries(bound).filter(([mark]) => by.includes(mark))),
                ...ExpressionAttributeValues,
              },
            }),
          );
        },
    ),
);

/** Every page of an index, newest first. */
const allPages =
  (index: 'gsi1' | 'took', hash: AttributeValue, Limit: number): Send =>
  async (client) => {
    const pages: object[] = [];
    let ExclusiveStartKey: Record<string, AttributeValue> | undefined;
    do {
      const { $metadata: _, ...page } = await client.send(
        new QueryCommand({
          ...{ TableName, IndexName: index, Limit, ScanIndexForward: false, ExclusiveStartKey },
          KeyConditionExpression: `${index === 'gsi1' ? 'gsi1pk' : 'tookYear'} = :hash`,
          ExpressionAttributeValues: { ':hash': hash },
        }),
      );
      pages.push(page);
      ExclusiveStartKey = page.LastEvaluatedKey;
    } while (ExclusiveStartKey);
    return { pages, $metadata: {} };
  };

let serial = 0;
it('answers any requests as dynalite does', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(request, { minLength: 5, maxLength: 25 }), async (requests) => {
      const run = `R#${serial++}#`;
      for (const one of requests) await same(one(run));
      for (const [index, hash] of [
        ['gsi1', 'g'],
        ['gsi1', 'h'],
        ['took', 'y'],
      ] as const)
        await same(allPages(index, { S: run + hash }, 2));
    }),
    { numRuns: 40 },
  );
});

it('refuses the words that dynalite refuses', async () => {
  for (const word of [...RESERVED].filter((_, at) => at % 25 === 0).concat('FIREBREAK', 'Status'))
    await same((client) =>
      client.send(
        new PutItemCommand({
          ...{ TableName, Item: keyOf('word', word), ConditionExpression: `attribute_not_exists(${word})` },
        }),
      ),
    );
});
