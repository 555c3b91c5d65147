/** Takes the pictures of docs/console/ from a running sandbox: `npm run screens`. Look at each before it is committed. */
import { mkdir } from 'node:fs/promises';
import { admit } from '../console-visitor.ts';
import { DESK, PHONE, startChromium } from './harness.ts';
import { openStage } from './stage.ts';

const PLACE = 'docs/console';
await mkdir(PLACE, { recursive: true });
const [stage, chromium] = await Promise.all([openStage(), startChromium()]);
await stage.past();
await stage.probe('screens');
const contained = await stage.exfiltration('screens');
const asking = await stage.maliciousIp('screens');
const residual = await stage.residual();
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
] as const;
for (const { tag, colour, screen } of LOOKS) {
  const page = await chromium.open({ colour, screen });
  await admit(page, stage.url, stage.cookie);
  for (const [name, path, tags] of PAGES) {
    if (!tags.some((one) => one === tag)) continue;
    await page.goto(new URL(path, stage.url).href);
    await page.locator('[data-live-text]:has-text("live"), body:not([data-live])').first().waitFor();
    await page.screenshot({ path: `${PLACE}/${name}-${tag}.png` });
    if (name !== 'residual' || tag !== 'dark') continue;
    await page.evaluate("document.querySelector('.sections').remove()");
    await page.locator('#path').screenshot({ path: `${PLACE}/path-${tag}.png` });
  }
}
await chromium.close();
// Questions that no one answers keep the sandbox running.
process.exit(0);
