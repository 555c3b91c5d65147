/** A visitor of the console as a browser is one: the name resolved to loopback, the cookie kept. */
import { request } from 'node:http';
import type { Page } from 'playwright-core';

export interface Ask {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | URLSearchParams;
}

/** Fetches an address of the console. Node does not resolve `*.localhost` everywhere; browsers do. `path` goes as it is. */
export function visit(
  url: string,
  path: string,
  { method = 'GET', headers = {}, body }: Ask = {},
): Promise<Response> {
  const { host, port } = new URL(url);
  const form = body instanceof URLSearchParams ? { 'content-type': 'application/x-www-form-urlencoded' } : {};
  return new Promise((resolve, reject) => {
    const asked = request(
      { host: '127.0.0.1', port, path, method, headers: { host, ...form, ...headers } },
      (answer) => {
        const stream = new ReadableStream<Uint8Array>({
          start(controller) {
            answer.on('data', (part: Buffer) => controller.enqueue(new Uint8Array(part)));
            answer.on('end', () => controller.close());
            answer.on('error', () => undefined); // the server closed it at the end of the test
          },
          cancel() {
            answer.destroy();
          },
        });
        const given = Object.entries(answer.headers).map(([name, value]): [string, string] => [
          name,
          String(value),
        ]);
        resolve(new Response(stream, { status: answer.statusCode ?? 500, headers: given }));
      },
    );
    asked.on('error', reject);
    asked.end(body?.toString());
  });
}

/** Opens the printed address, which works once, and gives the cookie. */
export async function openConsole(url: string): Promise<string> {
  const { pathname, search } = new URL(url);
  const answer = await visit(url, pathname + search);
  return (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
}

/** Gives a browser's page the cookie that `openConsole` gave: the printed address opens one profile only. */
export async function admit(page: Page, url: string, cookie: string): Promise<void> {
  const [name = '', value = ''] = cookie.split('=');
  await page.context().addCookies([{ name, value, url: new URL(url).origin }]);
}
