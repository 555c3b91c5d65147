/** The local page: incidents beside the Slack twin's channel. Server-rendered; every string from outside is escaped. */

import type { IncidentContext } from '../core/context.ts';
import type { StepRecord } from '../core/hold.ts';
import {
  type Incident,
  type IncidentStatus,
  isContained,
  lapseOf,
  type TimelineEvent,
} from '../core/incident.ts';
import type { UndoSafety } from '../core/playbook.ts';
import { contextSection } from './context-section.ts';
import { html } from './html.ts';
import type { Person, SlackDesk } from './slack/desk.ts';
import { isOver, type PaneState, slackModal, slackPane } from './slack/pane.ts';

/** The form field that proves a post comes from this page. */
export const CSRF_FIELD = 'csrf';

/** `live`: kept up to date by server-sent events; without scripts the page reloads by itself. */
const document = (
  title: string,
  main: string,
  live: boolean,
  kind = '',
  aside = '',
): string => `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${html(title)}</title><link rel="stylesheet" href="/style.css">${aside ? '<link rel="stylesheet" href="/slack.css"><script type="module" src="/slack.js"></script>' : ''}${live ? '<script type="module" src="/live.js"></script><noscript><meta http-equiv="refresh" content="5"></noscript>' : ''}</head>
<body><header><p><a href="/">Firebreak</a></p></header><main${kind}${isOver(aside) ? ' inert' : ''}>${main}</main>${aside}</body></html>`;

const GOOD: readonly IncidentStatus[] = ['contained', 'undone', 'recorded', 'notified'];
const BAD: readonly IncidentStatus[] = ['failed', 'partial', 'escalated', 'expired', 'undo-partial'];
const statusHtml = (status: IncidentStatus): string => {
  const tone = GOOD.includes(status) ? 'good' : BAD.includes(status) ? 'bad' : 'wait';
  return `<span class="status ${tone}">${html(status)}</span>`;
};

/** Who looks at Slack, and what the last press left to show. */
export type SlackState = Omit<PaneState, 'proof'> & { readonly csrf: string };

export function homePage(
  view: {
    readonly incidents: readonly Incident[];
    readonly slack: SlackDesk;
  } & SlackState,
): string {
  const rows = view.incidents.map(
    (
      incident,
    ) => `<tr><td class="id"><a href="/incident/${html(incident.id)}">${html(incident.id)}</a><br>${html(incident.createdAt.slice(11, 19))} UTC</td>
<td class="id">${statusHtml(incident.status)}<br>${html(String(incident.severity))} ${html(incident.label)}</td>
<td>${broken(incident.type)}<br><span class="note" title="${html(incident.display ?? '')}">${broken(shortArn(incident.display ?? 'no resource named'))}</span></td></tr>`,
  );
  return document(
    'Firebreak',
    `<section aria-labelledby="incidents"><h1 id="incidents">Incidents</h1>
<div class="scroll" role="region" aria-label="Table of incidents" tabindex="0"><table><thead><tr><th scope="col">Incident</th><th scope="col">Status</th><th scope="col">Finding and target</th></tr></thead>
<tbody>${rows.join('') || '<tr><td colspan="3">None yet.</td></tr>'}</tbody></table></div></section>
${slackParts(view).pane}`,
    true,
    ' class="two"',
    slackParts(view).modal,
  );
}

/** Slack alone, as on a phone. */
export const slackPage = (slack: SlackDesk, state: SlackState): string => {
  const { pane, modal } = slackParts({ slack, ...state });
  return document('Slack', pane, true, '', modal);
};

const slackParts = ({ slack, csrf, ...state }: { readonly slack: SlackDesk } & SlackState) => {
  const pane = { ...state, proof: hidden({ [CSRF_FIELD]: csrf }) };
  return { pane: slackPane(slack, pane), modal: slackModal(slack, pane) };
};

/** May wrap where a person would break it. */
const broken = (text: string): string => html(text).replace(/([:/.-])/g, '$1<wbr>');
/** The resource part of an ARN; the whole of it is in the title and on the incident's page. */
const shortArn = (text: string): string => text.replace(/^arn:[^:]*:([^:]*):[^:]*:[^:]*:/, '$1 ');

const hidden = (fields: Readonly<Record<string, string>>): string =>
  Object.entries(fields)
    .map(([name, value]) => `<input type="hidden" name="${name}" value="${html(value)}">`)
    .join('');

/** Who presses the button: in the sandbox anybody may be played, so that two-person rules can be tried. */
const asPerson = (people: readonly Person[]): string =>
  `<select name="as" aria-label="Act as">${people.map(({ id, name }) => `<option value="${html(id)}">as ${html(name)}</option>`).join('')}</select>`;

