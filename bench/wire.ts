/** AWS on loopback: DynamoDB in this process, everything else of moto, each call late by what AWS would take to answer. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import { openDynamoDb } from '../sandbox/dynamodb/dynamodb.ts';
import { answerText } from '../sandbox/dynamodb/text.ts';

export interface Wire {
  readonly url: string;
  /** Operations in the order they arrived: `dynamodb:PutItem`. */
  readonly calls: string[];
  /** What GuardDuty holds: moto keeps no finding of ours. */
  hold(finding: JsonObject): void;
  /** Called with each operation when it arrives. */
  onCall(listener: (operation: string) => void): void;
  /** Called for an asynchronous invocation: `functionName` with its alias, where it has one. */
  onInvoke(listener: (functionName: string, event: Json) => void): void;
  close(): Promise<void>;
}

interface Request {
  readonly operation: string;
  readonly path: string;
  readonly body: Buffer;
  readonly headers: IncomingMessage['headers'];
  readonly method: string;
}

/** `latencyMs`: how late each answer is. */
export async function openWire(moto: string, latencyMs: number): Promise<Wire> {
  const dynamoDb = openDynamoDb();
  const calls: string[] = [];
  const held: JsonObject[] = [];
  let listener: (operation: string) => void = () => undefined;
  let invoked: (functionName: string, event: Json) => void = () => undefined;

  async function answer(request: Request, response: ServerResponse): Promise<void> {
    const { operation, path, body, headers, method } = request;
    const json = (status: number, text: string) =>
      response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end(text);
    if (operation.startsWith('dynamodb:')) {
      const { status, text } = answerText(dynamoDb, operation.slice('dynamodb:'.length), body.toString());
      json(status, text);
    } else if (operation === 'guardduty:GetFindings') json(200, JSON.stringify({ findings: held }));
    else if (operation === 'lambda:Invoke') {
      const { pathname, searchParams } = new URL(path, 'http://lambda');
      const name = decodeURIComponent(pathname.split('/')[3] ?? '');
      const alias = searchParams.get('Qualifier');
      invoked(alias === null ? name : `${name}:${alias}`, JSON.parse(body.toString() || 'null') as Json);
      response.writeHead(202).end();
    } else {
      const given = Object.entries(headers).filter(
        ([key]) => !/^(host|connection|content-length)$/.test(key),
      );
      const answered = await fetch(`${moto}${path}`, {
        method,
        headers: given.map(([key, value]): [string, string] => [key, String(value)]),
        ...(body.length > 0 ? { body: new Uint8Array(body) } : {}),
      });
      response.writeHead(answered.status, Object.fromEntries(answered.headers)).end(await answered.text());
    }
  }

  const server = createServer((incoming, response) => {
    void (async () => {
      const request = await requestOf(incoming);
      calls.push(request.operation);
      listener(request.operation);
      await sleep(latencyMs);
      await answer(request, response);
    })().catch((error: unknown) => response.writeHead(502).end(String(error)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    hold: (finding) => held.push(finding),
    onCall: (next) => {
      listener = next;
    },
    onInvoke: (next) => {
      invoked = next;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function requestOf(incoming: IncomingMessage): Promise<Request> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  const body = Buffer.concat(parts);
  const { url: path = '/', method = 'GET', headers } = incoming;
  return { operation: operationOf(headers, method, path, body), path, body, headers, method };
}

/** Service and operation of a request of any of AWS's protocols. */
function operationOf(
  headers: IncomingMessage['headers'],
  method: string,
  path: string,
  body: Buffer,
): string {
  const [, service = 'unknown'] =
    /Credential=[^/]+\/\d+\/[^/]+\/([^/]+)\//.exec(headers.authorization ?? '') ?? [];
  const target = headers['x-amz-target'];
  if (typeof target === 'string') return `${service}:${target.replace(/^.*\./, '')}`;
  if (/^\/detector\/[^/]+\/findings\/get$/.test(path)) return 'guardduty:GetFindings';
  if (/^\/2015-03-31\/functions\/[^/]+\/invocations/.test(path)) return 'lambda:Invoke';
  const action = new URLSearchParams(body.toString()).get('Action');
  return `${service}:${action ?? `${method} ${path}`}`;
}

/** A finding as GuardDuty's API spells it: the detail of the event. */
export function detailOf(event: JsonObject): JsonObject {
  const { detail } = event;
  if (isJsonObject(detail)) return detail;
  throw new Error('the event has no detail');
}
