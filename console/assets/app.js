/**
 * Keeps a live page up to date, makes lists and filters quick by keyboard. Everything works without it as well.
 */
const main = () => document.querySelector('main');
const dot = document.querySelector('.live-dot');
const words = document.querySelector('[data-live-text]');

/** What someone is doing is left alone: an open form keeps its page until the focus is elsewhere. */
const busy = () =>
  document.activeElement?.closest('form') !== null && document.activeElement !== document.body;

let stale = false;
let fetching = false;
async function refresh() {
  if (fetching) return;
  fetching = true;
  try {
    // Again while something changed meanwhile: no later event may come to show it.
    while (stale && !busy() && !document.hidden) {
      stale = false;
      const answer = await fetch(location.href);
      if (!answer.ok || busy()) {
        stale = true; // the next change, or the end of what someone is doing, tries again
        return;
      }
      const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('main');
      if (fresh && fresh.innerHTML !== main().innerHTML) take(fresh);
    }
  } catch {
    stale = true; // the server is away; the next change tries again
  } finally {
    fetching = false;
  }
}

/** Takes over the new content; what is open stays open, what has the focus keeps it, what was scrolled stays there. */
function take(fresh) {
  const open = new Map(
    [...document.querySelectorAll('details[data-keep]')].map((one) => [one.dataset.keep, one.open]),
  );
  const focused = document.activeElement?.id;
  const scrolled = [...document.querySelectorAll('.scroll')].map(({ scrollLeft, scrollTop }) => [
    scrollLeft,
    scrollTop,
  ]);
  main().replaceWith(document.adoptNode(fresh));
  for (const one of document.querySelectorAll('details[data-keep]')) {
    const was = open.get(one.dataset.keep);
    if (was !== undefined) one.open = was;
  }
  [...document.querySelectorAll('.scroll')].forEach((one, index) => {
    [one.scrollLeft, one.scrollTop] = scrolled[index] ?? [0, 0];
  });
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  prepare();
}

if (document.body.hasAttribute('data-live')) {
  const say = (state, text) => {
    dot.hidden = false;
    dot.dataset.state = state;
    words.textContent = text;
  };
  const events = new EventSource('/events');
  events.addEventListener('open', () => {
    say('live', 'live');
    // What changed between this page and the connection would otherwise never show.
    stale = true;
    refresh();
  });
  events.addEventListener('error', () => say('away', 'not live'));
  events.addEventListener('change', () => {
    stale = true;
    refresh();
  });
  document.addEventListener('focusout', () => setTimeout(refresh, 200));
  document.addEventListener('visibilitychange', refresh);
}

/** Times are UTC; the reader's own stands in the tooltip. Filters apply when they are changed. */
function prepare() {
  for (const one of document.querySelectorAll('time[datetime]')) {
    const at = new Date(one.dateTime);
    if (!Number.isNaN(at.getTime())) one.title = `${at.toLocaleString()} here`;
  }
  const zone = new Date().getTimezoneOffset();
  for (const one of document.querySelectorAll('[data-local]')) {
    const at = new Date(one.dataset.local);
    if (zone !== 0 && !Number.isNaN(at.getTime())) one.textContent = `${at.toTimeString().slice(0, 8)} here`;
  }
  for (const one of document.querySelectorAll('[data-zone]'))
    if (zone !== 0)
      one.textContent = ` and, below, yours (${Intl.DateTimeFormat().resolvedOptions().timeZone})`;
  countDown();
}
/** ` (12 min left)` after a deadline, kept up to date. */
function countDown() {
  for (const one of document.querySelectorAll('[data-until]')) {
    const left = Math.round((Date.parse(one.dataset.until) - Date.now()) / 1000);
    const minutes = Math.floor(left / 60);
    const text =
      left <= 0
        ? 'time is over'
        : left < 60
          ? `${left} s left`
          : minutes < 120
            ? `${minutes} min left`
            : `${Math.floor(minutes / 60)} h ${minutes % 60} min left`;
    one.textContent = ` (${text})`;
  }
}
setInterval(countDown, 1000);
/** What the address names is not folded away. */
const unfold = () => {
  const folded = document.getElementById(location.hash.slice(1))?.querySelector(':scope > details');
  if (folded) folded.open = true;
};
addEventListener('hashchange', unfold);
unfold();
prepare();
document.addEventListener('change', ({ target }) => {
  if (target.matches('form[data-auto] select')) target.form.requestSubmit();
});
document.addEventListener('submit', ({ target }) => {
  // An address without empty filters is one that people can send to each other.
  if (target.matches('form[data-auto]'))
    for (const one of target.querySelectorAll('select, input')) one.disabled = one.value === '';
});

