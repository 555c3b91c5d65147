import { request } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startConsole } from '../../../console/server.ts';
import type { Incident } from '../../../core/incident.ts';
import { emptyDesk } from './desk.ts';

const HOSTILE = '<script>alert(1)</script>"\'&\u202e\u001b[31m';
const incident: Incident = {
  id: 'fb-000000000001',
  findingId: 'f',
  type: HOSTILE,
  severity: 8,
  label: 'high',
  account: '111122223333',
  region: 'eu-west-1',
  partition: 'aws',
  title: HOSTILE,
  sample: false,
  archived: false,
  count: 1,
  findingUpdatedAt: '2026-11-24T07:40:00.000Z',
  createdAt: '2026-11-24T07:40:00.000Z',
  updatedAt: '2026-11-24T07:40:00.000Z',
  execution: 'e',
  status: 'contained',
  playbook: null,
  display: HOSTILE,
  targets: [],
  passes: 0,
  version: 1,
};

let clicks: unknown[];
let undone: unknown[];
let change: () => void;
let page: Awaited<ReturnType<typeof startConsole>>;
beforeEach(async () => {
  clicks = [];
  undone = [];
  page = await startConsole({
    incidents: async () => [incident],
    incident: async (id) =>
      id === incident.id
        ? {
            incident,
            timeline: [{ at: incident.createdAt, event: HOSTILE }],
            steps: [],
            finding: { HOSTILE },
          }
        : undefined,
    slack: {
      ...emptyDesk(),
      async click(click) {
        clicks.push(click);
        return { statusCode: 200, body: '' };
      },
    },
    undoSafety: async () => ({ safe: false, why: HOSTILE }),
    undo: (id, by) => {
      undone.push([id, by]);
    },
    onChange: (listener) => {
      change = listener;
    },
  });
});
afterEach(() => page.close());

const get = (path: string, more: RequestInit = {}) =>
  fetch(new URL(path, page.url), { redirect: 'manual', ...more });
const cookie = async () => {
  const answer = await fetch(page.url, { redirect: 'manual' });
  return (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
};

describe('the local page', () => {
  it('opens only with the printed token, kept in a strict cookie', async () => {
    expect((await get('/')).status).toBe(401);
    const answer = await fetch(page.url, { redirect: 'manual' });
    expect(answer.headers.get('set-cookie')).toMatch(/HttpOnly; SameSite=Strict/);
    expect((await get('/', { headers: { cookie: await cookie() } })).status).toBe(200);
    expect((await get('/', { headers: { cookie: 'firebreak=00' } })).status).toBe(401);
  });

  it('refuses another host, as a rebound name would send', async () => {
    const { port, pathname, search } = new URL(page.url);
    const status = await new Promise((resolve, reject) => {
      request({ port, path: pathname + search, headers: { host: 'evil.example' } }, (answer) =>
        resolve(answer.statusCode),
      )
        .on('error', reject)
        .end();
    });
    expect(status).toBe(421);
  });

  it('takes a click only from its own form', async () => {
    const headers = { cookie: await cookie(), 'content-type': 'application/x-www-form-urlencoded' };
    const press = encodeURIComponent(JSON.stringify(['firebreak_approve', 'x']));
    const post = (path: string, body: string) => get(path, { method: 'POST', headers, body });
    const body = `ts=1&press=${press}&as=U0BOB`;
    expect((await post('/slack/press', `${body}&csrf=guess`)).status).toBe(403);
    expect((await post(`/incident/${incident.id}/undo`, 'as=U0BOB&csrf=guess')).status).toBe(403);
    expect([clicks, undone]).toEqual([[], []]);

    const preview = await (await get(`/incident/${incident.id}/undo`, { headers })).text();
    const csrf = /name="csrf" value="([0-9a-f]+)"/.exec(preview)?.[1];
    expect((await post('/slack/press', `${body}&csrf=${csrf}`)).status).toBe(303);
    expect(clicks).toEqual([{ ts: '1', actionId: 'firebreak_approve', value: 'x', userId: 'U0BOB' }]);
    expect((await post('/slack/press', `ts=1&press=${press}&as=U0OTHER&csrf=${csrf}`)).status).toBe(400);
    expect((await post('/slack/press', `ts=1&press=oops&as=U0BOB&csrf=${csrf}`)).status).toBe(400);
    expect((await post(`/incident/${incident.id}/undo`, `as=U0BOB&csrf=${csrf}`)).status).toBe(303);
    expect(undone).toEqual([[incident.id, 'U0BOB']]);
    expect(clicks).toHaveLength(1);
  });

  it('shows hostile text as text, under a policy that runs no script of others', async () => {
    const headers = { cookie: await cookie() };
    for (const path of ['/', `/incident/${incident.id}`, `/incident/${incident.id}/undo`]) {
      const answer = await get(path, { headers });
      const text = await answer.text();
      expect(answer.headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(text).toContain('&#60;script&#62;');
      for (const bad of ['<script>', '\u202e', '\u001b']) expect(text).not.toContain(bad);
    }
    expect((await get('/incident/fb-ffffffffffff', { headers })).status).toBe(404);
    expect((await get('/incident/..%2f', { headers })).status).toBe(404);
  });

  it('says at once that something changed', async () => {
    const answer = await get('/events', { headers: { cookie: await cookie() } });
    expect(answer.headers.get('content-type')).toBe('text/event-stream');
    const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toBe(': live\n\n');
    change();
    change();
    expect((await reader?.read())?.value).toBe('event: change\ndata: {}\n\n');
    await reader?.cancel();
    expect((await get('/events')).status).toBe(401);
  });
});
