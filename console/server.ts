/**
 * The console's server: loopback only, a token in the printed address, a strict content security policy. It can undo, so
 * a page of somebody else must not be able to.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describeError, FirebreakError, isFirebreakError } from '../core/errors.ts';
import { incidentJson, postMortem } from './export.ts';
import { CSRF_FIELD, documentOf, type Page } from './layout.ts';
import { markup } from './markup.ts';
import { coveragePage } from './pages/coverage.ts';
import { incidentPage, type Machines } from './pages/incident.ts';
import { incidentsPage } from './pages/incidents.ts';
import { checkPolicy, policyPage, problems } from './pages/policy.ts';
import { undoPage } from './pages/undo.ts';
import type { ReviewSource } from './source.ts';
import { aslSchema } from './state-machine.ts';

/** A page that somebody else brings along: the Slack twin's channel in the sandbox. Live and protected as the others are. */
export interface ExtraPage {
  /** `/slack`; what is below it is the page's own as well. */
  readonly path: string;
  /** In the navigation. */
  readonly label: string;
  /** `undefined` where there is no such page. `csrf` goes into every form, as the field `CSRF_FIELD`. */
  get(url: URL, csrf: string): Promise<Page | undefined>;
  /** A form of this page, proven to be one; gives the address to go to next, `undefined` for one it does not know. */
  post(path: string, form: URLSearchParams): Promise<string | undefined>;
  /** Styles and scripts it names, by path. */
  readonly files?: Readonly<Record<string, { readonly type: string; readonly body: string }>>;
}

export interface ConsoleOptions {
  /** Any free one without it. */
  readonly port?: number;
  readonly extras?: readonly ExtraPage[];
  readonly now?: () => Date;
}

/** policy.yml is the longest thing anybody sends. */
const LONGEST_BODY = 500_000;
const INCIDENT = /^\/incident\/(fb-[0-9a-f]{12})(\/undo|\/post-mortem\.md|\/incident\.json)?$/;
const POLICY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  'x-content-type-options': 'nosniff',
  // Not `no-referrer`: with it a browser sends its own form with the origin `null`.
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-store',
};
const ASSETS: Readonly<Record<string, string>> = {
  'style.css': 'text/css',
  'app.js': 'text/javascript',
  'policy.js': 'text/javascript',
  'icon.svg': 'image/svg+xml',
};

/** What a request is answered with. */
interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}
const plain = (status: number, body: string): Answer => ({ status, type: 'text/plain', body });
const redirect = (location: string): Answer => ({ ...plain(303, ''), headers: { location } });
const download = (type: string, name: string, body: string): Answer => ({
  ...{ status: 200, type, body },
  headers: { 'content-disposition': `attachment; filename="${name}"` },
});

