/** What undo would do now, before anyone presses it: read live, step by step. */
import { changeNames } from '../../core/incident/change-names.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { changeHtml } from '../change.ts';
import { statusBadge, time, undoBadge } from '../format.ts';
import { CSRF_FIELD, hidden, type Page } from '../layout.ts';
import { breakable, type Markup, markup, type Value } from '../markup.ts';
import type { Person, UndoView } from '../source.ts';

export function undoPage(view: {
  readonly incident: Incident;
  readonly undo: UndoView;
  readonly people: readonly Person[];
  readonly csrf: string;
  /** Why the last try did nothing. */
  readonly notice?: string | undefined;
}): Page {
  const { incident, undo, people, csrf, notice } = view;
  const { safety, targets } = undo;
  const names = changeNames(
    incident,
    targets.flatMap(({ steps }) => steps.map(({ step }) => step)),
  );
  const holds = targets.some((target) => target.holds);
  const [only] = people.length === 1 ? people : [];
  const who = only
    ? markup`<p>You act as <strong>${only.name}</strong>.</p>${hidden({ as: only.id })}`
    : markup`<label>You act as <select name="as">${people.map(({ id, name }) => markup`<option value="${id}">${name}</option>`)}</select></label>`;
  const form = holds
    ? markup`<form method="post" action="/incident/${incident.id}/undo" class="stack">${hidden({ [CSRF_FIELD]: csrf })}${who}<div><button class="primary">${safety.safe ? 'Undo now' : 'Ask a second person to agree'}</button> <a class="button" href="/incident/${incident.id}">Leave it contained</a></div></form>`
    : markup`<p>Nothing of this incident is in place: undo would change nothing.</p>`;
  return {
    title: `Undo ${incident.id}`,
    live: false,
    main: markup`<p class="crumbs"><a href="/">Incidents</a> / <a href="/incident/${incident.id}">${incident.id}</a> / <span>undo</span></p>
<h1>Undo ${breakable(incident.type)}</h1><p>${statusBadge(incident.status)} <span class="target">${breakable(incident.display ?? '')}</span></p>
${notice ? markup`<p class="alert" role="status">${notice}</p>` : ''}
${holds ? verdict(undo) : ''}
${form}
<h2>What would happen, the last step first</h2><p class="note">Read live just now. When undo runs, each value is read again; one that was changed since is reported and left alone.</p>
${targets.map((each) => target(each, names))}`,
  };
}

function verdict({ safety }: UndoView): Markup {
  const risks = (safety.residual ?? []).map((risk) => markup`<p class="alert">${risk}</p>`);
  return markup`${mayUndo(safety)}${risks}`;
}

function mayUndo(safety: UndoView['safety']): Markup {
  if (safety.safe)
    return markup`<p class="alert calm"><strong>One person may undo this.</strong> ${safety.why}</p>`;
  return markup`<p class="alert"><strong>Not safe yet:</strong> ${safety.why}. A second person must agree in Slack or with <code>firebreak approve</code>, and one more where policy.yml does not map you to an approver${safety.safeAt ? markup`; it is safe from ${time(safety.safeAt)} UTC on` : ''}.</p>`;
}

function target(
  { target: name, heldBy, holds, steps }: UndoView['targets'][number],
  names: Readonly<Record<string, string>>,
): Value {
  const held =
    heldBy.length > 0
      ? markup`<p class="alert">Stays contained for ${heldBy.map((id) => markup`<a href="/incident/${id}">${id}</a> `)}: nothing below is restored until the last of them is undone.</p>`
      : '';
  const lines = steps.map(({ step, will, live, why }) => {
    const change =
      will === 'restore'
        ? changeHtml(
            { ...step, before: live ?? step.after, after: step.before },
            `What is restored: ${step.describe}`,
            names,
          )
        : will === 'leave'
          ? changeHtml(
              { ...step, before: step.after, after: live },
              `What was changed since: ${step.describe}`,
              names,
            )
          : '';
    return markup`<li><p class="step-head">${undoBadge(will)} <strong>${breakable(step.describe)}</strong></p>${why ? markup`<p class="note">${why}</p>` : ''}${change}</li>`;
  });
  return markup`<section class="panel"><h3>${breakable(name)}</h3>${held}${holds ? '' : markup`<p class="note">Nothing of this incident is in place here.</p>`}<ol class="steps">${lines}</ol></section>`;
}
