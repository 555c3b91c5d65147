/** The context of an incident on its page: owner, ATT&CK, links, and the principal's calls as a table. */
import type { IncidentContext } from '../core/incident/context.ts';
import { modelUseWords } from '../core/incident/model-use.ts';
import { breakable, type Markup, markup, type Value } from './markup.ts';

export function contextSection(context: IncidentContext | undefined): Markup {
  if (!context)
    return markup`<p class="note">Not gathered: nothing is looked into for what is only recorded.</p>`;
  const { owner, attack, links, tags, activity, models } = context;
  const link = (url: string, text: string) =>
    markup`<a href="${url}" rel="noreferrer noopener" target="_blank">${text}</a>`;
  const rows: readonly (readonly [string, Value])[] = [
    ...(owner === undefined ? [] : [['Team (tag)', markup`<strong>${owner}</strong>`] as const]),
    ...attack.map(
      ({ kind, id, name, url }) =>
        [`ATT&CK ${kind}`, url === undefined ? name : markup`${link(url, id)} ${name}`] as const,
    ),
    ...(models === undefined
      ? []
      : [['Models', modelUseWords(models).map((line) => markup`<p>${breakable(line)}</p>`)] as const]),
    ...(links.length > 0
      ? [['Open in', links.map(({ url, label }) => markup`${link(url, label)} `)] as const]
      : []),
    ...(Object.keys(tags).length > 0
      ? [
          [
            'Tags',
            Object.entries(tags).map(([key, value]) => markup`<span class="tag">${key}=${value}</span> `),
          ] as const,
        ]
      : []),
  ];
  return markup`<dl class="pairs">${rows.map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>${calls(activity)}`;
}

function calls(activity: IncidentContext['activity']): Markup {
  if (activity.kind === 'not-read') return markup`<p class="note">${activity.why}</p>`;
  const { events, more, of, from, to } = activity;
  const caption = `${more ? 'The newest ' : ''}${events.length} calls by ${of}, ${from.slice(0, 16)} to ${to.slice(0, 16)} UTC`;
  if (events.length === 0) return markup`<p class="note">${caption}. CloudTrail is some minutes late.</p>`;
  const rows = events.map(
    ({ at, name, source, region, ip, agent, error }) =>
      markup`<tr><td>${at}</td><th scope="row">${name}<span class="note">${source} ${region}</span></th><td>${ip ?? ''}<span class="note">${breakable(agent ?? '')}</span></td><td>${error === undefined ? '' : markup`<strong>${error}</strong>`}</td></tr>`,
  );
  return markup`<div class="scroll" role="region" aria-label="Calls of the principal" tabindex="0"><table><caption>${caption}</caption><thead><tr><th scope="col">At</th><th scope="col">Call</th><th scope="col">From</th><th scope="col">Refused</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}
