/**
 * Approve or deny from the console: what would be changed, who may decide, until when. The answer goes through the caller's
 * own door, as the command's does, and is judged there as a click in Slack is; the page itself decides nothing.
 */
import { createHash } from 'node:crypto';
import { briefOf } from '../../core/incident/brief.ts';
import { changeNames } from '../../core/incident/change-names.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { targetName } from '../../core/incident/names.ts';
import { deadlineHtml, todo } from '../brief.ts';
import { changeHtml } from '../change.ts';
import { statusBadge } from '../format.ts';
import { CSRF_FIELD, hidden, type Page } from '../layout.ts';
import { breakable, markup, type Value } from '../markup.ts';
import type { Approvers, Person } from '../source.ts';

/** Names a question without its id, by which it is decided: an answer counts for the question that was on the page. */
export const questionMark = ({ approval }: Incident): string =>
  createHash('sha256')
    .update(`question ${approval?.id ?? ''}`)
    .digest('hex')
    .slice(0, 16);

/** Whether the incident asks something that is answered on it, and not on the incident that it joined. */
export const asksHere = ({ approval }: Pick<Incident, 'approval'>): boolean =>
  approval !== undefined && approval.outcome === undefined && approval.joined === undefined;

export function answerPage(view: {
  readonly incident: Incident;
  readonly approvers: Approvers;
  readonly people: readonly Person[];
  readonly csrf: string;
  readonly command: (given: string) => string;
  /** What became of the last try. */
  readonly notice?: string | undefined;
}): Page {
  const { incident, approvers, people, csrf, command, notice } = view;
  const { next } = briefOf({ incident, steps: [] });
  const undo = incident.approval?.purpose === 'undo';
  const body = asksHere(incident)
    ? markup`<p>${todo(next)}</p>${whoMay(approvers, incident)}
${form(incident, approvers, people, csrf)}
<h2>${undo ? 'What undo would restore' : 'Proposed action'}</h2>${undo ? markup`<p><a href="/incident/${incident.id}/undo">Preview undo</a></p>` : plans(incident)}`
    : markup`<p>No approval is requested for this incident now.</p>`;
  return {
    title: `Decide ${incident.id}`,
    live: false,
    main: markup`<p class="crumbs"><a href="/">Incidents</a> / <a href="/incident/${incident.id}">${incident.id}</a> / <span>decide</span></p>
<h1>${undo ? 'Undo the containment?' : 'Contain?'} ${breakable(incident.title)}</h1><p>${statusBadge(incident.status)} <span class="target">${breakable(incident.display ?? '')}</span></p>
${notice ? markup`<p class="alert" role="status">${notice}</p>` : ''}
${body}
<h2>Without this page</h2><p>In Slack on the card, or with the command:</p>${next.commands.map((given) => markup`<p class="command"><code>${command(given)}</code></p>`)}`,
  };
}

/** Who may approve, and how many must. */
export function whoMay({ ids, mapped }: Approvers, { approval }: Incident): Value {
  const needed = approval?.needed ?? 1;
  const except =
    approval?.requestedBy === undefined ? '' : `, except ${approval.requestedBy}, who asked for it`;
  const who = ids.length > 0 ? ids.join(', ') : 'no one: policy.yml does not name an approver';
  const caller = mapped.kind === 'unmapped' ? ` ${mapped.why}` : '';
  return markup`<p class="note">May approve: <strong>${who}</strong>${except}. ${needed > 1 ? `${approval?.approvedBy.length ?? 0} of ${needed} approvals given.` : 'One approval is enough.'}${caller}</p>`;
}

function form(incident: Incident, { mapped }: Approvers, people: readonly Person[], csrf: string): Value {
  if (mapped.kind === 'unmapped') return '';
  const [only] = people.length === 1 ? people : [];
  const who = only
    ? markup`<p>You act as <strong>${only.name}</strong>.</p>${hidden({ as: only.id })}`
    : markup`<label>You act as <select name="as">${people.map(({ id, name }) => markup`<option value="${id}">${name}</option>`)}</select></label>`;
  return markup`<form method="post" action="/incident/${incident.id}/answer" class="stack">${hidden({ [CSRF_FIELD]: csrf, question: questionMark(incident) })}${who}
<label>Reason <input name="reason" maxlength="1000" autocomplete="off"> <span class="note">needed to deny; the next person reads it</span></label>
<div><button class="primary" name="outcome" value="approved">Approve</button> <button name="outcome" value="denied">Deny</button> <a class="button" href="/incident/${incident.id}">Not yet</a></div></form>`;
}

function plans(incident: Incident): Value {
  const names = changeNames(incident, []);
  return incident.targets.map((entry) => {
    const { plan, problem } = entry;
    const head = markup`<h3>${breakable(targetName(entry))}</h3>`;
    if (plan?.kind !== 'plan')
      return markup`${head}<p class="note">${problem ?? (plan ? plan.reason : 'not read yet')}</p>`;
    return markup`${head}${plan.warnings.length > 0 ? markup`<ul>${plan.warnings.map((warning) => markup`<li>${breakable(warning)}</li>`)}</ul>` : ''}<ol class="steps">${plan.steps.map(
      (step) =>
        markup`<li><p class="step-head"><strong>${breakable(step.describe)}</strong> <span class="note">${step.role}</span></p>${changeHtml(step, `Plan: ${step.describe}`, names)}</li>`,
    )}</ol>`;
  });
}

/** One line of what waits, for the top of the list. */
export function waitingLine(incident: Incident): Value {
  const { approval, id, label, severity } = incident;
  const { next } = briefOf({ incident, steps: [] });
  if (!approval) return '';
  return markup`<li class="waiting-row"><span class="severity ${label}"><span class="pip" aria-hidden="true"></span>${label} <span class="num">${severity}</span></span>
<a href="/incident/${id}">${breakable(incident.title)}</a> <span class="target">${breakable(incident.targets[0] ? targetName(incident.targets[0]) : (incident.display ?? 'no named resource'))}</span>
<span>${approval.purpose === 'undo' ? 'Undo. ' : ''}${next.deadline ? deadlineHtml(next.deadline) : ''}</span>
<a class="button" href="/incident/${id}/answer">Approve or deny…</a></li>`;
}
