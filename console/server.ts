/**
 * The console's server: loopback only, under a random name, a token in the printed address that opens it once, a strict
 * content security policy. It can undo, so another site's page must not be able to.
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
  /** Where the printed address leads: the list of incidents without it. */
  readonly opensAt?: string;
  readonly now?: () => Date;
}

const ASSETS: Readonly<Record<string, string>> = {
  'style.css': 'text/css',
  'app.js': 'text/javascript',
  'policy.js': 'text/javascript',
  'icon.svg': 'image/svg+xml',
};

/** Starts the server on loopback. Everything it serves needs a cookie, which the printed address gives once. */
export async function startConsole(
  source: ReviewSource,
  { port = 0, extras = [], opensAt = '/', now = () => new Date() }: ConsoleOptions = {},
): Promise<{ url: string; close(): Promise<void> }> {
  const [files, machines] = await Promise.all([readAssets(), readMachines()]);
  const csrf = randomBytes(24).toString('hex');
  const site: Site = { source, extras, files, machines, csrf, now };
  const live = liveUpdates(source);
  let door: Door | undefined;
  const server = createServer((request, response) => {
    answer(site, door, request)
      // The caller is not known to be the console's user yet: what went wrong is not said.
      .catch((): Answer => plain(400, 'bad request'))
      .then((given) => (given === 'watch' ? live.watch(request, response) : send(response, given)));
  });
  const chosen = await listen(server, port);
  // Cookies know no port: under 127.0.0.1 a browser would give this one to every program that listens on loopback.
  const host = `firebreak-${randomBytes(16).toString('hex')}.localhost:${chosen}`;
  const token = randomBytes(24).toString('hex');
  door = { host, token, opensAt, cookie: randomBytes(24).toString('hex') };
  return {
    url: `http://${host}/?token=${token}`,
    async close() {
      live.close();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

const UNUSABLE: Readonly<Partial<Record<string, string>>> = {
  EADDRINUSE: 'is in use',
  EACCES: 'may not be opened by this user',
};

async function listen(server: Server, port: number): Promise<number> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
    const why = UNUSABLE[error.code ?? ''];
    if (why === undefined) throw error;
    throw new FirebreakError('InputInvalid', `port ${port} ${why}`, {
      next: 'Name another port, or none: any free one is taken then.',
    });
  });
  return (server.address() as AddressInfo).port;
}

/** What a request must bring along; undefined until the port is known. */
interface Door {
  readonly host: string;
  /** Undefined once it was used. */
  token: string | undefined;
  readonly opensAt: string;
  readonly cookie: string;
}

/**
 * `__Host-` would need `Secure`, and Safari keeps no such cookie of an http address on loopback (WebKit bug 281149).
 * The name holds it instead: without `Domain` it goes to this host alone.
 */
const COOKIE = 'firebreak';

/** Asks who it is before anything of the request is parsed: a stranger learns nothing but that. */
async function answer(
  site: Site,
  door: Door | undefined,
  request: IncomingMessage,
): Promise<Answer | 'watch'> {
  // A name that resolves to loopback (DNS rebinding) comes with another Host.
  if (door === undefined || request.headers.host !== door.host) return plain(421, 'wrong host');
  const { token, cookie } = door;
  if (token !== undefined && request.method === 'GET' && same(request.url ?? '', `/?token=${token}`)) {
    door.token = undefined;
    const kept = `${COOKIE}=${cookie}; HttpOnly; SameSite=Strict; Path=/`;
    return { ...redirect(door.opensAt), headers: { location: door.opensAt, 'set-cookie': kept } };
  }
  if (!same(cookieOf(request, COOKIE), cookie))
    return plain(401, 'open the address that was printed at the start; it opens once');
  return answerKnown(site, door.host, request).catch((error: unknown) => broken(site, describeError(error)));
}

/** Answers the person who opened the printed address. */
async function answerKnown(site: Site, host: string, request: IncomingMessage): Promise<Answer | 'watch'> {
  const base = `http://${host}`;
  const url = URL.parse(`${base}${request.url ?? '/'}`);
  if (url?.host !== host) return plain(400, 'bad request');
  // The address as it was printed, opened again: the token leaves the address bar.
  if (url.searchParams.has('token')) return redirect('/');
  if (request.method === 'POST') {
    const { origin } = request.headers;
    if (origin !== undefined && origin !== base) return plain(403, 'not from this page');
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
