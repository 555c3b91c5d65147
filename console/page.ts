/** The local page: incidents beside the Slack twin's channel. Server-rendered; every string from outside is escaped. */

import type { StepRecord } from '../core/hold.ts';
import type { Incident, TimelineEvent } from '../core/incident.ts';
import type { Block } from '../slack/card.ts';

/** HTML text: markup escaped, control characters and direction marks shown as their code. */
export const html = (text: string): string =>
  text
    .replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (char) =>
      char === '\n' ? '\n' : `\\u${char.codePointAt(0)?.toString(16).padStart(4, '0')}`,
    )
    .replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);

export interface ChannelMessage {
  readonly ts: string;
  readonly updates: number;
  readonly blocks: readonly Block[];
}

/** The form field that proves a post comes from this page. */
export const CSRF_FIELD = 'csrf';

export const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { margin: 0 auto; max-width: 80rem; padding: 1rem; }
main { display: grid; gap: 2rem; grid-template-columns: minmax(0, 3fr) minmax(0, 2fr); }
@media (max-width: 50rem) { main { grid-template-columns: minmax(0, 1fr); } }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .4rem .6rem .4rem 0; border-bottom: 1px solid #8886; vertical-align: top; overflow-wrap: anywhere; }
article { border: 1px solid #8886; border-radius: .5rem; padding: .75rem 1rem; margin-bottom: 1rem; overflow-wrap: anywhere; }
.fields { display: grid; grid-template-columns: 1fr 1fr; gap: .5rem; }
button { font: inherit; padding: .4rem .9rem; margin-right: .5rem; }
.note { opacity: .8; }
pre { white-space: pre-wrap; }
`;

const document = (title: string, body: string, refresh: boolean): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
${refresh ? '<meta http-equiv="refresh" content="3">' : ''}<title>${html(title)}</title><link rel="stylesheet" href="/style.css"></head>
<body>${body}</body></html>`;

export function homePage(view: {
  readonly incidents: readonly Incident[];
  readonly messages: readonly ChannelMessage[];
  readonly csrf: string;
}): string {
  const rows = view.incidents.map(
    (incident) => `<tr><td><a href="/incident/${html(incident.id)}">${html(incident.id)}</a></td>
<td><strong>${html(incident.status)}</strong></td><td>${html(String(incident.severity))} ${html(incident.label)}</td>
<td>${html(incident.type)}</td><td>${html(incident.display ?? 'none named')}</td><td>${html(incident.createdAt.slice(11, 19))}</td></tr>`,
  );
  const cards = [...view.messages].reverse().map((message) => card(message, view.csrf));
  return document(
    'Firebreak',
    `<h1>Firebreak</h1><main><section aria-labelledby="incidents"><h2 id="incidents">Incidents</h2>
<table><thead><tr><th>Incident</th><th>Status</th><th>Severity</th><th>Finding</th><th>Target</th><th>At (UTC)</th></tr></thead>
<tbody>${rows.join('') || '<tr><td colspan="6">None yet.</td></tr>'}</tbody></table></section>
<section aria-labelledby="slack"><h2 id="slack">Slack: #incidents</h2><p class="note">Buttons act as Bob, an approver.</p>${cards.join('') || '<p>No message yet.</p>'}</section></main>`,
    true,
  );
}

function card({ ts, updates, blocks }: ChannelMessage, csrf: string): string {
  return `<article aria-label="Slack message">${blocks.map((block) => blockHtml(block, ts, csrf)).join('')}${updates > 0 ? '<p class="note">(edited)</p>' : ''}</article>`;
}

/** Slack's text is escaped for Slack already; here its entities are undone and the result is escaped for HTML. */
const mrkdwn = (text: string): string =>
  html(
    text
      .replace(/<!date\^[^|>]*\|([^>]*)>/g, '$1')
      .replace(/<@([UW][A-Z0-9]+)>/g, '@$1')
      .replace(/<https?:[^|>]*\|([^>]*)>/g, '$1')
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&amp;', '&')
      .replaceAll('\u200b', ''),
  )
    .replace(/\*([^*\n]+)\*/g, '<strong>$1</strong>')
    .replaceAll('\n', '<br>');

function blockHtml(block: Block, ts: string, csrf: string): string {
  switch (block.type) {
    case 'header':
      return `<h3>${html(block.text.text)}</h3>`;
    case 'divider':
      return '<hr>';
    case 'section':
      return 'text' in block
        ? `<p>${mrkdwn(block.text.text)}</p>`
        : `<div class="fields">${block.fields.map(({ text }) => `<div>${mrkdwn(text)}</div>`).join('')}</div>`;
    case 'context':
      return `<p class="note">${block.elements.map(({ text }) => mrkdwn(text)).join(' ')}</p>`;
    case 'actions':
      return block.elements
        .map(
          ({ action_id, value, text }) => `<form method="post" action="/click">
<input type="hidden" name="${CSRF_FIELD}" value="${html(csrf)}"><input type="hidden" name="ts" value="${html(ts)}">
<input type="hidden" name="action" value="${html(action_id)}"><input type="hidden" name="value" value="${html(value)}">
<button>${html(text.text)}</button></form>`,
        )
        .join('');
  }
}

export function incidentPage(view: {
  readonly incident: Incident;
  readonly timeline: readonly TimelineEvent[];
  readonly steps: readonly StepRecord[];
  readonly finding: unknown;
}): string {
  const { incident } = view;
  const json = (value: unknown) => html(JSON.stringify(value ?? null));
  const steps = view.steps.map(
    (step) =>
      `<tr><td>${html(step.describe)}</td><td>${html(step.status)}</td><td>${json(step.before)}</td><td>${json(step.after)}</td><td>${html(step.note ?? '')}</td></tr>`,
  );
  const proofs = incident.targets.flatMap(({ proof }) => proof?.checks ?? []);
  return document(
    `Firebreak ${incident.id}`,
    `<p><a href="/">All incidents</a></p><h1>${html(incident.id)}: ${html(incident.status)}</h1>
<p><strong>${html(incident.type)}</strong> (${html(String(incident.severity))} ${html(incident.label)}) on ${html(incident.display ?? 'no named target')} in ${html(incident.account)}, ${html(incident.region)}</p>
<h2>Timeline</h2><table><tbody>${view.timeline.map(({ at, event }) => `<tr><td>${html(at.slice(11, 23))}</td><td>${html(event)}</td></tr>`).join('')}</tbody></table>
<h2>Steps</h2><table><thead><tr><th>Step</th><th>Status</th><th>Before</th><th>After</th><th>Note</th></tr></thead><tbody>${steps.join('')}</tbody></table>
<h2>Proof</h2><ul>${proofs.map(({ ok, saw }) => `<li>${ok ? 'seen' : 'NOT seen'}: ${html(saw)}</li>`).join('')}</ul>
<details><summary>Finding as received</summary><pre>${html(JSON.stringify(view.finding, null, 2))}</pre></details>`,
    false,
  );
}
