/**
 * DynamoDB in this process: dynalite's validations, actions and store without its server, and the transactions that it lacks.
 * One request at a time, so that a transaction is seen whole or not at all.
 */
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import batchGetItem from 'dynalite/actions/batchGetItem.js';
import batchWriteItem from 'dynalite/actions/batchWriteItem.js';
import createTable from 'dynalite/actions/createTable.js';
import deleteItem from 'dynalite/actions/deleteItem.js';
import describeTable from 'dynalite/actions/describeTable.js';
import getItem from 'dynalite/actions/getItem.js';
import putItem from 'dynalite/actions/putItem.js';
import query from 'dynalite/actions/query.js';
import scan from 'dynalite/actions/scan.js';
import updateItem from 'dynalite/actions/updateItem.js';
import db, { type Store } from 'dynalite/db/index.js';
import batchGetItemRequest from 'dynalite/validations/batchGetItem.js';
import batchWriteItemRequest from 'dynalite/validations/batchWriteItem.js';
import createTableRequest from 'dynalite/validations/createTable.js';
import deleteItemRequest from 'dynalite/validations/deleteItem.js';
import describeTableRequest from 'dynalite/validations/describeTable.js';
import getItemRequest from 'dynalite/validations/getItem.js';
import validations from 'dynalite/validations/index.js';
import putItemRequest from 'dynalite/validations/putItem.js';
import queryRequest from 'dynalite/validations/query.js';
import scanRequest from 'dynalite/validations/scan.js';
import updateItemRequest from 'dynalite/validations/updateItem.js';
import { z } from 'zod';

const OPERATIONS = {
  BatchGetItem: { action: batchGetItem, request: batchGetItemRequest },
  BatchWriteItem: { action: batchWriteItem, request: batchWriteItemRequest },
  CreateTable: { action: createTable, request: createTableRequest },
  DeleteItem: { action: deleteItem, request: deleteItemRequest },
  DescribeTable: { action: describeTable, request: describeTableRequest },
  GetItem: { action: getItem, request: getItemRequest },
  PutItem: { action: putItem, request: putItemRequest },
  Query: { action: query, request: queryRequest },
  Scan: { action: scan, request: scanRequest },
  UpdateItem: { action: updateItem, request: updateItemRequest },
} as const;
type Operation = keyof typeof OPERATIONS;
const isOperation = (name: string): name is Operation => Object.hasOwn(OPERATIONS, name);

/** What DynamoDB answers over the wire. */
interface Answer {
  readonly status: number;
  readonly body: object;
}

export interface DynamoDb {
  /** Answers one request of the JSON protocol, errors among the answers. */
  answer(operation: string, request: object): Promise<Answer>;
  close(): Promise<void>;
}

/** Opens the store in a folder, or in memory without one. */
export function openDynamoDb(folder?: string): DynamoDb {
  const store = openStore(folder);
  let last: Promise<unknown> = Promise.resolve();
  /** Tokens of transactions that were written: the SDK sends the same one when it tries again. */
  const written = new Map<string, Buffer>();

  function checked(operation: Operation, given: object): object {
    const { types, custom } = OPERATIONS[operation].request;
    const request = validations.checkTypes(given, types);
    validations.checkValidations(request, types, custom, store);
    return request;
  }
  const act = (operation: Operation, request: object): Promise<object> =>
    new Promise((resolve, reject) => {
      OPERATIONS[operation].action(store, request, (error, answer) =>
        error ? reject(error) : resolve(answer ?? {}),
      );
    });

  async function run(operation: string, given: object): Promise<object> {
    if (isOperation(operation)) return act(operation, checked(operation, given));
    if (operation === 'TransactWriteItems') return transactWrite(given);
    if (operation === 'TransactGetItems') return transactGet(given);
    throw refused('com.amazon.coral.service#UnknownOperationException', `no ${operation} here`);
  }

  async function itemAt(TableName: string, Key: object): Promise<object | undefined> {
    const answer = await act('GetItem', checked('GetItem', { TableName, Key, ConsistentRead: true }));
    return 'Item' in answer ? (answer.Item as object) : undefined;
  }
  async function keyOf(TableName: string, item: Record<string, unknown>): Promise<object> {
    const { Table } = described.parse(await act('DescribeTable', { TableName }));
    return Object.fromEntries(
      Table.KeySchema.map(({ AttributeName }) => [AttributeName, item[AttributeName]]),
    );
  }

  async function transactGet(given: object): Promise<object> {
    const { TransactItems } = reads.parse(given);
    const Responses = [];
    for (const { Get } of TransactItems) Responses.push(await act('GetItem', checked('GetItem', Get)));
    return { Responses };
  }

  async function transactWrite(given: object): Promise<object> {
    const { TransactItems, ClientRequestToken: token } = writes.parse(given);
    const digest = createHash('sha256').update(JSON.stringify(TransactItems)).digest();
    const before = token === undefined ? undefined : written.get(token);
    if (before !== undefined && !before.equals(digest))
      throw refused(`${SERVICE}#IdempotentParameterMismatchException`, 'the token was used for another one');
    if (before !== undefined) return {};
    const parts = await Promise.all(TransactItems.map(partOf));
    if (new Set(parts.map(({ place }) => place)).size < parts.length)
      throw invalid('Transaction request cannot include multiple operations on one item');
    const reasons: Reason[] = [];
    for (const { request, existing, wanted } of parts) {
      const failed = db.checkConditional(request, existing);
      reasons.push(
        failed
          ? {
              Code: 'ConditionalCheckFailed',
              Message: failed.message,
              ...(wanted && existing ? { Item: existing } : {}),
            }
          : { Code: 'None' },
      );
    }
    if (reasons.some(({ Code }) => Code !== 'None')) throw cancelled(reasons);
    await applyAll(parts);
    if (token !== undefined) written.set(token, digest);
    return {};
  }

  async function partOf(item: TransactWrite): Promise<Part> {
    const { operation, given } = writeOf(item);
    const TableName = given['TableName'] as string;
    const { ReturnValuesOnConditionCheckFailure: wanted, ...own } = given;
    const request = checked(operation ?? 'DeleteItem', own);
    const Key =
      operation === 'PutItem'
        ? await keyOf(TableName, given['Item'] as Record<string, unknown>)
        : (given['Key'] as object);
    const existing = await itemAt(TableName, Key);
    const place = JSON.stringify([TableName, Object.entries(Key).sort(([a], [b]) => (a < b ? -1 : 1))]);
    return { operation, request, TableName, Key, existing, place, wanted: wanted === 'ALL_OLD' };
  }

  /** Writes every part; when one cannot be, what the ones before it wrote is put back. */
  async function applyAll(parts: readonly Part[]): Promise<void> {
    for (const [index, { operation, request }] of parts.entries()) {
      if (!operation) continue;
      try {
        await act(operation, request);
      } catch (error) {
        for (const { operation: wrote, TableName, Key, existing } of parts.slice(0, index))
          if (wrote)
            await (existing
              ? act('PutItem', checked('PutItem', { TableName, Item: existing }))
              : act('DeleteItem', checked('DeleteItem', { TableName, Key })));
        if (!isRefusal(error)) throw error;
        const { message } = error;
        throw cancelled(
          parts.map((_, at) =>
            at === index ? { Code: 'ValidationError', Message: message } : { Code: 'None' },
          ),
        );
      }
    }
  }

  return {
    answer(operation, request) {
      const next = last.then(async (): Promise<Answer> => {
        try {
          return { status: 200, body: await run(operation, request) };
        } catch (error) {
          if (isRefusal(error)) return { status: error.statusCode, body: error.body };
          throw error;
        }
      });
      last = next.catch(() => undefined); // the caller hears of it
      return next;
    },
    async close() {
      await last;
      await closed(store);
    },
  };
}

