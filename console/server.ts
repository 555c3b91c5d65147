/**
 * The page's server: loopback only, a token in the printed address, a strict content security policy. It can click
 * Approve and Undo, so a page of somebody else must not be able to.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { StepRecord } from '../core/hold.ts';
import type { Incident, TimelineEvent } from '../core/incident.ts';
import { type ChannelMessage, CSRF_FIELD, homePage, incidentPage, STYLE } from './page.ts';

export interface ConsoleData {
  incidents(): Promise<readonly Incident[]>;
  incident(id: string): Promise<
    | {
        incident: Incident;
        timeline: readonly TimelineEvent[];
        steps: readonly StepRecord[];
        finding: unknown;
      }
    | undefined
  >;
  messages(): readonly ChannelMessage[];
  click(click: { ts: string; actionId: string; value: string }): Promise<void>;
}

const LONGEST_BODY = 10_000;

export async function startConsole(
  data: ConsoleData,
  port = 0,
): Promise<{ url: string; close(): Promise<void> }> {
  const token = randomBytes(24).toString('hex');
  const csrf = randomBytes(24).toString('hex');
  let host = '';

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const send = (status: number, type: string, body: string, more: Record<string, string> = {}) => {
      response.writeHead(status, {
        'content-type': `${type}; charset=utf-8`,
        'content-security-policy':
          "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cache-control': 'no-store',
        ...more,
      });
      response.end(body);
    };
    // A name that resolves to loopback (DNS rebinding) comes with another Host.
    if (request.headers.host !== host) return send(421, 'text/plain', 'wrong host');
    const url = new URL(request.url ?? '/', `http://${host}`);
    if (same(url.searchParams.get('token') ?? '', token)) {
      return send(303, 'text/plain', '', {
        location: '/',
        'set-cookie': `firebreak=${token}; HttpOnly; SameSite=Strict; Path=/`,
      });
    }
    const cookie = /(?:^|;\s*)firebreak=([0-9a-f]+)/.exec(request.headers.cookie ?? '')?.[1] ?? '';
    if (!same(cookie, token))
      return send(401, 'text/plain', 'open the address that was printed at the start');
    if (url.pathname === '/style.css') return send(200, 'text/css', STYLE);
    if (request.method === 'POST' && url.pathname === '/click') {
      const form = new URLSearchParams(await bodyOf(request));
      if (!same(form.get(CSRF_FIELD) ?? '', csrf)) return send(403, 'text/plain', 'not from this page');
      await data.click({
        ts: form.get('ts') ?? '',
        actionId: form.get('action') ?? '',
        value: form.get('value') ?? '',
      });
      return send(303, 'text/plain', '', { location: '/' });
    }
    if (request.method !== 'GET') return send(405, 'text/plain', 'not allowed');
    if (url.pathname === '/') {
      return send(
        200,
        'text/html',
        homePage({ incidents: await data.incidents(), messages: data.messages(), csrf }),
      );
    }
    const id = /^\/incident\/(fb-[0-9a-f]{12})$/.exec(url.pathname)?.[1];
    const found = id === undefined ? undefined : await data.incident(id);
    return found
      ? send(200, 'text/html', incidentPage(found))
      : send(404, 'text/plain', 'there is no such page');
  }

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      response
        .writeHead(500, { 'content-type': 'text/plain' })
        .end(error instanceof Error ? error.message : 'error');
    });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}/?token=${token}`,
    async close() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

const same = (given: string, wanted: string): boolean =>
  given.length === wanted.length && timingSafeEqual(Buffer.from(given), Buffer.from(wanted));

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const part of request) {
    text += String(part);
    if (text.length > LONGEST_BODY) throw new Error('the form is too long');
  }
  return text;
}
