/**
 * DynamoDB in this process, as far as Firebreak uses it: what a request asks is done at once, so a transaction is seen
 * whole or not at all. sandbox/database.test.ts holds it to dynalite.
 */
import type {
  AttributeValue,
  BatchWriteItemCommandInput,
  CancellationReason,
  CreateTableCommandInput,
  DeleteItemCommandInput,
  GetItemCommandInput,
  PutItemCommandInput,
  QueryCommandInput,
  ScanCommandInput,
  TransactGetItemsCommandInput,
  TransactWriteItem,
  TransactWriteItemsCommandInput,
  UpdateItemCommandInput,
} from '@aws-sdk/client-dynamodb';
import { changed, checkChanges, checkOperands, givenValues, holds } from './evaluate.ts';
import { type Condition, Expressions, KINDS, type Kind, type Parameters } from './expression.ts';
import { type Found, keyCondition, pageOf } from './query.ts';
import {
  cancelled,
  invalid,
  lostCondition,
  noSuchTable,
  otherToken,
  tableExists,
  unknownOperation,
} from './refusal.ts';
import { Table } from './table.ts';
import { type Attributes, storedItem, storedValue } from './values.ts';

export interface DynamoDb {
  /** Answers one request. Throws what DynamoDB's client throws. */
  answer(operation: string, input: unknown): object;
  /** Every item of a table, and restores them into another. */
  items(table: string): readonly Attributes[];
  restore(table: string, items: readonly Attributes[]): void;
}

/** A write, checked, that has not been made. */
interface Write {
  readonly table: Table;
  readonly key: Attributes;
  readonly existing: Attributes | undefined;
  /** Whether its condition holds. */
  readonly met: boolean;
  /** The caller wants the item that kept the condition from holding. */
  readonly wanted: boolean;
  /** Returns the item as it will be; undefined for one that is deleted. Throws where the table does not take it. */
  readonly next: () => Attributes | undefined;
}

type Conditional = Parameters & {
  readonly ConditionExpression?: string | undefined;
  readonly ReturnValuesOnConditionCheckFailure?: string | undefined;
};

