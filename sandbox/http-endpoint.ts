/**
 * API Gateway's HTTP API for one machine: a real HTTP server that hands each request to the Lambda handler as an event
 * of payload format 2.0: names of headers in lower case, a form's body in base64 [M].
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface HttpEndpoint {
  readonly url: string;
  close(): Promise<void>;
}
type HttpHandler = (event: unknown) => Promise<{
  readonly statusCode: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}>;

/** An HTTP API takes up to 10 MB. */
const LONGEST_BODY = 10 * 1024 * 1024;

export async function startHttpEndpoint(handler: HttpHandler): Promise<HttpEndpoint> {
  const server = createServer((request, response) => {
    void (async () => {
      const parts: Buffer[] = [];
      let length = 0;
      for await (const part of request) {
        parts.push(part as Buffer);
        length += (part as Buffer).length;
        if (length > LONGEST_BODY) {
          response.writeHead(413, { connection: 'close' }).end();
          return;
        }
      }
      const { pathname, search } = new URL(request.url ?? '/', 'http://endpoint');
      const method = request.method ?? 'GET';
      const headers = Object.fromEntries(
        Object.entries(request.headers).map(([name, value]) => [name, [value ?? ''].flat().join(',')]),
      );
      const answer = await handler({
        version: '2.0',
        routeKey: `${method} ${pathname}`,
        rawPath: pathname,
        rawQueryString: search.slice(1),
        headers,
        requestContext: {
          http: { method, path: pathname, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1' },
          requestId: randomUUID(),
          stage: '$default',
        },
        body: Buffer.concat(parts).toString('base64'),
        isBase64Encoded: true,
      });
      response.writeHead(answer.statusCode, answer.headers ?? {}).end(answer.body ?? '');
    })().catch((error: unknown) => {
      // What API Gateway answers when the function throws; the reason is in the function's log, never in the answer.
      console.error(error);
      response.writeHead(500, { 'content-type': 'application/json' });
      response.end('{"message":"Internal Server Error"}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Sends a request of the Slack twin there. */
export async function postTo(
  url: string,
  { path, headers, body }: { path: string; headers: Readonly<Record<string, string>>; body: string },
): Promise<{ statusCode: number; body: string }> {
  const answer = await fetch(`${url}${path}`, { method: 'POST', headers, body });
  return { statusCode: answer.status, body: await answer.text() };
}