/** A containment that ends by itself says when. */
function lapseHtml(incident: Incident): string {
  const end = lapseOf(incident);
  return end !== undefined && isContained(incident.status)
    ? `<p>Taken back by itself at ${html(end)}, unless the finding goes on.</p>`
    : '';
}

export function incidentPage(view: {
  readonly incident: Incident;
  readonly timeline: readonly TimelineEvent[];
  readonly steps: readonly StepRecord[];
  readonly finding: unknown;
  readonly context?: IncidentContext | undefined;
}): string {
  const { incident } = view;
  const steps = view.steps.map(
    (step) =>
      `<tr><td>${html(step.describe)}</td><td>${html(step.status)}</td><td>${changeHtml(step.before, step.after)}</td><td>${html(step.note ?? '')}</td></tr>`,
  );
  const proofs = incident.targets.flatMap(({ proof }) => proof?.checks ?? []);
  const ofTargets = incident.targets.flatMap(({ plan, proof }) => [
    ...(plan?.kind === 'plan' ? plan.residual : []),
    ...(proof?.residual ?? []),
  ]);
  const remaining = [...new Set([...(incident.residual ?? []), ...ofTargets])];
  const list = (lines: readonly string[]) => `<ul>${lines.map((line) => `<li>${line}</li>`).join('')}</ul>`;
  const undoable = view.steps.some(({ status }) => status === 'done');
  return document(
    `Firebreak ${incident.id}`,
    `<h1>${html(incident.id)}: ${statusHtml(incident.status)}</h1>
<p><strong>${html(incident.type)}</strong> (${html(String(incident.severity))} ${html(incident.label)}) on ${html(incident.display ?? 'no named target')} in ${html(incident.account)}, ${html(incident.region)}</p>${lapseHtml(incident)}
${undoable ? `<p><a href="/incident/${html(incident.id)}/undo">Undo: see what it would give back</a></p>` : ''}
<h2>Decision</h2>${list((incident.decision?.reasons ?? []).map(html))}
<h2>Timeline</h2><table><tbody>${view.timeline.map(({ at, event }) => `<tr><td class="at">${html(at.slice(11, 23))}</td><td>${html(event)}</td></tr>`).join('')}</tbody></table>
<h2>Steps</h2><div class="scroll" role="region" aria-label="Steps" tabindex="0"><table><thead><tr><th scope="col">Step</th><th scope="col">Status</th><th scope="col">Before and after</th><th scope="col">Note</th></tr></thead><tbody>${steps.join('')}</tbody></table></div>
<h2>Proof</h2>${list(proofs.map(({ ok, saw }) => `${ok ? 'seen' : '<strong>NOT seen</strong>'}: ${html(saw)}`))}
${remaining.length > 0 ? `<h2>Remaining risk</h2>${list([...new Set(remaining)].map(html))}` : ''}
${contextSection(view.context)}
<details><summary>Finding as received</summary><pre>${html(JSON.stringify(view.finding, null, 2))}</pre></details>`,
    true,
  );
}

const changeHtml = (before: unknown, after: unknown): string =>
  before === undefined && after === undefined
    ? ''
    : `<del>− ${html(JSON.stringify(before ?? null))}</del><br><ins>+ ${html(JSON.stringify(after ?? null))}</ins>`;

/** What undo would do, before anybody presses it. */
export function undoPage(view: {
  readonly incident: Incident;
  readonly steps: readonly StepRecord[];
  readonly safety: UndoSafety;
  readonly people: readonly Person[];
  readonly csrf: string;
}): string {
  const { incident, safety } = view;
  const changes = view.steps
    .filter(({ status }) => status === 'done')
    .reverse()
    .map(
      ({ describe, before, after, role }) =>
        `<tr><td>${html(describe)}</td><td>${role === 'label' ? 'stays, as a label' : changeHtml(after, before)}</td></tr>`,
    );
  const warning = safety.safe
    ? '<p>One person may undo this.</p>'
    : `<p class="warning"><strong>Not safe yet:</strong> ${html(safety.why)}. A second person must agree in Slack.</p>`;
  return document(
    `Undo ${incident.id}`,
    `<h1>Undo ${html(incident.id)}</h1>${warning}
<div class="scroll" role="region" aria-label="What undo gives back" tabindex="0"><table><thead><tr><th scope="col">Step, the last one first</th><th scope="col">From and to</th></tr></thead><tbody>${changes.join('')}</tbody></table></div>
<p class="note">A value that somebody changed since is reported as drift and left alone.</p>
<form method="post" action="/incident/${html(incident.id)}/undo">${hidden({ [CSRF_FIELD]: view.csrf })}${asPerson(view.people)} <button>Undo</button></form>
<p><a href="/incident/${html(incident.id)}">Back to the incident</a></p>`,
    false,
  );
}
