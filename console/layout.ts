/** What every page has: title, navigation, place, scripts. */
import { Markup, markup, type Value } from './markup.ts';

/** The form field that proves a post comes from this page. */
export const CSRF_FIELD = 'csrf';

/** One page, before the server puts the frame around it. */
export interface Page {
  readonly title: string;
  readonly main: Markup;
  /** Kept up to date by server-sent events; a page that someone types into is not. */
  readonly live: boolean;
  /** Scripts next to the common one, by path. */
  readonly scripts?: readonly string[];
  readonly styles?: readonly string[];
  /** Lies over the page, outside what is kept up to date; `inert` while it does. */
  readonly over?: Markup;
  readonly inert?: boolean;
  /** Uses the whole width of the screen. */
  readonly wide?: boolean;
}

export interface Frame {
  /** `Sandbox`, or the stack, Region and account. */
  readonly place: string;
  readonly nav: readonly { readonly path: string; readonly label: string }[];
  readonly path: string;
}

export function documentOf(
  { title, main, live, scripts = [], styles = [], wide, over, inert }: Page,
  frame: Frame,
): string {
  const nav = frame.nav.map(
    ({ path, label }) =>
      markup`<li><a href="${path}"${isCurrent(path, frame.path) ? new Markup(' aria-current="page"') : ''}>${label}</a></li>`,
  );
  return markup`${new Markup('<!doctype html>')}
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Firebreak</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml"><link rel="stylesheet" href="/style.css">${styles.map((path) => markup`<link rel="stylesheet" href="${path}">`)}
<script type="module" src="/app.js"></script>${scripts.map((path) => markup`<script type="module" src="${path}"></script>`)}</head>
<body${live ? new Markup(' data-live') : ''}><a class="skip" href="#main">Skip to the content</a>
<header class="top"><a class="brand" href="/"><svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true"><path d="M12 2c1 4 5 6 5 11a5 5 0 0 1-10 0c0-2 1-3.5 2-4.500 0 2 1 3 2 3 0-3-1-6 1-9.500z" fill="currentColor"/><path d="M3 21.500h18" stroke="currentColor" stroke-width="2" stroke-linecap="round"/></svg>Firebreak</a>
<nav aria-label="Pages"><ul>${nav}</ul></nav><p class="place"><span class="live-dot" hidden></span><span data-live-text></span> <span class="where">${frame.place}</span></p></header>
<main id="main" tabindex="-1"${wide ? new Markup(' class="wide"') : ''}${inert ? new Markup(' inert') : ''}>${main}</main>${over}
<footer><p><button type="button" class="link" data-help hidden>Keyboard</button> <noscript>Without scripts this page is not live: reload it to see what is new.</noscript></p></footer>
</body></html>`.text;
}

const isCurrent = (path: string, at: string): boolean =>
  path === '/' ? at === '/' || at.startsWith('/incident/') : at === path || at.startsWith(`${path}/`);

export const hidden = (fields: Readonly<Record<string, string>>): Value =>
  Object.entries(fields).map(
    ([name, value]) => markup`<input type="hidden" name="${name}" value="${value}">`,
  );
