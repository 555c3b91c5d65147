/**
 * Where moto's Step Functions interpreter calls Lambda: answers Invoke with the real handlers, and gives every other
 * request on to moto as it was signed. moto would run a function in Docker.
 */
import { once } from 'node:events';
import { createServer, type IncomingMessage, request as requestTo, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

type Invoke = (functionName: string, event: unknown) => Promise<unknown>;
/** What moto lacks: JSON for a request, by `Service.Operation` of its target or by its method and path; else undefined. */
type Answer = (operation: string, body: string) => Promise<object | undefined>;

export interface LambdaEndpoint {
  readonly port: number;
  /** Set once the stack is there. */
  connect(moto: string, invoke: Invoke, answer?: Answer): void;
  close(): Promise<void>;
}

const INVOKE = /^\/2015-03-31\/functions\/([^/]+)\/invocations/;

export async function lambdaEndpoint(): Promise<LambdaEndpoint> {
  let target: { moto: string; invoke: Invoke; answer?: Answer | undefined } | undefined;
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
      const { 'x-amz-target': operation = `${request.method} ${request.url}` } = request.headers;
      const answer = await target.answer?.(String(operation), body.toString());
      if (answer) response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
      else await giveOn(target.moto, request, body, response);
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
    connect(moto, invoke, answer) {
      target = { moto, invoke, answer };
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** With the host that was signed. */
async function giveOn(
  moto: string,
  { method, url, headers }: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
): Promise<void> {
  const given = requestTo(`${moto}${url}`, { ...(method ? { method } : {}), headers });
  given.end(body);
  const [answer] = (await once(given, 'response')) as [IncomingMessage];
  response.writeHead(answer.statusCode ?? 502, answer.headers);
  answer.pipe(response);
}
