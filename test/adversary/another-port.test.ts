/** A program on another port of loopback, or a stranger on the console's own, gets nothing out of it. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startConsole } from '../../console/server.ts';
import { openConsole, visit } from '../console-visitor.ts';
import { fakeSource } from '../fake-source.ts';

let page: Awaited<ReturnType<typeof startConsole>>;
beforeEach(async () => {
  page = await startConsole(fakeSource());
});
afterEach(() => page.close());

describe('the console against another port of loopback', () => {
  it('has a name of its own at every start, so that its cookie goes to no other port', async () => {
    const again = await startConsole(fakeSource());
    const names = [page.url, again.url].map((url) => new URL(url).hostname);
    await again.close();
    for (const name of names) expect(name).toMatch(/^firebreak-[0-9a-f]{32}\.localhost$/);
    expect(names[0]).not.toBe(names[1]);
    const { pathname, search } = new URL(page.url);
    const answer = await visit(page.url, pathname + search);
    expect(answer.headers.get('set-cookie')).toMatch(
      /^firebreak=[0-9a-f]{48}; HttpOnly; SameSite=Strict; Path=\/$/,
    );
  });

  it.each(['127.0.0.1', 'localhost', 'firebreak.localhost', 'evil.example'])(
    'does not answer to %s',
    async (name) => {
      const { port, pathname, search } = new URL(page.url);
      const host = `${name}:${port}`;
      expect((await visit(page.url, pathname + search, { headers: { host } })).status).toBe(421);
    },
  );

  it('takes the printed token once, and keeps it in no address and no cookie', async () => {
    const { pathname, search, searchParams } = new URL(page.url);
    const first = await visit(page.url, pathname + search);
    expect([first.status, first.headers.get('location')]).toEqual([303, '/']);
    const cookie = (first.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
    expect(cookie).not.toContain(searchParams.get('token'));
    const second = await visit(page.url, pathname + search);
    expect([second.status, second.headers.get('set-cookie')]).toEqual([401, null]);
    // The same browser opens the same address again.
    const own = await visit(page.url, pathname + search, { headers: { cookie } });
    expect([own.status, own.headers.get('location')]).toEqual([303, '/']);
  });

  const ODD = [
    '/',
    '//',
    '///',
    '//evil.example/',
    'http://[',
    '/%',
    '/?token=%',
    '/events',
    '/incident/fb-000000000000',
  ];
  it('says the same to every stranger, whatever they send', async () => {
    const answers = new Set<string>();
    for (const path of ODD)
      for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
        const answer = await visit(page.url, path, {
          method,
          headers: { cookie: 'firebreak=%%%; firebreak-1=x' },
        });
        answers.add(`${answer.status} ${await answer.text()}`);
      }
    expect([...answers]).toEqual(['401 open the address that was printed at the start; it opens once']);
  });

  it('stays a 4xx for its own user too where the address is none', async () => {
    const cookie = await openConsole(page.url);
    for (const path of ['//', 'http://evil.example/', '@evil.example/', '.evil.example/']) {
      const answer = await visit(page.url, path, { headers: { cookie } });
      expect([400, 404]).toContain(answer.status);
    }
  });
});
