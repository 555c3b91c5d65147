/**
 * The console's server: loopback only, a token in the printed address, a strict content security policy. It can undo, so
 * a page of somebody else must not be able to.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describeError, FirebreakError } from '../core/errors.ts';
import { type Answer, bodyOf, cookieOf, plain, redirect, same, send } from './http.ts';
import { liveUpdates } from './live.ts';
import type { Machines } from './pages/incident.ts';
import { broken, type ExtraPage, type Files, getPage, postForm, type Site } from './routes.ts';
import type { ReviewSource } from './source.ts';
import { aslSchema } from './state-machine.ts';

export interface ConsoleOptions {
  /** Any free one without it. */
  readonly port?: number;
  readonly extras?: readonly ExtraPage[];
  readonly now?: () => Date;
}

const ASSETS: Readonly<Record<string, string>> = {
  'style.css': 'text/css',
  'app.js': 'text/javascript',
  'policy.js': 'text/javascript',
  'icon.svg': 'image/svg+xml',
};

/** Starts the server on loopback. Everything it serves needs the token of the printed address, kept in a cookie. */
export async function startConsole(
  source: ReviewSource,
  { port = 0, extras = [], now = () => new Date() }: ConsoleOptions = {},
): Promise<{ url: string; close(): Promise<void> }> {
  const [files, machines] = await Promise.all([readAssets(), readMachines()]);
  const csrf = randomBytes(24).toString('hex');
  const site: Site = { source, extras, files, machines, csrf, now };
  const live = liveUpdates(source);
  let door: Door | undefined;
  const server = createServer((request, response) => {
    answer(site, door, request)
      .catch((error: unknown): Answer => broken(site, describeError(error)))
      .then((given) => (given === 'watch' ? live.watch(request, response) : send(response, given)));
  });
  const chosen = await listen(server, port);
  const host = `127.0.0.1:${chosen}`;
  const token = randomBytes(24).toString('hex');
  // Cookies know no port: two consoles on one machine must not take each other's.
  door = { host, token, cookieName: `firebreak-${chosen}` };
  return {
    url: `http://${host}/?token=${token}`,
    async close() {
      live.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

/** What a request must bring along; undefined until the port is known. */
interface Door {
  readonly host: string;
  readonly token: string;
  readonly cookieName: string;
}

async function answer(
  site: Site,
  door: Door | undefined,
  request: IncomingMessage,
): Promise<Answer | 'watch'> {
  // A name that resolves to loopback (DNS rebinding) comes with another Host.
  if (door === undefined || request.headers.host !== door.host) return plain(421, 'wrong host');
  const { host, token, cookieName } = door;
  const url = new URL(request.url ?? '/', `http://${host}`);
  if (same(url.searchParams.get('token') ?? '', token)) {
    const cookie = `${cookieName}=${token}; HttpOnly; SameSite=Strict; Path=/`;
    return { ...redirect('/'), headers: { location: '/', 'set-cookie': cookie } };
  }
  if (!same(cookieOf(request, cookieName), token))
    return plain(401, 'open the address that was printed at the start');
  if (request.method === 'POST') {
    const { origin } = request.headers;
    if (origin !== undefined && origin !== `http://${host}`) return plain(403, 'not from this page');
    return postForm(site, url.pathname, new URLSearchParams(await bodyOf(request)));
  }
  if (request.method !== 'GET') return plain(405, 'not allowed');
  return url.pathname === '/events' ? 'watch' : getPage(site, url);
}

async function readAssets(): Promise<Files> {
  const entries = await Promise.all(
    Object.entries(ASSETS).map(async ([name, type]) => {
      const body = await readFile(new URL(`./assets/${name}`, import.meta.url), 'utf8');
      return [`/${name}`, { type, body }] as const;
    }),
  );
  return Object.fromEntries(entries);
}

async function readMachines(): Promise<Machines> {
  const [respond, undo] = await Promise.all(
    ['respond', 'undo'].map(async (name) => {
      const path = new URL(`../statemachines/${name}.asl.json`, import.meta.url);
      return aslSchema.parse(JSON.parse(await readFile(path, 'utf8')));
    }),
  );
  if (!respond || !undo) throw new FirebreakError('NotFound', 'the state machines are missing');
  return { respond, undo };
}
