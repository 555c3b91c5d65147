/**
 * Takes every picture of docs/ from a running sandbox: `npm run screens`. They need an emoji font
 * (fonts-noto-color-emoji). Look at each before it is committed.
 */
import { mkdir } from 'node:fs/promises';
import type { Page } from 'playwright-core';
import { admit } from '../console-visitor.ts';
import { DESK, PHONE, startChromium } from './harness.ts';
import { openStage } from './stage.ts';

const PLACE = 'docs/console';
await mkdir(PLACE, { recursive: true });
const [stage, chromium] = await Promise.all([openStage(), startChromium()]);
await stage.probe('screens');
const contained = await stage.exfiltration('screens');
const asking = await stage.maliciousIp('screens');
const residual = await stage.residual();
/** The page is as it stays: a live one has heard from the server. */
const settled = (shown: Page) =>
  shown.locator('[data-live-text]:has-text("live"), body:not([data-live])').first().waitFor();
const page = await chromium.open({ colour: 'light', screen: DESK });
await admit(page, stage.url, stage.cookie);
const go = async (path: string) => {
  await page.goto(new URL(path, stage.url).href);
  await settled(page);
};
// Before the past is filled in: its incidents have no finding to decide again.
await go('/policy');
const text = page.locator('#policy-text');
await text.fill((await text.inputValue()).replace('killSwitch: false', 'killSwitch: true'));
await page.getByText('The policy is valid.').waitFor();
await page.click('text=Backtest on past findings');
await page.getByText(/decisions? of \d+ would differ/).waitFor();
await page.evaluate("document.querySelector('#result').scrollIntoView()");
await page.screenshot({ path: `${PLACE}/backtest-light.png` });
await stage.past();
const LOOKS = [
  { tag: 'light', colour: 'light', screen: DESK },
  { tag: 'dark', colour: 'dark', screen: DESK },
  { tag: 'phone', colour: 'light', screen: PHONE },
] as const;
const PAGES = [
  ['incidents', '/', ['light', 'phone']],
  ['contained', `/incident/${contained}`, ['light']],
  ['residual', `/incident/${residual}`, ['dark', 'phone']],
  ['waiting', `/incident/${asking}`, ['light', 'phone']],
  ['decide', `/incident/${asking}/answer`, ['light']],
  ['undo', `/incident/${contained}/undo`, ['light']],
  ['coverage', '/coverage', ['light']],
] as const;
for (const { tag, colour, screen } of LOOKS) {
  const shown = await chromium.open({ colour, screen });
  await admit(shown, stage.url, stage.cookie);
  for (const [name, path, tags] of PAGES) {
    if (!tags.some((one) => one === tag)) continue;
    await shown.goto(new URL(path, stage.url).href);
    await settled(shown);
    await shown.screenshot({ path: `${PLACE}/${name}-${tag}.png` });
    if (name !== 'residual' || tag !== 'dark') continue;
    await shown.evaluate("document.querySelector('.sections').remove()");
    await shown.locator('#path').screenshot({ path: `${PLACE}/path-${tag}.png` });
  }
}

await go(`/incident/${contained}`);
await page.evaluate("document.querySelector('.sections').remove()");
await page.locator('#workflow summary').first().click();
await page
  .locator('#workflow .workflow')
  .first()
  .screenshot({ path: `${PLACE}/workflow-light.png` });
const phone = await chromium.open({ colour: 'light', screen: PHONE });
await admit(phone, stage.url, stage.cookie);
for (const [name, id] of [
  ['slack', asking],
  ['slack-contained', contained],
] as const) {
  const { slack } = await stage.sandbox.runtime.incidents.get(id);
  await phone.goto(new URL('/slack?as=U0ALICE', stage.url).href);
  await settled(phone);
  // Its replies are cards of their own.
  await phone.evaluate("for (const reply of document.querySelectorAll('.reply')) reply.remove()");
  await phone.locator(`[id="m${slack?.ts}"]`).screenshot({ path: `docs/${name}.png` });
}
await chromium.close();
// Questions that no one answers keep the sandbox running.
process.exit(0);