export function openDynamoDb(): DynamoDb {
  const tables = new Map<string, Table>();
  /** Tokens of transactions that were written: the SDK sends the same one when it tries again. */
  const written = new Map<string, string>();

  function tableOf({ TableName = '' }: { readonly TableName?: string | undefined }): Table {
    const table = tables.get(TableName);
    if (!table) throw noSuchTable();
    return table;
  }

  function createTable(input: CreateTableCommandInput): object {
    const { TableName = '', AttributeDefinitions, KeySchema, GlobalSecondaryIndexes } = input;
    if (tables.has(TableName)) throw tableExists(TableName);
    tables.set(TableName, new Table({ AttributeDefinitions, KeySchema, GlobalSecondaryIndexes }));
    return { TableDescription: { TableName, TableStatus: 'CREATING' } };
  }

  function getItem(input: GetItemCommandInput): object {
    const expressions = expressionsOf(input);
    const paths = input.ProjectionExpression ? expressions.paths(input.ProjectionExpression) : undefined;
    expressions.finish();
    const Item = existingAt(tableOf(input), storedItem(input.Key ?? {}));
    return Item
      ? {
          Item: paths
            ? only(
                Item,
                paths.map((path) => expressions.name(path)),
              )
            : Item,
        }
      : {};
  }

  function putOf(input: PutItemCommandInput): Write {
    const condition = conditionOf(input, input.Item ?? {});
    const { given: item } = condition;
    const table = tableOf(input);
    table.checkItem(item);
    const key = only(item, [table.base.hash, table.base.range]);
    return writeOf(table, key, input, condition, () => item);
  }
  function deleteOf(input: DeleteItemCommandInput): Write {
    const condition = conditionOf(input, input.Key ?? {});
    return writeOf(tableOf(input), condition.given, input, condition, () => undefined);
  }
  function updateOf(input: UpdateItemCommandInput): Write {
    const expressions = expressionsOf(input);
    const { UpdateExpression } = input;
    const changes = UpdateExpression === undefined ? [] : expressions.changes(UpdateExpression);
    checkChanges(changes, expressions);
    const condition = conditionIn(expressions, 'ConditionExpression', input.ConditionExpression);
    expressions.finish();
    const table = tableOf(input);
    for (const { path } of changes) {
      const name = expressions.name(path);
      if (name === table.base.hash || name === table.base.range)
        throw invalid(
          `One or more parameter values were invalid: Cannot update attribute ${name}. This attribute is part of the key`,
        );
    }
    table.checkIndexKeys(givenValues(changes, expressions));
    const key = storedItem(input.Key ?? {});
    const existing = existingAt(table, key);
    return writeOf(table, key, input, { condition, expressions }, () => {
      const next = changed(changes, existing ?? key, expressions);
      table.checkUpdated(next);
      return next;
    });
  }

  function transactGet({ TransactItems = [] }: TransactGetItemsCommandInput): object {
    return { Responses: TransactItems.map(({ Get }) => getItem(Get as GetItemCommandInput)) };
  }

  function transactWrite({
    TransactItems = [],
    ClientRequestToken: token,
  }: TransactWriteItemsCommandInput): object {
    if (TransactItems.length === 0 || TransactItems.length > 100)
      throw invalid('TransactItems takes 1 to 100 items');
    const text = JSON.stringify(TransactItems);
    const before = token === undefined ? undefined : written.get(token);
    if (before !== undefined && before !== text) throw otherToken();
    if (before !== undefined) return {};
    const parts = TransactItems.map((item) => ({ ...partOf(item), writes: !item.ConditionCheck }));
    const places = parts.map(({ table, key }) =>
      table.place(table.base, key).concat(key[table.base.hash] ?? []),
    );
    if (new Set(places.map((place) => JSON.stringify(place))).size < parts.length)
      throw invalid('Transaction request cannot include multiple operations on one item');
    const none: CancellationReason = { Code: 'None' };
    if (parts.some(({ met }) => !met))
      throw cancelled(parts.map((part) => (part.met ? none : lostReason(part))));
    const next = parts.map((part, at) => {
      try {
        return part.next();
      } catch (error) {
        const Message = error instanceof Error ? error.message : String(error);
        throw cancelled(
          parts.map((_, other) => (other === at ? { Code: 'ValidationError', Message } : none)),
        );
      }
    });
    for (const [at, part] of parts.entries()) if (part.writes) apply(part, next[at]);
    if (token !== undefined) written.set(token, text);
    return {};
  }
  function partOf({ Put, Update, Delete, ConditionCheck }: TransactWriteItem): Write {
    if (Put) return putOf(Put);
    if (Update) return updateOf(Update);
    if (Delete) return deleteOf(Delete);
    if (!ConditionCheck) throw invalid('TransactItems can only contain one of Check, Put, Update or Delete');
    return deleteOf(ConditionCheck);
  }

  function batchWrite({ RequestItems = {} }: BatchWriteItemCommandInput): object {
    for (const [TableName, requests] of Object.entries(RequestItems))
      for (const { PutRequest, DeleteRequest } of requests) {
        const write = PutRequest
          ? putOf({ TableName, Item: PutRequest.Item })
          : deleteOf({ TableName, Key: DeleteRequest?.Key });
        apply(write, write.next());
      }
    return { UnprocessedItems: {} };
  }

  function query(input: QueryCommandInput): object {
    const expressions = expressionsOf(input);
    if (input.KeyConditionExpression === undefined)
      throw invalid(
        'Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.',
      );
    const key = conditionIn(expressions, 'KeyConditionExpression', input.KeyConditionExpression);
    const filter = conditionIn(expressions, 'FilterExpression', input.FilterExpression);
    expressions.finish();
    const table = tableOf(input);
    const at = keyedBy(table, input);
    const found: Found = { table, at, expressions, filter };
    return pageOf(input, found, keyCondition(found, key as Condition));
  }
  function scan(input: ScanCommandInput): object {
    const expressions = expressionsOf(input);
    const filter = conditionIn(expressions, 'FilterExpression', input.FilterExpression);
    expressions.finish();
    const table = tableOf(input);
    return pageOf(input, { table, at: keyedBy(table, input), expressions, filter }, undefined);
  }

  const operations: Readonly<Record<string, (input: never) => object>> = {
    CreateTable: createTable,
    DescribeTable: (input: { TableName: string }) => {
      tableOf(input);
      return { Table: { TableName: input.TableName, TableStatus: 'ACTIVE' } };
    },
    GetItem: getItem,
    PutItem: (input: PutItemCommandInput) => single(putOf(input), input.ReturnValues),
    DeleteItem: (input: DeleteItemCommandInput) => single(deleteOf(input), input.ReturnValues),
    UpdateItem: (input: UpdateItemCommandInput) => single(updateOf(input), input.ReturnValues),
    BatchWriteItem: batchWrite,
    TransactGetItems: transactGet,
    TransactWriteItems: transactWrite,
    Query: query,
    Scan: scan,
  };

  return {
    answer(operation, input) {
      const run = Object.hasOwn(operations, operation) ? operations[operation] : undefined;
      if (!run) throw unknownOperation(operation);
      return run(input as never);
    },
    items: (TableName) => [...tableOf({ TableName }).items()],
    restore(TableName, items) {
      const table = tableOf({ TableName });
      for (const item of items) table.put(storedItem(item));
    },
  };
}