/** Arrow keys within the list; single keys can be switched off, because speech input types them by accident. */
const OFF = 'firebreak-keys-off';
const stored = (() => {
  try {
    return localStorage.getItem(OFF) === 'yes';
  } catch {
    return false; // storage is forbidden: keys stay on
  }
})();
let keysOff = stored;

document.addEventListener('keydown', (event) => {
  const row = document.activeElement?.closest('a.row');
  if (row && (event.key === 'ArrowDown' || event.key === 'ArrowUp')) {
    const rows = [...document.querySelectorAll('a.row')];
    rows[rows.indexOf(row) + (event.key === 'ArrowDown' ? 1 : -1)]?.focus();
    event.preventDefault();
    return;
  }
  const typing = event.target.matches('input, textarea, select, [contenteditable]');
  if (keysOff || typing || event.ctrlKey || event.metaKey || event.altKey) return;
  const go = {
    '/': () => document.getElementById('search')?.focus(),
    j: () => step(1),
    k: () => step(-1),
    u: () => document.getElementById('undo')?.click(),
    '?': () => help(),
  }[event.key];
  if (!go) return;
  event.preventDefault();
  go();
});
function step(by) {
  const rows = [...document.querySelectorAll('a.row')];
  const at = rows.indexOf(document.activeElement?.closest('a.row'));
  rows[at === -1 ? 0 : at + by]?.focus();
}

const KEYS = [
  ['j, k or arrows', 'next and previous incident'],
  ['Enter', 'open it'],
  ['/', 'search'],
  ['u', 'undo, on the page of an incident: shows first what it restores'],
  ['?', 'this list'],
];
function help() {
  let dialog = document.querySelector('dialog.keys');
  if (!dialog) {
    dialog = document.createElement('dialog');
    dialog.className = 'keys';
    dialog.setAttribute('aria-labelledby', 'keys-title');
    const title = Object.assign(document.createElement('h2'), { id: 'keys-title', textContent: 'Keyboard' });
    const list = document.createElement('dl');
    for (const [key, what] of KEYS) {
      const pair = document.createElement('div');
      pair.append(
        Object.assign(document.createElement('dt'), { textContent: key }),
        Object.assign(document.createElement('dd'), { textContent: what }),
      );
      list.append(pair);
    }
    const label = document.createElement('label');
    const box = Object.assign(document.createElement('input'), { type: 'checkbox', checked: !keysOff });
    box.addEventListener('change', () => {
      keysOff = !box.checked;
      try {
        localStorage.setItem(OFF, keysOff ? 'yes' : 'no');
      } catch {
        // storage is forbidden: it holds for this page only
      }
    });
    label.append(box, ' Single keys are on');
    const form = Object.assign(document.createElement('form'), { method: 'dialog' });
    form.append(Object.assign(document.createElement('button'), { textContent: 'Close' }));
    dialog.append(title, list, label, form);
    document.body.append(dialog);
  }
  dialog.showModal();
}
const helper = document.querySelector('[data-help]');
if (helper) {
  helper.hidden = false;
  helper.addEventListener('click', help);
}
