/** The context of an incident on its page: owner, ATT&CK, links, and the principal's calls as a table. */
import type { IncidentContext } from '../core/context.ts';
import { html } from './html.ts';

export function contextSection(context: IncidentContext | undefined): string {
  if (!context) return '';
  const { owner, attack, links, tags, activity } = context;
  const link = (url: string, text: string) =>
    `<a href="${html(url)}" rel="noreferrer noopener" target="_blank">${html(text)}</a>`;
  const items = [
    ...(owner === undefined ? [] : [`Owner: <strong>${html(owner)}</strong>`]),
    ...attack.map(
      ({ kind, id, name, url }) =>
        `ATT&amp;CK ${kind}: ${url === undefined ? html(name) : `${link(url, id)} ${html(name)}`}`,
    ),
    ...(links.length > 0 ? [`Open in ${links.map(({ url, label }) => link(url, label)).join(', ')}`] : []),
    ...(Object.keys(tags).length > 0
      ? [
          `Tags: ${Object.entries(tags)
            .map(([key, value]) => html(`${key}=${value}`))
            .join(', ')}`,
        ]
      : []),
  ];
  return `<h2>Context</h2><ul>${items.map((item) => `<li>${item}</li>`).join('')}</ul>${calls(activity)}`;
}

function calls(activity: IncidentContext['activity']): string {
  if (activity.kind === 'not-read') return `<p class="note">${html(activity.why)}</p>`;
  const { events, more, of, from, to } = activity;
  const caption = `${more ? 'The newest ' : ''}${events.length} calls by ${of}, ${from.slice(0, 16)} to ${to.slice(0, 16)} UTC`;
  if (events.length === 0) return `<p class="note">${html(caption)}. CloudTrail is some minutes late.</p>`;
  const rows = events.map(
    ({ at, name, source, region, ip, agent, error }) =>
      `<tr><td class="at">${html(at)}</td><td>${html(name)}<br><span class="note">${html(source)} ${html(region)}</span></td><td>${html(ip ?? '')}<br><span class="note">${html(agent ?? '')}</span></td><td>${error === undefined ? '' : `<strong>${html(error)}</strong>`}</td></tr>`,
  );
  return `<div class="scroll" role="region" aria-label="Calls of the principal" tabindex="0"><table><caption>${html(caption)}</caption><thead><tr><th scope="col">At</th><th scope="col">Call</th><th scope="col">From</th><th scope="col">Refused</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}
