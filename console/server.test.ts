import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Ask, openConsole, visit } from '../test/console-visitor.ts';
import { type FakeSource, fakeSource, HOSTILE, incident } from '../test/fake-source.ts';
import { markup } from './markup.ts';
import type { ExtraPage } from './routes.ts';
import { startConsole } from './server.ts';

let source: FakeSource;
let page: Awaited<ReturnType<typeof startConsole>>;
let posted: string[];
const extra: ExtraPage = {
  path: '/slack',
  label: 'Slack',
  get: async ({ pathname }, csrf) =>
    pathname === '/slack' ? { title: 'Slack', live: true, main: markup`<p>${csrf}</p>` } : undefined,
  post: async (path, form) => {
    posted.push(`${path} ${form.get('press')}`);
    return '/slack';
  },
  file: (path) => (path === '/slack/style.css' ? { type: 'text/css', body: 'p {}' } : undefined),
};
beforeEach(async () => {
  posted = [];
  opened = undefined;
  source = fakeSource();
  page = await startConsole(source, { extras: [extra], now: () => new Date('2026-11-25T00:00:00Z') });
});
afterEach(() => page.close());

const get = (path: string, more: Ask = {}) => visit(page.url, path, more);
/** The printed address opens once: each test has one visitor. */
let opened: string | undefined;
const cookie = async () => {
  opened ??= await openConsole(page.url);
  return opened;
};
const post = async (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
  get(path, {
    method: 'POST',
    headers: { cookie: await cookie(), ...headers },
    body: new URLSearchParams(fields),
  });
const csrf = async () => {
  const preview = await get(`/incident/${incident.id}/undo`, { headers: { cookie: await cookie() } });
  return /name="csrf" value="([0-9a-f]+)"/.exec(await preview.text())?.[1] ?? '';
};

describe('the console', () => {
  it('opens only with the printed token, exchanged for a strict cookie', async () => {
    expect((await get('/')).status).toBe(401);
    expect(await cookie()).toMatch(/^firebreak=[0-9a-f]{48}$/);
    expect((await get('/', { headers: { cookie: await cookie() } })).status).toBe(200);
    expect((await get('/', { headers: { cookie: 'firebreak=00' } })).status).toBe(401);
    expect((await get('/?token=%F0%9F%94%A5', { headers: { cookie: 'x' } })).status).toBe(401);
    for (const path of ['/style.css', '/app.js', '/events', '/slack/style.css'])
      expect((await get(path)).status).toBe(401);
  });

  it('refuses another host, as a rebound name would send', async () => {
    const { pathname, search } = new URL(page.url);
    const { status } = await get(pathname + search, { headers: { host: 'evil.example' } });
    expect(status).toBe(421);
  });

  it('undoes only from its own form, by someone who may', async () => {
    const path = `/incident/${incident.id}/undo`;
    expect((await post(path, { as: 'U0BOB', csrf: 'guess' })).status).toBe(403);
    const proof = await csrf();
    expect((await post(path, { as: 'U0BOB', csrf: proof }, { origin: 'http://evil.example' })).status).toBe(
      403,
    );
    expect((await post(path, { as: 'U0NOBODY', csrf: proof })).status).toBe(400);
    expect((await post('/incident/fb-ffffffffffff/undo', { as: 'U0BOB', csrf: proof })).status).toBe(404);
    expect((await get(path, { method: 'DELETE', headers: { cookie: await cookie() } })).status).toBe(405);
    expect(source.undone).toEqual([]);
    const done = await post(path, { as: 'U0BOB', csrf: proof });
    expect([done.status, done.headers.get('location')]).toEqual([303, `/incident/${incident.id}#workflow`]);
    expect(source.undone).toEqual([[incident.id, 'U0BOB']]);
    const again = await post(path, { as: 'U0BOB', csrf: proof });
    expect(again.status).toBe(409);
    expect(await again.text()).toContain('asked for already');
  });

  it('lets no form that is too long into memory', async () => {
    const answer = await post('/policy/check', { csrf: await csrf(), text: 'x'.repeat(600_000) });
    expect(answer.status).toBe(500);
    expect(await answer.text()).toContain('the form is too long');
  });

  const PAGES = [
    '/',
    '/?q=x&status=failed&severity=high&account=1&region=x&family=EC2&period=12m',
    `/incident/${incident.id}`,
    `/incident/${incident.id}/undo`,
    '/coverage?family=EC2&severity=high',
    '/policy',
  ];
  it.each(PAGES)(
    'shows hostile text as text on %s, under a policy that runs no script of others',
    async (path) => {
      const answer = await get(path, { headers: { cookie: await cookie() } });
      expect(answer.status).toBe(200);
      const text = await answer.text();
      const policy = answer.headers.get('content-security-policy') ?? '';
      expect(policy).toContain("default-src 'none'");
      expect(policy).not.toMatch(/unsafe|https?:|\*/);
      for (const bad of ['<script>', '\u202e', '\u200b', '\u001b', '\u{e0041}', 'href="javascript'])
        expect(text).not.toContain(bad);
      if (!path.startsWith('/coverage')) expect(text).toContain('&#60;script&#62;');
      // Nothing inline: the policy would not let it run, and no one should come to need it.
      expect(text).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=/);
    },
  );

  it('answers what it does not know as such', async () => {
    const headers = { cookie: await cookie() };
    for (const path of ['/incident/fb-ffffffffffff', '/incident/..%2f', '/nothing', '/slack/nothing'])
      expect((await get(path, { headers })).status).toBe(404);
    expect((await get('/?until=2026-99-99&before=nonsense&period=x', { headers })).status).toBe(200);
  });

  it('says at once that something changed, and stops watching when no one looks', async () => {
    const answer = await get('/events', { headers: { cookie: await cookie() } });
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toBe(': live\n\n');
    expect(source.watchers()).toBe(1);
    source.change();
    source.change();
    expect((await reader?.read())?.value).toBe('event: change\ndata: {}\n\n');
    await reader?.cancel();
    await expect.poll(() => source.watchers()).toBe(0);
  });

  it('serves what another part brings along, protected alike', async () => {
    const headers = { cookie: await cookie() };
    const text = await (await get('/slack', { headers })).text();
    expect(text).toContain('<a href="/slack" aria-current="page">Slack</a>');
    expect(await (await get('/slack/style.css', { headers })).text()).toBe('p {}');
    expect((await post('/slack/press', { press: 'a', csrf: 'guess' })).status).toBe(403);
    expect((await post('/slack/press', { press: 'a', csrf: await csrf() })).status).toBe(303);
    expect(posted).toEqual(['/slack/press a']);
  });

  it('validates a policy as it is typed, with lines', async () => {
    const bad = await post('/policy/check', { csrf: await csrf(), text: 'version: 1\r\nrulez: []\r\n' });
    const page = await bad.text();
    expect(page).toContain('data-line="2"');
    expect(page).toContain('did you mean');
    const { text } = await source.policy();
    const good = await post('/policy/check', { csrf: await csrf(), text });
    expect(await good.text()).toContain('The policy is valid.');
  });

  it('keeps what someone wrote, and says when it cannot be tried', async () => {
    const answer = await post('/policy', { csrf: await csrf(), text: `rules: "</textarea>${HOSTILE}"` });
    const text = await answer.text();
    expect(text).toContain('&#60;/textarea&#62;');
    expect(text).toContain('Fix the lines named above first.');
  });
});
