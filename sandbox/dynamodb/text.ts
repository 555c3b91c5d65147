/** Items and requests as text: bytes in base64, as over the wire. */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { DynamoDBServiceException } from '@aws-sdk/client-dynamodb';
import type { DynamoDb } from './dynamodb.ts';
import type { Attributes } from './values.ts';

const textOf = (value: unknown): string =>
  JSON.stringify(value, (_key, member: unknown) =>
    member instanceof Uint8Array ? Buffer.from(member).toString('base64') : member,
  );

const valueOfText = (text: string): unknown =>
  JSON.parse(text, (key, member: unknown) =>
    // The name of an attribute can be `B` as well; its value is an object.
    key === 'B' && typeof member === 'string' ? new Uint8Array(Buffer.from(member, 'base64')) : member,
  );

/** Answers a request of DynamoDB's JSON protocol, errors among the answers. */
export function answerText(
  dynamoDb: DynamoDb,
  operation: string,
  request: string,
): { readonly status: number; readonly text: string } {
  try {
    return { status: 200, text: textOf(dynamoDb.answer(operation, valueOfText(request))) };
  } catch (error) {
    if (!(error instanceof DynamoDBServiceException)) throw error;
    const { name, message, $metadata, $fault: _, $response: __, ...more } = error;
    const __type = `com.amazonaws.dynamodb.v20120810#${name}`;
    return { status: $metadata.httpStatusCode ?? 400, text: textOf({ __type, message, ...more }) };
  }
}

/** Writes items to a file, one a line. */
export async function writeItems(file: string, items: readonly Attributes[]): Promise<void> {
  const handle = await open(file, 'w');
  try {
    for (const item of items) await handle.appendFile(`${textOf(item)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export async function readItems(file: string): Promise<readonly Attributes[]> {
  const items: Attributes[] = [];
  for await (const line of createInterface({ input: createReadStream(file) }))
    items.push(valueOfText(line) as Attributes);
  return items;
}
