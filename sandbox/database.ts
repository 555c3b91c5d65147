/** DynamoDB for one machine, in memory or in a folder, with the table as deploy/resources.yml makes it. */

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
import { type HttpRequest, HttpResponse } from '@smithy/core/transport';
import dynalite from 'dynalite';
import type { Scope } from '../core/aws/arn.ts';
import { openTable, type Table } from '../core/table/table.ts';
import { TABLE_DEFINITION } from '../core/table/table-definition.ts';
import { type DynamoDb, openDynamoDb } from './dynamodb.ts';

export interface Database {
  readonly table: Table;
  readonly client: DynamoDBClient;
  close(): Promise<void>;
}

/** Opens the table in this process: no socket, and every request is answered as dynalite's server would. */
export async function openDatabase(scope: Scope, name: string, folder?: string): Promise<Database> {
  const dynamoDb = openDynamoDb(folder);
  return databaseOf(
    name,
    {
      region: scope.region,
      requestHandler: { handle: (request: HttpRequest) => answered(dynamoDb, request) },
      // Nobody here checks a signature, and to make one takes longer than to answer.
      signer: { sign: async (request) => request },
    },
    () => dynamoDb.close(),
  );
}

/** The same over HTTP on loopback, for what talks to DynamoDB from another process or by its address. */
export async function serveDatabase(scope: Scope, name: string): Promise<Database> {
  const server: Server = dynalite({ createTableMs: 0 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return databaseOf(name, { region: scope.region, endpoint: `http://127.0.0.1:${port}` }, async () => {
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });
}

async function databaseOf(
  name: string,
  config: DynamoDBClientConfig,
  close: () => Promise<void>,
): Promise<Database> {
  const client = new DynamoDBClient({
    credentials: { accessKeyId: 'SANDBOX', secretAccessKey: 'SANDBOX' },
    maxAttempts: 3,
    ...config,
  });
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

async function answered(dynamoDb: DynamoDb, request: HttpRequest): Promise<{ response: HttpResponse }> {
  const operation = (request.headers['x-amz-target'] ?? '').replace(/^.*\./, '');
  const { status, body } = await dynamoDb.answer(
    operation,
    // Not Buffer.from: it asks for the string form of the body, about which the SDK prints a warning.
    JSON.parse(new TextDecoder().decode(request.body)) as object,
  );
  const headers = { 'content-type': 'application/x-amz-json-1.0' };
  return {
    response: new HttpResponse({ statusCode: status, headers, body: Buffer.from(JSON.stringify(body)) }),
  };
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