/** Starts the server on loopback. Everything it serves needs the token of the printed address, kept in a cookie. */
export async function startConsole(
  source: ReviewSource,
  { port = 0, extras = [], now = () => new Date() }: ConsoleOptions = {},
): Promise<{ url: string; close(): Promise<void> }> {
  const token = randomBytes(24).toString('hex');
  const csrf = randomBytes(24).toString('hex');
  const [files, machines] = await Promise.all([readAssets(), readMachines()]);
  const nav = [
    { path: '/', label: 'Incidents' },
    ...extras.map(({ path, label }) => ({ path, label })),
    { path: '/coverage', label: 'Coverage' },
    { path: '/policy', label: 'Policy' },
  ];
  let host = '';
  let cookieName = '';
  const watching = new Set<ServerResponse>();
  let told: NodeJS.Timeout | undefined;
  let stopWatching: (() => void) | undefined;

  /** A workflow takes many steps a second here; a page that fetches itself for each would never be still. */
  const changed = () => {
    told ??= setTimeout(() => {
      told = undefined;
      for (const one of watching) one.write('event: change\ndata: {}\n\n');
    }, 250);
  };

  const show = (page: Page, path: string, status = 200): Answer => ({
    status,
    type: 'text/html',
    body: documentOf(page, { place: source.place, nav, path }),
  });
  const extraOf = (path: string) =>
    extras.find((extra) => path === extra.path || path.startsWith(`${extra.path}/`));

  async function get(url: URL): Promise<Answer> {
    const { pathname, searchParams } = url;
    const file = files[pathname] ?? extraOf(pathname)?.files?.[pathname];
    if (file) return { status: 200, ...file };
    switch (pathname) {
      case '/':
        return show(await incidentsPage(source, searchParams, now()), pathname);
      case '/coverage':
        return show(await coveragePage(source, searchParams), pathname);
      case '/policy':
        return show(await policyPage({ source, csrf, now: now(), tried: false }), pathname);
    }
    const page = await extraOf(pathname)?.get(url, csrf);
    if (page) return show(page, pathname);
    const [, id, part] = INCIDENT.exec(pathname) ?? [];
    if (id !== undefined && part === '/undo') {
      const incident = await source.find(id);
      if (incident) {
        const undo = await source.undoView(incident);
        return show(undoPage({ incident, undo, people: source.people, csrf }), pathname);
      }
    } else if (id !== undefined) {
      const review = await source.review(id);
      if (review && part === '/post-mortem.md')
        return download('text/markdown', `${id}-post-mortem.md`, postMortem(review));
      if (review && part === '/incident.json')
        return download('application/json', `${id}.json`, incidentJson(review));
      if (review) return show(incidentPage(review, machines), pathname);
    }
    return show(notFound(), pathname, 404);
  }

  async function post(path: string, form: URLSearchParams): Promise<Answer> {
    if (!same(form.get(CSRF_FIELD) ?? '', csrf)) return plain(403, 'not from this page');
    // Browsers send lines with CRLF.
    const text = (form.get('text') ?? '').replaceAll('\r\n', '\n');
    if (path === '/policy/check')
      return { status: 200, type: 'text/html', body: markup`${problems(checkPolicy(text))}`.text };
    if (path === '/policy')
      return show(await policyPage({ source, csrf, now: now(), draft: text, tried: true }), path);
    const extra = extraOf(path);
    if (extra) {
      const next = await extra.post(path, form);
      return next === undefined ? plain(400, 'no button was pressed') : redirect(next);
    }
    const [, id, part] = INCIDENT.exec(path) ?? [];
    if (id === undefined || part !== '/undo') return plain(404, 'there is no such page');
    const incident = await source.find(id);
    if (!incident) return plain(404, 'there is no such incident');
    const person = source.people.find((one) => one.id === form.get('as'));
    if (!person) return plain(400, 'choose who acts');
    const start = await source.undo(incident, person.id);
    if (start.kind === 'refused') {
      const undo = await source.undoView(incident);
      const notice = start.why;
      return show(undoPage({ incident, undo, people: source.people, csrf, notice }), path, 409);
    }
    return redirect(`/incident/${id}#workflow`);
  }

  async function answer(request: IncomingMessage): Promise<Answer | 'watch'> {
    // A name that resolves to loopback (DNS rebinding) comes with another Host.
    if (request.headers.host !== host) return plain(421, 'wrong host');
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
      return post(url.pathname, new URLSearchParams(await bodyOf(request)));
    }
    if (request.method !== 'GET') return plain(405, 'not allowed');
    return url.pathname === '/events' ? 'watch' : get(url);
  }

  /** Server-sent events: one line for every change, and a comment now and then so that a dead connection is noticed. */
  function watch(request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
    response.write(': live\n\n');
    watching.add(response);
    // Nobody looks, nobody asks AWS.
    stopWatching ??= source.watch(changed);
    const beat = setInterval(() => response.write(': beat\n\n'), 20_000);
    request.on('close', () => {
      clearInterval(beat);
      watching.delete(response);
      if (watching.size > 0) return;
      stopWatching?.();
      stopWatching = undefined;
    });
  }

  const server = createServer((request, response) => {
    answer(request)
      .catch((error: unknown): Answer => {
        const known = isFirebreakError(error) ? describeError(error) : undefined;
        return show(broken(known ?? describeError(error)), '', 500);
      })
      .then((given) => {
        if (given === 'watch') return watch(request, response);
        const { status, type, body, headers = {} } = given;
        response.writeHead(status, {
          ...POLICY_HEADERS,
          'content-type': `${type}; charset=utf-8`,
          ...headers,
        });
        response.end(body);
      });
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const { port: chosen } = server.address() as AddressInfo;
  host = `127.0.0.1:${chosen}`;
  // Cookies know no port: two consoles on one machine must not take each other's.
  cookieName = `firebreak-${chosen}`;
  return {
    url: `http://${host}/?token=${token}`,
    async close() {
      clearTimeout(told);
      stopWatching?.();
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

const notFound = (): Page => ({
  title: 'No such page',
  live: false,
  main: markup`<h1>There is no such page</h1><p>The incident may be of another stack or Region. <a href="/">All incidents</a></p>`,
});
/** AWS's own words tell what is missing: a right, a Region, a table. */
const broken = (why: string): Page => ({
  title: 'Not read',
  live: false,
  main: markup`<h1>This could not be read</h1><p class="alert">${why}</p><p><a href="/">All incidents</a></p>`,
});

type Files = Readonly<Record<string, { readonly type: string; readonly body: string }>>;

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

function cookieOf(request: IncomingMessage, name: string): string {
  const cookies = (request.headers.cookie ?? '').split(/;\s*/);
  return cookies.find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1) ?? '';
}

const same = (given: string, wanted: string): boolean =>
  Buffer.byteLength(given) === wanted.length && timingSafeEqual(Buffer.from(given), Buffer.from(wanted));

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request) {
    parts.push(part as Buffer);
    length += (part as Buffer).length;
    if (length > LONGEST_BODY) throw new FirebreakError('InputInvalid', 'the form is too long');
  }
  return Buffer.concat(parts).toString();
}