function openStore(folder?: string): Store {
  const store = db.create({ ...(folder ? { path: folder } : {}), createTableMs: 0 });
  const level = store.db;
  // dynalite's own stream never closes its iterator, which then keeps the store as it was: megabytes for each incident.
  level.createValueStream = (options) => Readable.from(level.values(options));
  return store;
}

/**
 * Keeps a folder for this process until what it returns is called or the process ends; undefined where another has it.
 * The lock is the store's own, which the operating system takes from a process that is killed.
 */
export async function lockFolder(folder: string): Promise<(() => Promise<void>) | undefined> {
  const store = openStore(folder);
  try {
    await store.db.open();
  } catch (error) {
    if (isLocked(error)) return undefined;
    throw error;
  }
  return () => closed(store);
}

const closed = ({ lifecycleManager }: Store): Promise<void> =>
  new Promise((resolve, reject) => {
    lifecycleManager.gracefulClose((error) => (error ? reject(error) : resolve()));
  });

const isLocked = (error: unknown): boolean =>
  error instanceof Error && (('code' in error && error.code === 'LEVEL_LOCKED') || isLocked(error.cause));

const given = z.record(z.string(), z.unknown());
const described = z.object({
  Table: z.object({ KeySchema: z.array(z.object({ AttributeName: z.string() })) }),
});
const reads = z.object({
  TransactItems: z
    .array(z.object({ Get: given }))
    .min(1)
    .max(100),
});
const write = z.object({
  Put: given.optional(),
  Update: given.optional(),
  Delete: given.optional(),
  ConditionCheck: given.optional(),
});
const writes = z.object({
  TransactItems: z.array(write).min(1).max(100),
  ClientRequestToken: z.string().optional(),
});
type TransactWrite = z.infer<typeof write>;

interface Part {
  /** Absent for a condition that writes nothing. */
  readonly operation: 'PutItem' | 'UpdateItem' | 'DeleteItem' | undefined;
  readonly request: object;
  readonly TableName: string;
  readonly Key: object;
  readonly existing: object | undefined;
  readonly place: string;
  /** The caller wants the item that kept its condition from holding. */
  readonly wanted: boolean;
}
interface Reason {
  readonly Code: string;
  readonly Message?: string;
  readonly Item?: object;
}

function writeOf({ Put, Update, Delete, ConditionCheck }: TransactWrite) {
  if (Put) return { operation: 'PutItem', given: Put } as const;
  if (Update) return { operation: 'UpdateItem', given: Update } as const;
  if (Delete) return { operation: 'DeleteItem', given: Delete } as const;
  if (ConditionCheck) return { operation: undefined, given: ConditionCheck } as const;
  throw invalid('TransactItems can only contain one of Check, Put, Update or Delete');
}

const SERVICE = 'com.amazonaws.dynamodb.v20120810';
type Refusal = Error & { readonly statusCode: number; readonly body: object };
const isRefusal = (error: unknown): error is Refusal =>
  error instanceof Error && 'statusCode' in error && 'body' in error;
const refused = (__type: string, message: string, more: object = {}): Refusal =>
  Object.assign(new Error(message), { statusCode: 400, body: { __type, message, ...more } });
const invalid = (message: string) => refused('com.amazon.coral.validate#ValidationException', message);
const cancelled = (reasons: readonly Reason[]) =>
  refused(
    `${SERVICE}#TransactionCanceledException`,
    `Transaction cancelled, please refer cancellation reasons for specific reasons [${reasons.map(({ Code }) => Code).join(', ')}]`,
    { CancellationReasons: reasons },
  );
