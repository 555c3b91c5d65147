/** Looks of the Slack page: a phone's width, and what a finger hits is large enough. */
export const SLACK_STYLE = `
.slack { max-width: 44rem; }
.slack nav.people { display: flex; flex-wrap: wrap; gap: .5rem; align-items: center; margin-bottom: .75rem; }
.slack nav.people a { padding: .35rem .75rem; border: 1px solid var(--line); border-radius: 1rem; text-decoration: none; }
.slack nav.people a[aria-current] { background: var(--soft); font-weight: 600; border-color: currentColor; }
.message { border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem; margin: 0 0 1rem; overflow-wrap: anywhere; }
.message.only { background: var(--soft); }
.message .from { margin: 0 0 .25rem; }
.message .app { font-size: .7rem; border-radius: .2rem; background: var(--line); padding: 0 .25rem; }
.message h2, .message h3, .modal h2 { font-size: 1.1rem; margin: .25rem 0 .5rem; }
.message .text, .modal .text, .message p, .modal p { margin: .5rem 0; line-height: 1.45; }
.small { font-size: .85rem; color: color-mix(in srgb, currentColor 75%, transparent); }
.message time { font-size: .85rem; }
.text time, .reply time { font-size: inherit; }
.reply { border-left: .2rem solid var(--line); padding-left: .75rem; }
code { background: var(--soft); border: 1px solid var(--line); border-radius: .2rem; padding: 0 .2rem; font-size: .85em; overflow-wrap: anywhere; }
.mention { background: color-mix(in srgb, var(--link) 15%, transparent); border-radius: .2rem; padding: 0 .2rem; }
.slack form, .modal form { display: block; margin: 0; }
.row { display: flex; flex-wrap: wrap; gap: .5rem; margin: .5rem 0; }
.row.end { justify-content: flex-end; }
/* As wide as Slack shows an image on a phone, and on a desk no wider. */
figure.image { margin: .5rem 0; }
figure.image figcaption { font-weight: 600; }
figure.image img { display: block; width: 100%; max-width: 22.5rem; height: auto; border: 1px solid var(--line); border-radius: .4rem; }
.beside { display: flex; gap: .75rem; align-items: center; justify-content: space-between; }
.slack button, .modal button { border: 1px solid var(--line); border-radius: .4rem; background: transparent; color: inherit; font-weight: 600; min-height: 2.75rem; }
.slack button.primary, .modal button.primary { background: #0b6b3a; border-color: #0b6b3a; color: #fff; }
.slack button.danger, .modal button.danger { color: var(--bad); border-color: var(--bad); }
.slack form.command { display: flex; gap: .5rem; align-items: center; margin-bottom: 1rem; }
.slack form.command label { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
.slack form.command input { flex: 1; min-width: 0; font: inherit; padding: .4rem .6rem; min-height: 2.75rem; box-sizing: border-box; }
aside.over { position: fixed; inset: 0; background: #0009; display: flex; align-items: center; justify-content: center; z-index: 1; }
dialog.modal { position: static; margin: 0; width: min(36rem, 100vw); max-height: 100dvh; box-sizing: border-box; border: 1px solid var(--line); border-radius: .75rem; padding: 1rem; overflow-y: auto; background: Canvas; color: CanvasText; overflow-wrap: anywhere; }
dialog.modal pre { font-size: .8rem; max-width: 100%; }
.input { margin: .75rem 0; border: 0; padding: 0; }
.input label, .input legend { font-weight: 600; display: block; padding: 0; }
.input textarea, .input select { width: 100%; box-sizing: border-box; font: inherit; margin-top: .25rem; }
.input label.check { display: flex; gap: .6rem; align-items: flex-start; font-weight: 400; min-height: 2.75rem; margin-top: .5rem; }
.input label.check input { width: 1.25rem; height: 1.25rem; flex: none; }
.wrong { color: var(--bad); font-weight: 600; }
@media (max-width: 30rem) { .slack button { padding: .4rem .7rem; } .message { padding: .6rem .75rem; } }
`;

/**
 * Keeps the modal in step with Slack: it is replaced only when Slack holds another one, so that what is being filled in
 * stays. A menu is sent as soon as something is chosen, as Slack does.
 */
export const SLACK_SCRIPT = `
const events = new EventSource('/events');
async function refreshModal() {
  const answer = await fetch(location.href);
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html').querySelector('#modal');
  const shown = document.querySelector('#modal');
  if (!fresh || !shown || fresh.dataset.hash === shown.dataset.hash) return;
  shown.replaceWith(fresh);
  document.querySelector('main').inert = fresh.querySelector('dialog') !== null;
}
events.addEventListener('change', refreshModal);
events.addEventListener('open', refreshModal);
document.addEventListener('change', (event) => { if (event.target.matches('[data-now]')) event.target.form.requestSubmit(); });
`;
