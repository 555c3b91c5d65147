/**
 * Where moto's Step Functions interpreter calls Lambda: answers Invoke with the real handlers, and gives every other
 * request on to moto. moto would run a function in Docker.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Invoke = (functionName: string, event: unknown) => Promise<unknown>;

export interface LambdaEndpoint {
  readonly port: number;
  /** Set once the stack is there. */
  connect(moto: string, invoke: Invoke): void;
  close(): Promise<void>;
}

const INVOKE = /^\/2015-03-31\/functions\/([^/]+)\/invocations/;

export async function lambdaEndpoint(): Promise<LambdaEndpoint> {
  let target: { moto: string; invoke: Invoke } | undefined;
  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => response.writeHead(502).end(String(error)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!target) throw new Error('nothing is deployed yet');
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const body = Buffer.concat(parts);
    const name = INVOKE.exec(request.url ?? '')?.[1];
    if (name === undefined) {
      const headers = Object.entries(request.headers).filter(
        ([key]) => !/^(host|connection|content-length)$/.test(key),
      );
      const answer = await fetch(`${target.moto}${request.url}`, {
        method: request.method ?? 'GET',
        headers: headers.map(([key, value]): [string, string] => [key, String(value)]),
        ...(body.length > 0 ? { body } : {}),
      });
      response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text());
      return;
    }
    const qualifier = new URL(request.url ?? '', 'http://lambda').searchParams.get('Qualifier');
    const functionName = `${decodeURIComponent(name).replace(/^.*:function:/, '')}${qualifier ? `:${qualifier}` : ''}`;
    if (request.headers['x-amz-invocation-type'] === 'Event') {
      response.writeHead(202).end();
      // Lambda would try again; the handler has logged what it could not do.
      target.invoke(functionName, JSON.parse(body.toString() || 'null')).catch(() => undefined);
      return;
    }
    try {
      const result = await target.invoke(functionName, JSON.parse(body.toString() || 'null'));
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(result ?? null));
    } catch (error) {
      // As Lambda answers for a handler that threw: 200, a header, and the error in the payload.
      const { name: errorType, message: errorMessage } =
        error instanceof Error ? error : new Error(String(error));
      response
        .writeHead(200, { 'content-type': 'application/json', 'x-amz-function-error': 'Unhandled' })
        .end(JSON.stringify({ errorType, errorMessage }));
    }
  }

  return {
    port: (server.address() as AddressInfo).port,
    connect(moto, invoke) {
      target = { moto, invoke };
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
