/** What a contained principal made before, on the incident's page: each with its containment. */
import type { MadeBefore } from '../core/incident/made/made.ts';
import { breakable, type Markup, markup } from './markup.ts';

export function madeSection(made: MadeBefore | undefined): Markup {
  if (!made) return markup`<p class="note">Not looked up: that is done once an identity is contained.</p>`;
  const { entries, left, unread, refused, of, from, to } = made;
  const minutes = (iso: string) => iso.slice(0, 16).replace('T', ' ');
  const gaps = [
    ...(left > 0 ? [`${left} more are not listed: see CloudTrail`] : []),
    ...unread.map((what) => `not read: ${what}`),
    ...refused.map((what) => `not looked up: ${what}`),
  ];
  const caption = `${entries.length + left} made by ${of}, ${minutes(from)} to ${minutes(to)} UTC`;
  const rows = entries.map(
    ({ at, call, region, what, by, times, action, command }) =>
      markup`<tr><td>${at}</td><th scope="row">${breakable(what)}<span class="note">${call}${region === '' ? '' : ` in ${region}`}${times > 1 ? `, ${times} times` : ''}</span></th><td>${breakable(by)}</td><td>${action}${command === undefined ? '' : markup`<pre><code>${command}</code></pre>`}</td></tr>`,
  );
  const table = markup`<p>Firebreak does not remove these. Run what is right for each, with the rights of an administrator of the account.</p>
<div class="scroll" role="region" aria-label="Made before containment" tabindex="0"><table><caption>${caption}</caption><thead><tr><th scope="col">At</th><th scope="col">What</th><th scope="col">By</th><th scope="col">Containment</th></tr></thead><tbody>${rows}</tbody></table></div>`;
  return markup`${entries.length > 0 ? table : markup`<p>${caption}.</p>`}<p class="note">CloudTrail delivers calls some minutes late: Firebreak looks again 20 minutes after containment.</p>${
    gaps.length > 0
      ? markup`<ul class="risks">${gaps.map((gap) => markup`<li>${breakable(gap)}</li>`)}</ul>`
      : ''
  }`;
}
