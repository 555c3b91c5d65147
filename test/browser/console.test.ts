import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startConsole } from '../../console/server.ts';
import { emptyDesk } from '../unit/console/desk.ts';
import { type Chromium, DESK, fitsWidth, PHONE, startChromium, violations } from './harness.ts';

let chromium: Chromium;
let url: string;
let close: () => Promise<void>;
beforeAll(async () => {
  chromium = await startChromium();
  ({ url, close } = await startConsole({
    incidents: async () => [],
    incident: async () => undefined,
    slack: emptyDesk(),
    undoSafety: async () => ({ safe: true, why: '' }),
    undo: () => {},
    onChange: () => {},
  }));
});
afterAll(async () => {
  await chromium.close();
  await close();
});

describe.each([
  { colour: 'light', screen: DESK },
  { colour: 'dark', screen: PHONE },
] as const)('the page in $colour', (look) => {
  it('can be used by everybody', async () => {
    const page = await chromium.open(look);
    await page.goto(url);
    expect(await violations(page)).toEqual([]);
    expect(await fitsWidth(page)).toBe(true);
  });
});
