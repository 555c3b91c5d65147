/**
 * Chromium for the browser tests: Debian's package, driven by playwright-core. Pages are looked at as people have them:
 * light and dark, a desk and a phone. axe-core (MPL-2.0) looks for what WCAG 2.2 A and AA forbid; it is a tool of the
 * tests only and no part of Firebreak.
 */
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import axe from 'axe-core';
import { type BrowserContext, chromium, type Page } from 'playwright-core';
import { expect } from 'vitest';

const PLACES = [process.env['CHROMIUM'] ?? '', '/usr/bin/chromium', '/usr/bin/chromium-browser'];
/** Width and height of the screen in CSS pixels. */
export const DESK = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };

export interface Look {
  readonly colour?: 'light' | 'dark';
  readonly screen?: { readonly width: number; readonly height: number };
  /** False: as in a browser that runs none. */
  readonly scripts?: boolean;
}

export interface Chromium {
  /** A page of its own profile: no cookie of another one. */
  open(look?: Look): Promise<Page>;
  close(): Promise<void>;
}

/** Starts Chromium with an empty profile. Throws with what to install where there is none. */
export async function startChromium(): Promise<Chromium> {
  const executablePath = PLACES.find((place) => place !== '' && existsSync(place));
  if (executablePath === undefined) {
    throw new Error('Chromium is missing: apt-get install chromium, or name it in the variable CHROMIUM');
  }
  const home = await mkdtemp(join(tmpdir(), 'firebreak-chromium-'));
  const browser = await chromium.launch({
    executablePath,
    env: { ...process.env, HOME: home },
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      // Same picture on every machine.
      '--font-render-hinting=none',
      '--force-color-profile=srgb',
    ],
  });
  const contexts: BrowserContext[] = [];
  return {
    async open({ colour = 'light', screen = DESK, scripts = true } = {}) {
      const context = await browser.newContext({
        viewport: screen,
        javaScriptEnabled: scripts,
        colorScheme: colour,
        reducedMotion: 'reduce',
        locale: 'en-GB',
        timezoneId: 'UTC',
      });
      contexts.push(context);
      const page = await context.newPage();
      // Long enough for a machine that has other work; what never comes still fails the test.
      page.setDefaultTimeout(60_000);
      return page;
    },
    async close() {
      await Promise.all(contexts.map((context) => context.close()));
      await browser.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}

interface AxeResults {
  readonly violations: readonly {
    readonly id: string;
    readonly help: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary?: string }[];
  }[];
}

/** What axe-core finds against WCAG 2.2 A and AA and its own best practices: one line each, empty when all is well. */
export async function violations(page: Page): Promise<readonly string[]> {
  // Evaluated through the debugger, so that the page's own content security policy stays as it is.
  await page.evaluate(axe.source);
  const { violations: found } = await page.evaluate<AxeResults>(
    `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })`,
  );
  return found.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary = '' }) => `${id}: ${help}: ${html.slice(0, 200)}: ${failureSummary}`),
  );
}

/** True when nothing of the page is wider than the screen: on a phone no one scrolls sideways. */
export const fitsWidth = (page: Page): Promise<boolean> =>
  page.evaluate<boolean>('document.documentElement.scrollWidth <= document.documentElement.clientWidth');

/**
 * Opens a page and returns its text, once it is accessible, fits the screen and ran no script of a finding (`title` is `1`
 * then). Kept as a picture `name` where FIREBREAK_SCREENSHOTS names a folder.
 */
export async function usableText(page: Page, address: URL, name: string): Promise<string> {
  const folder = process.env['FIREBREAK_SCREENSHOTS'];
  await page.goto(address.href);
  if (folder) await page.screenshot({ path: `${folder}/${name}.png`, fullPage: true });
  expect(await violations(page)).toEqual([]);
  expect(await fitsWidth(page)).toBe(true);
  expect(await page.title()).not.toBe('1');
  return ((await page.locator('body').textContent()) ?? '').replaceAll(/[\u200b\u2060]/g, '');
}
