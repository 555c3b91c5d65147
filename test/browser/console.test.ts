/** The console as people use it: the demo watched live, one incident end to end, undo, backtest, keyboard, phone. */
import { mkdir, readFile } from 'node:fs/promises';
import type { Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { admit } from '../console-visitor.ts';
import { type Chromium, DESK, fitsWidth, type Look, PHONE, startChromium, violations } from './harness.ts';
import { openStage, type Stage } from './stage.ts';

let chromium: Chromium;
let stage: Stage;
let contained: string;
let asking: string;
beforeAll(async () => {
  [chromium, stage] = await Promise.all([startChromium(), openStage()]);
  await stage.probe('first');
  contained = await stage.exfiltration('first');
  asking = await stage.maliciousIp('first');
});
afterAll(async () => {
  await chromium.close();
  await stage.close();
});

/** A page that is logged in; what goes wrong on it fails the test. */
async function open(path = '/', look?: Look): Promise<Page> {
  const page = await chromium.open(look);
  page.on('pageerror', (error) => {
    throw error;
  });
  page.on('console', (message) => {
    // A refusal (409) is an answer that people are shown, and Chromium calls it an error.
    if (message.type() === 'error' && !message.text().includes('409')) throw new Error(message.text());
  });
  await admit(page, stage.url, stage.cookie);
  await page.goto(new URL(path, stage.url).href);
  return page;
}
const rows = (page: Page) => page.locator('table.list tbody tr');
const download = async (page: Page, name: string): Promise<string> => {
  const [file] = await Promise.all([page.waitForEvent('download'), page.click(`text=${name}`)]);
  return readFile(await file.path(), 'utf8');
};

/** Pictures for docs/console/ are taken where this names a folder. */
const PICTURES = process.env['FIREBREAK_SCREENSHOTS'];
async function picture(what: Page | Locator, name: string): Promise<void> {
  if (PICTURES === undefined) return;
  await mkdir(PICTURES, { recursive: true });
  await what.screenshot({ path: `${PICTURES}/${name}.png` });
}

describe('the list', () => {
  it('shows the demo as it happens, without a reload', async () => {
    const page = await open();
    const before = await rows(page).count();
    await page.evaluate("window.sameDocument = 'yes'");
    const id = await stage.exfiltration('live');
    await page.waitForSelector(`#row-${id}`);
    const row = rows(page).filter({ has: page.locator(`#row-${id}`) });
    await row.locator('.badge', { hasText: 'contained' }).waitFor();
    expect(await rows(page).count()).toBeGreaterThan(before);
    expect(await page.evaluate('window.sameDocument')).toBe('yes');
    expect(await page.locator('[data-live-text]').textContent()).toBe('live');
  });

  it('shows what changed while an earlier answer was on its way', async () => {
    const page = await open();
    // What the page asks for when it is connected is answered only after the incident has changed for the last time.
    await page.addInitScript(`
      const fetched = window.fetch;
      const first = Promise.withResolvers();
      window.holding = new Promise((resolve) => {
        window.fetch = async (...request) => {
          window.fetch = fetched;
          const answer = await fetched(...request);
          resolve();
          await first.promise;
          return answer;
        };
      });
      window.release = first.resolve;
    `);
    await page.reload();
    await page.evaluate('window.holding');
    const id = await stage.exfiltration('held');
    // The server gathers the changes of a quarter of a second.
    await page.waitForTimeout(1000);
    await page.evaluate('window.release()');
    const row = rows(page).filter({ has: page.locator(`#row-${id}`) });
    await row.locator('.badge', { hasText: 'contained' }).waitFor();
  });

  it('filters by status, severity, family and text, and says so in the address', async () => {
    const page = await open();
    await page.selectOption('select[name=severity]', 'low');
    await page.waitForURL(/\?severity=low$/);
    expect(await rows(page).count()).toBe(1);
    expect(await rows(page).textContent()).toContain('PortProbe');
    await page.click('text=Clear');
    await page.selectOption('select[name=family]', 'EC2');
    await page.waitForURL(/family=EC2/);
    await page.fill('#search', 'MALICIOUSIP');
    await page.press('#search', 'Enter');
    await page.waitForURL(/q=MALICIOUSIP/);
    expect(await rows(page).count()).toBe(1);
    await page.fill('#search', 'nowhere to be found');
    await page.press('#search', 'Enter');
    await page.getByText('No incident of this time fits the filter.').waitFor();
    await page.click('text=Clear');
    await page.locator('a.tile', { hasText: 'awaiting approval' }).click();
    await page.waitForURL(/status=awaiting-approval/);
    expect(await page.locator(`#row-${asking}`).count()).toBe(1);
  });

  it('counts over time, and tells median and slowest of what was contained', async () => {
    const page = await open('/?period=12m');
    await page.locator('.chart svg[aria-label*="incidents, at most"]').waitFor();
    const text =
      (await page.locator('section', { hasText: 'From finding to containment' }).last().textContent()) ?? '';
    expect(text).toMatch(/Median[\d.]+ m?s of \d+ containments?/);
    expect(text).toMatch(/Slowest[\d.]+ m?s/);
  });
});

/** What is asked first at 3 a.m., and where the answer stands; each must be on the screen before anyone scrolls. */
const ANSWERS = ['happened', 'did', 'remains', 'next'] as const;
async function firstScreenful(page: Page): Promise<Readonly<Record<string, string>>> {
  // In one go: a live page is written again whenever the incident changes.
  const lines = await page.evaluate<readonly (readonly [string, string, number])[]>(
    `[...document.querySelectorAll('.brief > div')].map((one) => [one.className, one.textContent, innerHeight - one.getBoundingClientRect().bottom])`,
  );
  expect(lines.map(([name]) => name)).toEqual(ANSWERS);
  for (const [name, , below] of lines) expect(below, `${name} ends above the fold`).toBeGreaterThanOrEqual(0);
  return Object.fromEntries(lines.map(([name, text]) => [name, text.replace(/\s+/g, ' ')]));
}

describe.each([DESK, PHONE])('the first screenful at $width pixels', (screen) => {
  it('of a contained incident says what happened, what was done, what remains and what to do', async () => {
    const answers = await firstScreenful(await open(`/incident/${contained}`, { screen }));
    expect(answers.happened).toMatch(
      /198\.51\.100\.77 \(Nowhere, Example Hosting AS64500\), on session i-[\w…]+ of role web-app/,
    );
    expect(answers.did).toMatch(
      /Contained automatically, (?:less than a second|[\d.]+ s) after the finding: Deny everything/,
    );
    expect(answers.did).toContain('Confirmed by a live read');
    expect(answers.remains).toContain('No known risk remains');
    expect(answers.next).toMatch(/undo the containment.*Preview undo/);
  });

  it('of a waiting incident says until when, what happens then, and how to answer', async () => {
    const answers = await firstScreenful(await open(`/incident/${asking}`, { screen }));
    expect(answers.happened).toMatch(/to 198\.51\.100\.77 \(Nowhere\), on instance web-1 \(i-[\w…]+\)/);
    expect(answers.did).toContain('Nothing was changed yet. Proposed action: isolate instance');
    expect(answers.remains).toContain('Nothing is contained');
    expect(answers.next).toMatch(
      /Contains automatically at [\d-]+ [\d:]+ UTC \(\d+ min left\) unless denied/,
    );
  });

  it('of a residual incident names the risk', async () => {
    const { incidents } = stage.sandbox.runtime;
    const id = await stage.residual();
    const answers = await firstScreenful(await open(`/incident/${id}`, { screen }));
    const { targets } = await incidents.get(id);
    const [risk] = targets.flatMap(({ proof, plan }) => [
      ...(proof?.residual ?? []),
      ...(plan?.kind === 'plan' ? plan.residual : []),
    ]);
    expect(answers.remains).toContain(risk);
    expect(answers.did).toMatch(/after approval by U0BOB/);
  });
});

describe('one incident', () => {
  it('is explained from GuardDuty’s first event to the proof', async () => {
    const page = await open(`/incident/${contained}`);
    const section = async (id: string) => (await page.locator(`#${id}`).textContent()) ?? '';
    const timeline = await section('timeline');
    expect(timeline.indexOf('GuardDuty saw the activity')).toBeLessThan(timeline.indexOf('finding received'));
    expect(timeline).toMatch(/decided auto[\s\S]*steps in place[\s\S]*contained:/);
    expect(await section('decision')).toContain('high fidelity');
    expect(await section('proof')).toContain('Verified');
    expect(await section('context')).toContain('GetCallerIdentity');
    expect(await section('evidence')).toContain('target-0/state-before');

    const entered = await page.locator('.asl .state.entered text').allTextContents();
    expect(entered).toEqual(expect.arrayContaining(['Enrich', 'Decide', 'ContainTarget', 'Verify', 'Done']));
    expect(
      await page.locator('.asl .state.not-entered', { hasText: 'RequestApproval' }).count(),
    ).toBeGreaterThan(0);

    expect(await page.locator('#changes .diff ins').allTextContents()).toEqual(
      expect.arrayContaining([expect.stringContaining('"Effect": "Deny"')]),
    );
    await page.click('#calls summary');
    const call = page.locator('#calls tr', { hasText: 'IAM:PutRolePolicy' });
    expect(await call.locator('code').textContent()).toMatch(/^[0-9a-f-]{36}$/);

    expect(await section('finding')).toContain('198.51.100.77');
    await page.click('text=The finding as received, JSON');
    expect(await page.locator('#finding pre').textContent()).toContain('"awsApiCallAction"');

    expect(await page.getAttribute('#workflow a.small', 'href')).toContain('/states/home?region=eu-west-1#');
    expect(await page.locator('#context a', { hasText: 'CloudTrail' }).getAttribute('href')).toContain(
      'cloudtrail',
    );
  });

  it('goes out as a post-mortem and as JSON', async () => {
    const page = await open(`/incident/${contained}`);
    const report = await download(page, 'Post-mortem, Markdown');
    expect(report).toContain('## What was changed');
    expect(report).toContain(contained);
    const json = JSON.parse(await download(page, 'JSON')) as { incident: { id: string }; calls: unknown[] };
    expect(json.incident.id).toBe(contained);
    expect(json.calls.length).toBeGreaterThan(10);
  });

  it('shows tries and errors of the workflow', async () => {
    stage.sandbox.twin.killAfter(1);
    const id = await stage.exfiltration('killed');
    const page = await open(`/incident/${id}`);
    const state = page.locator('.asl .state.failed', { hasText: 'ContainTarget' });
    expect(await state.locator('.mark').textContent()).toContain('2 tries');
    expect(await page.locator('.visits tr', { hasText: 'ContainTarget' }).locator('.error').count()).toBe(1);
  });
});

describe('undo', () => {
  it('previews what it restores, asks a second person, and restores it', async () => {
    const id = await stage.exfiltration('to undo');
    const page = await open(`/incident/${id}`);
    await page.click('#undo');
    await page.getByText('Not safe yet:').waitFor();
    expect(await page.locator('.steps').first().textContent()).toContain('will be restored');
    expect(await page.locator('.diff del').count()).toBeGreaterThan(3);
    await page.selectOption('select[name=as]', 'U0ALICE');
    await page.click('text=Ask a second person to agree');
    await page.waitForURL(/#workflow$/);
    await page.getByText('The card to undo').waitFor();

    await page.goBack();
    await page.click('text=Ask a second person to agree');
    await page.getByText('The undo was asked for already').waitFor();
    await page.goto(new URL(`/incident/${id}`, stage.url).href);

    const { approval, slack } = await stage.sandbox.runtime.incidents.get(id);
    if (!approval || !slack) throw new Error('no one is asked');
    const card = { ts: slack.ts, actionId: 'firebreak_approve', value: approval.id };
    await stage.sandbox.slack.click({ ...card, userId: 'U0BOB' });
    await page.locator('.badges .badge', { hasText: 'undone' }).waitFor();
    await page.locator('#workflow h3', { hasText: 'Undo' }).waitFor({ state: 'attached' });
    expect(await page.locator('#decision').textContent()).toContain('U0BOB');
    expect(await page.locator('#undo').count()).toBe(0);
  });
});

describe('the policy', () => {
  it('is validated as someone types, and a change is tried on past findings', async () => {
    const page = await open('/policy');
    const text = page.locator('#policy-text');
    const shipped = await text.inputValue();
    expect(shipped).toBe(await readFile('policy.yml', 'utf8'));
    await text.fill(shipped.replace('killSwitch: false', 'killSwitsch: false'));
    await page.getByText('did you mean "killSwitch"').waitFor();
    const line = shipped.slice(0, shipped.indexOf('killSwitch')).split('\n').length;
    expect(await page.locator('.gutter .bad').textContent()).toBe(`${line}\n`);
    await page.locator('#problems a').click();
    expect(await page.evaluate('document.activeElement.id')).toBe('policy-text');

    await text.fill(shipped.replace('killSwitch: false', 'killSwitch: true'));
    await page.getByText('The policy is valid.').waitFor();
    await page.click('text=Backtest on past findings');
    await page.getByText(/decisions? of \d+ would differ/).waitFor();
    const row = page.locator('tr.lowered', { hasText: contained });
    expect(await row.locator('.decision').allTextContents()).toEqual(['auto', 'ask']);
    expect(await row.textContent()).toContain('the kill switch is on');
    expect(await text.inputValue()).toContain('killSwitch: true');
    await page.evaluate("document.querySelector('#result').scrollIntoView()");
    await picture(page, 'backtest-light');
    await page.click('text=The change to policy.yml');
    expect(await page.locator('#result .diff ins').textContent()).toContain('killSwitch: true');
    expect(await readFile('policy.yml', 'utf8')).toBe(shipped);
  });
});

describe('by keyboard alone', () => {
  it('goes from the list to an incident and to the preview of its undo', async () => {
    const page = await open();
    const focused = () =>
      page.evaluate<string>('document.activeElement.id || document.activeElement.className');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('skip');
    await page.keyboard.press('/');
    expect(await focused()).toBe('search');
    await page.keyboard.type(contained);
    await page.keyboard.press('Enter');
    await page.waitForURL(/q=/);
    await page.keyboard.press('j');
    expect(await focused()).toBe(`row-${contained}`);
    await page.keyboard.press('Enter');
    await page.waitForURL(new RegExp(`/incident/${contained}`));
    await page.keyboard.press('u');
    await page.waitForURL(/undo$/);
    await page.getByText('What would happen').waitFor();
  });

  it('can have its single keys switched off', async () => {
    const page = await open();
    await page.keyboard.press('?');
    await page.locator('dialog').waitFor();
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('Tab');
    await page.locator('dialog input').uncheck();
    await page.keyboard.press('Escape');
    await page.keyboard.press('/');
    expect(await page.evaluate('document.activeElement.id')).not.toBe('search');
  });

  it('leaves the text of the policy', async () => {
    const page = await open('/policy');
    await page.focus('#policy-text');
    await page.keyboard.press('Escape');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.id')).not.toBe('policy-text');
  });
});

describe('an attacker who writes the finding', () => {
  const HOSTILE = `=cmd|'/c calc'!A1 <img src=x onerror="document.title='owned'"><script>document.title='owned'</script> \u202e\u001b[31m [x](javascript:alert(1)) \`\`\` "'&amp;`;

  it('is read as text on every page and in what goes out', async () => {
    const id = await stage.hostile(HOSTILE);
    for (const path of [`/incident/${id}`, '/', `/?q=${encodeURIComponent(HOSTILE)}`, `/slack`]) {
      const page = await open(path);
      expect(await page.title()).not.toContain('owned');
      // The pictures of attacks on the cards are the console's own.
      expect(await page.locator('img:not([src^="/slack/file/"])').count()).toBe(0);
      expect(await page.locator('main script').count()).toBe(0);
    }
    const page = await open(`/incident/${id}`);
    const shown = (await page.locator('#finding .chapters').textContent()) ?? '';
    expect(shown).toContain('<img src=x onerror=');
    expect(shown).toContain('\\u202e\\u001b[31m');
    expect(await page.locator('#finding a').count()).toBe(0);
    const report = await download(page, 'Post-mortem, Markdown');
    const json = await download(page, 'JSON');
    for (const text of [report, json]) {
      expect(text).not.toContain('\u202e');
      expect(text).not.toContain('\u001b');
    }
    expect(json).toContain('\\u202e');
  });
});

/** Written once, when pictures are taken. */
let past: Promise<void> | undefined;
const PAGES: readonly (readonly [string, () => string])[] = [
  ['incidents', () => '/'],
  ['incident', () => `/incident/${contained}`],
  ['waiting', () => `/incident/${asking}`],
  ['undo', () => `/incident/${contained}/undo`],
  ['coverage', () => '/coverage?family=S3&severity=high'],
  ['policy', () => '/policy'],
];
describe.each([
  { colour: 'light', screen: DESK },
  { colour: 'dark', screen: DESK },
  { colour: 'light', screen: PHONE },
  { colour: 'dark', screen: PHONE },
] as const)('in $colour at $screen.width pixels', (look) => {
  it.each(PAGES)('%s can be used by everybody', async (name, path) => {
    const page = await open(path(), look);
    for (const one of await page.locator('details').all())
      await one.evaluate('(one) => { one.open = true; }');
    expect(await violations(page)).toEqual([]);
    expect(await fitsWidth(page)).toBe(true);
    if (PICTURES === undefined || (look.screen === PHONE && look.colour === 'dark')) return;
    past ??= stage.past();
    await past;
    await page.goto(new URL(path(), stage.url).href);
    await page.locator('[data-live-text]:has-text("live"), body:not([data-live])').first().waitFor();
    await picture(page, `${name}-${look.screen === PHONE ? 'phone' : look.colour}`);
    if (name !== 'incident') return;
    // What stays at the top while scrolling would lie over it.
    await page.evaluate("document.querySelector('.sections').remove()");
    await page.evaluate("document.querySelector('#workflow > details').open = true");
    await picture(page.locator('#workflow'), `workflow-${look.screen === PHONE ? 'phone' : look.colour}`);
  });
});
