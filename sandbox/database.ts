/** DynamoDB for one machine, in memory, with the table as deploy/resources.yml makes it. */

import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  type DynamoDBClientConfig,
  ResourceInUseException,
} from '@aws-sdk/client-dynamodb';
import { ConfiguredRetryStrategy } from '@smithy/core/retry';
import { NOWHERE, type Stack, withoutNetwork } from '../core/aws/answered.ts';
import type { Scope } from '../core/aws/arn.ts';
import { openTable, type Table } from '../core/table/table.ts';
import { TABLE_DEFINITION } from '../core/table/table-definition.ts';
import { type DynamoDb, openDynamoDb } from './dynamodb/dynamodb.ts';
import type { Attributes } from './dynamodb/values.ts';

export interface Database {
  readonly table: Table;
  readonly client: DynamoDBClient;
  close(): Promise<void>;
}

/** A table in this process; its items can be kept. */
export interface OwnDatabase extends Database {
  items(): readonly Attributes[];
}

/** Opens the table in this process, with the items of an earlier one where there are any. */
export async function openDatabase(
  scope: Scope,
  name: string,
  items: readonly Attributes[] = [],
): Promise<OwnDatabase> {
  const dynamoDb = openDynamoDb();
  const retryStrategy = new ConfiguredRetryStrategy(MOST_TRIES, RETRY_MS);
  const client = clientOf({ region: scope.region, endpointProvider: () => NOWHERE, retryStrategy });
  answerFrom(dynamoDb, client);
  const database = await databaseOf(name, client, async () => {});
  dynamoDb.restore(name, items);
  return { ...database, items: () => dynamoDb.items(name) };
}

/** dynalite over HTTP on loopback, for what talks to DynamoDB from another process or by its address. */
export async function serveDatabase(scope: Scope, name: string): Promise<Database> {
  const { default: dynalite } = await import('dynalite');
  const server: Server = dynalite({ createTableMs: 0 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = clientOf({ region: scope.region, endpoint: `http://127.0.0.1:${port}` });
  return databaseOf(name, client, async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
}

const MOST_TRIES = 3;
/** There is no load that a table in this process could be given time to get rid of. */
const RETRY_MS = 1;

const clientOf = (config: DynamoDBClientConfig): DynamoDBClient =>
  new DynamoDBClient({
    credentials: { accessKeyId: 'SANDBOX', secretAccessKey: 'SANDBOX' },
    maxAttempts: MOST_TRIES,
    ...config,
  });

async function databaseOf(
  name: string,
  client: DynamoDBClient,
  close: () => Promise<void>,
): Promise<Database> {
  await makeTable(client, name);
  await untilActive(client, name);
  return {
    table: openTable(name, client),
    client,
    async close() {
      client.destroy();
      await close();
    },
  };
}

interface Asked {
  readonly input: object;
}
type Next = (args: Asked) => Promise<unknown>;

/** Requests are answered where the SDK would send them, its retries around them, as the objects they are. */
function answerFrom(dynamoDb: DynamoDb, client: DynamoDBClient): void {
  const stack = client.middlewareStack;
  withoutNetwork(stack as unknown as Stack);
  stack.add(((next: Next) => (args: Asked) => next(args)) as never, {
    ...{ step: 'serialize', name: 'serializerMiddleware', override: true },
  });
  const answer =
    (_next: Next, { commandName = '' }: { readonly commandName?: string }) =>
    async ({ input }: Asked) => ({
      output: {
        $metadata: { httpStatusCode: 200 },
        ...dynamoDb.answer(commandName.replace(/Command$/, ''), input),
      },
      response: {},
    });
  stack.add(answer as never, { step: 'deserialize', name: 'deserializerMiddleware', override: true });
}

async function makeTable(client: DynamoDBClient, name: string): Promise<void> {
  try {
    await client.send(
      new CreateTableCommand({
        TableName: name,
        BillingMode: 'PAY_PER_REQUEST',
        ...TABLE_DEFINITION,
      }),
    );
  } catch (error) {
    if (!(error instanceof ResourceInUseException)) throw error;
  }
}

/** CreateTable answers before the table is there. */
async function untilActive(client: DynamoDBClient, name: string): Promise<void> {
  const { Table } = await client.send(new DescribeTableCommand({ TableName: name }));
  if (Table?.TableStatus !== 'ACTIVE') await untilActive(client, name);
}
