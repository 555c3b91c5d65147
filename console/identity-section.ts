/** Everything that the identity of an incident is, each with what became of it and where it is decided. */
import { identityCount, identityOf, identityTone, identityWords } from '../core/incident/identity.ts';
import { breakable, type Markup, markup } from './markup.ts';
import type { Review } from './source.ts';

export function identitySection({ incident, steps, relatives }: Review): Markup {
  const rows = identityOf(incident, steps, relatives);
  if (rows.length === 0) return markup`<p class="note">The incident is not about an identity of IAM.</p>`;
  const lines = rows.map(
    ({ what, state, why, incident: other }) =>
      markup`<tr><th scope="row">${breakable(what)}</th><td><span class="badge ${identityTone(state)}">${identityWords(state)}</span></td><td>${why === undefined ? '' : breakable(why)}</td><td>${
        other === undefined ? 'this incident' : markup`<a href="/incident/${other}">${other}</a>`
      }</td></tr>`,
  );
  return markup`<div class="scroll" role="region" aria-label="Everything that the identity is" tabindex="0"><table><caption>${identityCount(rows)}</caption><thead><tr><th scope="col">What</th><th scope="col">State</th><th scope="col">Why</th><th scope="col">Decided on</th></tr></thead><tbody>${lines}</tbody></table></div>`;
}
