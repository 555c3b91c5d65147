/** What a real browser sends where: the console's cookie goes to the console's name and to no other one of loopback. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startConsole } from '../../console/server.ts';
import { fakeSource } from '../fake-source.ts';
import { type Chromium, startChromium } from './harness.ts';

let chromium: Chromium;
beforeAll(async () => {
  chromium = await startChromium();
});
afterAll(() => chromium.close());

it('opens once by the printed address, and sends its cookie to no other name of loopback', async () => {
  const console = await startConsole(fakeSource());
  const seen: (string | undefined)[] = [];
  const other = createServer((request, response) => {
    seen.push(request.headers.cookie);
    response.end('other');
  });
  other.listen(0, '127.0.0.1');
  await once(other, 'listening');
  const { port } = other.address() as AddressInfo;
  try {
    const page = await chromium.open();
    await page.goto(console.url);
    expect(page.url()).toBe(new URL('/', console.url).href);
    await page.getByRole('heading', { level: 1 }).waitFor();
    expect((await page.goto(new URL('/coverage', console.url).href))?.status()).toBe(200);
    for (const name of ['127.0.0.1', 'localhost', 'other.localhost'])
      await page.goto(`http://${name}:${port}/`);
    expect(seen.length).toBeGreaterThanOrEqual(3);
    expect(seen.filter((cookie) => cookie !== undefined)).toEqual([]);
    const stranger = await chromium.open();
    expect((await stranger.goto(console.url))?.status()).toBe(401);
  } finally {
    await console.close();
    other.closeAllConnections();
    other.close();
  }
});
