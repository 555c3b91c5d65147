/**
 * Takes every picture of docs/ from a running sandbox: `npm run screens`. They need an emoji font
 * (fonts-noto-color-emoji). Look at each before it is committed. What each showed is kept as text; with `--check` the texts are
 * taken again, and compared: no pixel and no font counts. The clock begins at one day and hour (clock.js).
 */
import { globSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createTwoFilesPatch } from 'diff';
import type { Locator, Page } from 'playwright-core';
import { admit } from '../console-visitor.ts';
import { until } from '../workflow/people.ts';
import { DESK, type Look, PHONE, startChromium } from './harness.ts';
import { openStage } from './stage.ts';

const PLACE = 'docs/console';
const TEXTS = `${PLACE}/screens.txt`;
/** Of stolen credentials: isolate the instance, detach its profile. */
const FOLLOW_UPS = 2;
const check = process.argv.includes('--check');
await mkdir(PLACE, { recursive: true });
const [stage, chromium] = await Promise.all([openStage(), startChromium()]);
const texts = new Map<string, readonly string[]>();

/** Opens a page that has come in, at the time at which the sandbox stands. */
async function open(look: Look): Promise<Page> {
  const page = await chromium.open(look);
  await page.clock.setFixedTime(new Date());
  await admit(page, stage.url, stage.cookie);
  return page;
}

/** Goes to a page and waits until it is as it stays: a live one has heard from the server. */
async function go(page: Page, path: string): Promise<void> {
  await page.goto(new URL(path, stage.url).href);
  await page.locator('[data-live-text]:has-text("live"), body:not([data-live])').first().waitFor();
}

/** The words that are shown, and those of images, once nothing of it changes any more. */
async function textOf(shown: Locator): Promise<readonly string[]> {
  for (let text = ''; ; ) {
    const images = await shown.locator('img').evaluateAll((all) => all.map((one) => one.getAttribute('alt')));
    // biome-ignore lint/performance/useDomNodeTextContent: what is rendered counts, and not what is folded away
    const now = [await shown.innerText(), ...images].join('\n');
    if (now === text)
      return now
        .split('\n')
        .map(plain)
        .filter((line) => line !== '');
    text = now;
    await shown.page().waitForTimeout(700);
  }
}

/** Tabs stand between cells. How long something took is another time in every run; checksums change with every field of a record. */
const plain = (line: string): string =>
  line
    .replace(/\s+/g, ' ')
    .replace(/\b\d\d:\d\d(?::\d\d(?:\.\d+)?)?\b/g, '…')
    .replace(/\bless than a second\b|\b(?:\d+ min )?\d[\d,.]* m?s\b|\b\d+ min(?= left)/g, '…')
    .replace(/\b[0-9a-f]{8}…/g, '…')
    .trim();

/** So many lines are more than a screen shows, whatever its font. */
const SCREEN = 60;

/** Takes a picture of a part of a page, or of the screen; `from` is what begins at the top of it. */
async function take(path: string, page: Page, { part, from }: Shot = {}): Promise<void> {
  const lines = await textOf(part ?? from ?? page.locator('body'));
  texts.set(path, part ? lines : lines.slice(0, SCREEN));
  if (!check) await (part ?? page).screenshot({ path });
}
interface Shot {
  readonly part?: Locator;
  readonly from?: Locator;
}

await stage.probe('screens');
const contained = await stage.exfiltration('screens');
const asking = await stage.maliciousIp('screens');
const residual = await stage.residual();
// Each is in the lists and on the card that it follows.
await until(async () => {
  const all = await stage.sandbox.incidents();
  const made = all.filter(({ followUpOf, slack }) => followUpOf?.incidentId === contained && slack);
  return made.length === FOLLOW_UPS ? made : undefined;
});
const page = await open({ colour: 'light', screen: DESK });
// Before the past is filled in: its incidents have no finding to decide again.
await go(page, '/policy');
const policy = page.locator('#policy-text');
await policy.fill((await policy.inputValue()).replace('killSwitch: false', 'killSwitch: true'));
await page.getByText('The policy is valid.').waitFor();
await page.click('text=Backtest on past findings');
await page.getByText(/decisions? of \d+ would differ/).waitFor();
await page.evaluate("document.querySelector('#result').scrollIntoView()");
await take(`${PLACE}/backtest-light.png`, page, { from: page.locator('#result') });
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
  const shown = await open({ colour, screen });
  for (const [name, path, tags] of PAGES) {
    if (!tags.some((one) => one === tag)) continue;
    await go(shown, path);
    await take(`${PLACE}/${name}-${tag}.png`, shown);
    if (name !== 'residual' || tag !== 'dark') continue;
    await shown.evaluate("document.querySelector('.sections').remove()");
    await take(`${PLACE}/path-${tag}.png`, shown, { part: shown.locator('#path') });
  }
}

await go(page, `/incident/${contained}`);
await page.evaluate("document.querySelector('.sections').remove()");
await page.locator('#workflow summary').first().click();
await take(`${PLACE}/workflow-light.png`, page, {
  part: page.locator('#workflow .workflow').first(),
});
const phone = await open({ colour: 'light', screen: PHONE });
for (const [name, id] of [
  ['slack', asking],
  ['slack-contained', contained],
] as const) {
  const { slack } = await stage.sandbox.runtime.incidents.get(id);
  await go(phone, '/slack?as=U0ALICE');
  // Its replies are cards of their own.
  await phone.evaluate("for (const reply of document.querySelectorAll('.reply')) reply.remove()");
  const card = phone.locator(`[id="m${slack?.ts}"]`);
  await card.locator('img').waitFor();
  await take(`docs/${name}.png`, phone, { part: card });
}
await chromium.close();

const pictures = globSync('docs/{,console/}*.png').sort();
const written = `# What each picture of docs/ showed when it was taken: npm run screens\n${[...texts]
  .sort(([a], [b]) => (a < b ? -1 : 1))
  .map(([path, lines]) => `${path}\n${lines.map((line) => `  ${line}\n`).join('')}`)
  .join('\n')}`;
if (!check) await writeFile(TEXTS, written);
const kept = await readFile(TEXTS, 'utf8');
const drifted =
  kept === written ? '' : createTwoFilesPatch(TEXTS, 'now', kept, written, '', '', { context: 2 });
const taken = [...texts.keys()].sort();
const other = pictures.filter((path) => !taken.includes(path));
if (drifted !== '' || other.length > 0) {
  if (drifted !== '') console.error(drifted);
  for (const path of other) console.error(`${path} is not taken by test/browser/screens.ts`);
  console.error(
    'The pictures of docs/ do not show what is there now: npm run screens, look at each, commit.',
  );
}
// Questions that no one answers keep the sandbox running.
process.exit(drifted === '' && other.length === 0 ? 0 : 1);