/** The table, or the index that is read. */
function keyedBy(
  table: Table,
  { IndexName, ConsistentRead }: Pick<QueryCommandInput, 'IndexName' | 'ConsistentRead'>,
) {
  if (IndexName === undefined) return table.base;
  const index = table.indexes.find(({ name }) => name === IndexName);
  if (!index) throw invalid(`The table does not have the specified index: ${IndexName}`);
  if (ConsistentRead) throw invalid('Consistent reads are not supported on global secondary indexes');
  return index;
}

function existingAt(table: Table, key: Attributes): Attributes | undefined {
  table.checkKey(key);
  return table.get(key);
}

/** Throws where there is no expression to use what is given. */
function checkUse(input: Parameters & Partial<Record<Kind, string | undefined>>): void {
  if (KINDS.some((kind) => input[kind] !== undefined)) return;
  for (const given of ['ExpressionAttributeNames', 'ExpressionAttributeValues'] as const)
    if (input[given]) throw invalid(`${given} can only be specified when using expressions`);
}

/** Throws where a value is none that DynamoDB takes. */
function expressionsOf(input: Parameters & Partial<Record<Kind, string | undefined>>): Expressions {
  checkUse(input);
  const { ExpressionAttributeNames, ExpressionAttributeValues } = input;
  const values: Record<string, AttributeValue> = {};
  for (const [name, value] of Object.entries(ExpressionAttributeValues ?? {})) {
    try {
      values[name] = storedValue(value);
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      throw invalid(`ExpressionAttributeValues contains invalid value: ${problem} for key ${name}`);
    }
  }
  return new Expressions({
    ExpressionAttributeNames,
    ExpressionAttributeValues: ExpressionAttributeValues && values,
  });
}

function conditionIn(expressions: Expressions, kind: Kind, text: string | undefined): Condition | undefined {
  if (text === undefined) return undefined;
  const condition = expressions.condition(kind, text);
  checkOperands(kind, condition, expressions);
  return condition;
}

interface Checked {
  readonly condition: Condition | undefined;
  readonly expressions: Expressions;
}
/** `given`: the request's item or key, as it is stored. */
function conditionOf(input: Conditional, item: Attributes): Checked & { readonly given: Attributes } {
  checkUse(input);
  const given = storedItem(item);
  const expressions = expressionsOf(input);
  const condition = conditionIn(expressions, 'ConditionExpression', input.ConditionExpression);
  expressions.finish();
  return { condition, expressions, given };
}

function writeOf(
  table: Table,
  key: Attributes,
  { ReturnValuesOnConditionCheckFailure: wanted }: Conditional,
  { condition, expressions }: Checked,
  next: () => Attributes | undefined,
): Write {
  const existing = existingAt(table, key);
  const met = !condition || holds(condition, existing, expressions);
  return { table, key, existing, met, wanted: wanted === 'ALL_OLD', next };
}

function apply({ table, key }: Write, next: Attributes | undefined): void {
  if (next) table.put(next);
  else table.delete(key);
}

/** Makes one write that stands alone. */
function single(write: Write, ReturnValues: string | undefined): object {
  const { existing } = write;
  if (!write.met) throw lostCondition(write.wanted ? existing : undefined);
  const next = write.next();
  apply(write, next);
  if (ReturnValues === 'ALL_NEW' && next) return { Attributes: next };
  if (ReturnValues === 'ALL_OLD' && existing) return { Attributes: existing };
  if (ReturnValues?.startsWith('UPDATED')) throw new Error(`the sandbox does not return ${ReturnValues}`);
  return {};
}

const lostReason = ({ wanted, existing }: Write): CancellationReason => ({
  Code: 'ConditionalCheckFailed',
  Message: 'The conditional request failed',
  ...(wanted && existing ? { Item: { ...existing } } : {}),
});

function only(item: Attributes, names: readonly string[]): Attributes {
  const found: Record<string, AttributeValue> = Object.create(null);
  for (const name of names) {
    const value = item[name];
    if (value) found[name] = value;
  }
  return found;
}
