/** DynamoDB for one machine: dynalite over HTTP on loopback, in memory or in a folder. */

import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  ResourceInUseException,
} from '@aws-sdk/client-dynamodb';
import dynalite from 'dynalite';
import type { Scope } from '../core/aws/arn.ts';
import { openTable, type Table } from '../core/table/table.ts';
import { TABLE_DEFINITION } from '../core/table/table-definition.ts';

export interface Database {
  readonly table: Table;
  readonly client: DynamoDBClient;
  close(): Promise<void>;
}

/** Starts the server and makes the table as deploy/resources.yml does. */
export async function openDatabase(scope: Scope, name: string, folder?: string): Promise<Database> {
  const server: Server = dynalite({ ...(folder ? { path: folder } : {}), createTableMs: 0 });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const client = new DynamoDBClient({
    region: scope.region,
    endpoint: `http://127.0.0.1:${port}`,
    credentials: { accessKeyId: 'SANDBOX', secretAccessKey: 'SANDBOX' },
    maxAttempts: 3,
  });
  await makeTable(client, name);
  await untilActive(client, name);
  return {
    table: openTable(name, client),
    client,
    async close() {
      client.destroy();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
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
