/**
 * The sandbox's table in dynalite, over HTTP. dynalite has no transactions: one is made of its conditional puts, one after another,
 * and reverted where a condition does not hold. No other request is answered meanwhile, so it is seen whole or not at all.
 */
import {
  ConditionalCheckFailedException,
  DeleteItemCommand,
  DynamoDBClient,
  PutItemCommand,
  type PutItemCommandInput,
  type TransactWriteItemsCommandInput,
} from '@aws-sdk/client-dynamodb';
import type { Scope } from '../core/aws/arn.ts';
import { type OwnDatabase, serveDatabase } from '../sandbox/database.ts';
import { cancelled } from '../sandbox/dynamodb/refusal.ts';

interface Asked {
  readonly input: object;
}
type Next = (args: Asked) => Promise<unknown>;
type Put = Omit<PutItemCommandInput, 'ReturnValues'>;

/** Opens an empty table in a dynalite of its own. */
export async function openDynalite(scope: Scope, name: string): Promise<OwnDatabase> {
  const database = await serveDatabase(scope, name);
  const { credentials, endpoint, region } = database.client.config;
  const direct = new DynamoDBClient({ credentials, region, ...(endpoint ? { endpoint } : {}) });
  transact(database.client, direct);
  return {
    ...database,
    items() {
      throw new Error('the items stay in dynalite');
    },
    async close() {
      direct.destroy();
      await database.close();
    },
  };
}

/** `direct` sends the parts of a transaction. */
function transact(client: DynamoDBClient, direct: DynamoDBClient): void {
  /** Settles when no transaction is under way. */
  let last: Promise<unknown> = Promise.resolve();
  const underWay = new Set<Promise<unknown>>();
  async function together(input: TransactWriteItemsCommandInput): Promise<unknown> {
    const before = last;
    const own = before.then(async () => {
      await Promise.allSettled(underWay);
      await putEach(direct, putsOf(input));
    });
    last = own.catch(() => undefined);
    await own;
    return { output: { $metadata: { httpStatusCode: 200 } }, response: {} };
  }
  async function single(next: Next, args: Asked): Promise<unknown> {
    for (let seen: unknown; seen !== last; await seen) seen = last;
    const sent = next(args);
    underWay.add(sent);
    return sent.finally(() => underWay.delete(sent));
  }
  client.middlewareStack.add(
    ((next: Next, { commandName = '' }: { readonly commandName?: string }) =>
      (args: Asked) =>
        commandName === 'TransactWriteItemsCommand'
          ? together(args.input as TransactWriteItemsCommandInput)
          : single(next, args)) as never,
    { step: 'deserialize', priority: 'low', name: 'firebreakTransactions' },
  );
}

/** Firebreak's transactions are puts. */
const putsOf = ({ TransactItems = [] }: TransactWriteItemsCommandInput): readonly Put[] =>
  TransactItems.map(({ Put: put }) => {
    if (!put) throw new Error('a transaction holds more than puts');
    return put;
  });

/** Throws what DynamoDB throws of the whole where a condition of one does not hold. */
async function putEach(client: DynamoDBClient, puts: readonly Put[]): Promise<void> {
  const undo: (() => Promise<unknown>)[] = [];
  for (const [position, put] of puts.entries()) {
    const { TableName, Item = {} } = put;
    try {
      const { Attributes } = await client.send(new PutItemCommand({ ...put, ReturnValues: 'ALL_OLD' }));
      const { pk = { S: '' }, sk = { S: '' } } = Item;
      undo.unshift(() =>
        Attributes
          ? client.send(new PutItemCommand({ TableName, Item: Attributes }))
          : client.send(new DeleteItemCommand({ TableName, Key: { pk, sk } })),
      );
    } catch (error) {
      for (const back of undo) await back();
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      throw cancelled(
        puts.map((_, other) => ({ Code: other === position ? 'ConditionalCheckFailed' : 'None' })),
      );
    }
  }
}
