/** What the page looks like, and the few lines that keep it live. Served as files: the policy allows nothing inline. */
export const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; --line: #8885; --soft: #8881; --good: #1a7f37; --bad: #b42318; --wait: #8a5a00; --link: #0550ae; background: #fff; color: #1a1d21; }
@media (prefers-color-scheme: dark) { :root { --good: #4ac26b; --bad: #ff8078; --wait: #e0a53a; --link: #79b8ff; background: #14171a; color: #e8eaed; } }
body { margin: 0 auto; max-width: 84rem; padding: 1rem; }
a { color: var(--link); }
h1 { font-size: 1.5rem; margin: .5rem 0; } h2 { font-size: 1.15rem; margin: 1.25rem 0 .5rem; } h3 { font-size: 1rem; margin: .25rem 0; }
main.two { display: grid; gap: 2rem; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); }
@media (max-width: 60rem) { main.two { grid-template-columns: minmax(0, 1fr); } }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .4rem .75rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: break-word; }
td.id, td.at { white-space: nowrap; }
th { font-weight: 600; white-space: nowrap; }
article { border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem; margin-bottom: 1rem; overflow-wrap: anywhere; }
.fields { display: grid; grid-template-columns: 1fr 1fr; gap: .5rem; }
@media (max-width: 30rem) { .fields { grid-template-columns: 1fr; } }
form { display: inline-block; margin: .25rem .5rem .25rem 0; }
button, select { font: inherit; padding: .4rem .9rem; min-height: 2.5rem; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.note { color: color-mix(in srgb, currentColor 75%, transparent); }
.status { font-weight: 600; }
.status.good { color: var(--good); } .status.bad { color: var(--bad); } .status.wait { color: var(--wait); }
ins { color: var(--good); text-decoration: none; } del { color: var(--bad); text-decoration: none; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--soft); padding: .75rem; border-radius: .5rem; }
.warning { border-left: .3rem solid var(--wait); padding-left: .75rem; }
`;

/**
 * The server says that something changed; the page fetches itself and takes over the new content. What somebody is
 * doing (an open form, a focused button) is left alone: the page is brought up to date once the focus is elsewhere.
 */
export const SCRIPT = `
const events = new EventSource('/events');
let stale = false;
async function refresh() {
  const busy = document.activeElement?.closest('form');
  if (!stale || busy) return;
  stale = false;
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const open = [...document.querySelectorAll('details')].map((one) => one.open);
  document.querySelector('main').replaceWith(fresh.querySelector('main'));
  [...document.querySelectorAll('details')].forEach((one, index) => { one.open = open[index] ?? false; });
}
const changed = () => { stale = true; refresh(); };
events.addEventListener('change', changed);
// What changed between this page and the connection would otherwise never show.
events.addEventListener('open', changed);
document.addEventListener('focusout', () => setTimeout(refresh, 200));
`;
