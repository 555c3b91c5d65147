/**
 * The page's server: loopback only, a token in the printed address, a strict content security policy. It can click
 * Approve and Undo, so a page of somebody else must not be able to.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { IncidentContext } from '../core/context.ts';
import type { StepRecord } from '../core/hold.ts';
import type { Incident, TimelineEvent } from '../core/incident.ts';
import type { UndoSafety } from '../core/playbook.ts';
import { CSRF_FIELD, homePage, incidentPage, slackPage, undoPage } from './page.ts';
import { act, isSlackPath, type Shown } from './slack/actions.ts';
import type { SlackDesk } from './slack/desk.ts';
import { SLACK_SCRIPT, SLACK_STYLE } from './slack/style.ts';
import { SCRIPT, STYLE } from './style.ts';

export interface ConsoleData {
  incidents(): Promise<readonly Incident[]>;
  incident(id: string): Promise<
    | {
        incident: Incident;
        timeline: readonly TimelineEvent[];
        steps: readonly StepRecord[];
        finding: unknown;
        context?: IncidentContext | undefined;
      }
    | undefined
  >;
  /** Channel, modals and people. */
  readonly slack: SlackDesk;
  undoSafety(id: string): Promise<UndoSafety>;
  undo(id: string, by: string): void;
  /** Calls when an incident or a message changed. */
  onChange(listener: () => void): void;
}

const LONGEST_BODY = 10_000;
const INCIDENT_PATH = /^\/incident\/(fb-[0-9a-f]{12})(\/undo)?$/;

type Send = (status: number, type: string, body: string, more?: Record<string, string>) => void;

export async function startConsole(
  data: ConsoleData,
  port = 0,
): Promise<{ url: string; close(): Promise<void> }> {
  const token = randomBytes(24).toString('hex');
  const csrf = randomBytes(24).toString('hex');
  let host = '';
  const watching = new Set<ServerResponse>();
  /** What the last press of somebody left to show, beside what Slack holds. */
  let shown: { readonly to: string; readonly what: Shown } = { to: '', what: {} };
  let told: NodeJS.Timeout | undefined;
  // A workflow takes many steps a second here; a page that fetches itself for each would never be still.
  data.onChange(() => {
    told ??= setTimeout(() => {
      told = undefined;
      for (const one of watching) one.write('event: change\ndata: {}\n\n');
    }, 150);
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const send: Send = (status, type, body, more = {}) => {
      response.writeHead(status, {
        'content-type': `${type}; charset=utf-8`,
        'content-security-policy':
          "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
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
    if (url.pathname === '/live.js') return send(200, 'text/javascript', SCRIPT);
    if (url.pathname === '/slack.css') return send(200, 'text/css', SLACK_STYLE);
    if (url.pathname === '/slack.js') return send(200, 'text/javascript', SLACK_SCRIPT);
    if (url.pathname === '/events' && request.method === 'GET') return watch(request, response);
    if (request.method === 'POST')
      return post(url.pathname, new URLSearchParams(await bodyOf(request)), send);
    if (request.method !== 'GET') return send(405, 'text/plain', 'not allowed');
    if (url.pathname === '/' || url.pathname === '/slack') {
      const as = personOf(url.searchParams.get('as'));
      const state = { ...(shown.to === as ? shown.what : {}), as, back: url.pathname, csrf };
      const { slack } = data;
      if (url.pathname === '/slack') return send(200, 'text/html', slackPage(slack, state));
      return send(200, 'text/html', homePage({ incidents: await data.incidents(), slack, ...state }));
    }
    const [, id, undo] = INCIDENT_PATH.exec(url.pathname) ?? [];
    const found = id === undefined ? undefined : await data.incident(id);
    if (!found || id === undefined) return send(404, 'text/plain', 'there is no such page');
    if (undo === undefined) return send(200, 'text/html', incidentPage(found));
    const safety = await data.undoSafety(id);
    send(200, 'text/html', undoPage({ ...found, safety, people: data.slack.users, csrf }));
  }

  /** Whoever is asked for, or the first. */
  const personOf = (id: string | null): string =>
    (data.slack.users.find((user) => user.id === id) ?? data.slack.users[0])?.id ?? '';

  async function post(path: string, form: URLSearchParams, send: Send): Promise<void> {
    if (!same(form.get(CSRF_FIELD) ?? '', csrf)) return send(403, 'text/plain', 'not from this page');
    const person = data.slack.users.find(({ id }) => id === form.get('as'));
    if (!person) return send(400, 'text/plain', 'choose who acts');
    if (isSlackPath(path)) {
      const what = await act(data.slack, path, form, person.id);
      if (!what) return send(400, 'text/plain', 'no button was pressed');
      shown = { to: person.id, what };
      const back = form.get('back') === '/slack' ? '/slack' : '/';
      return send(303, 'text/plain', '', { location: `${back}?as=${person.id}` });
    }
    const [, id, undo] = INCIDENT_PATH.exec(path) ?? [];
    if (id === undefined || undo === undefined || !(await data.incident(id)))
      return send(404, 'text/plain', 'there is no such page');
    data.undo(id, person.id);
    send(303, 'text/plain', '', { location: `/incident/${id}` });
  }

  /** Server-sent events: one line for every change, and a comment now and then so that a dead connection is noticed. */
  function watch(request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(': live\n\n');
    watching.add(response);
    const beat = setInterval(() => response.write(': beat\n\n'), 20_000);
    request.on('close', () => {
      clearInterval(beat);
      watching.delete(response);
    });
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
      clearTimeout(told);
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
