/** Before and after of a step as a diff of lines. Policies are kept as JSON text inside JSON: they are opened for reading. */
import { diffLines } from 'diff';
import type { Json } from '../core/json.ts';
import { type Markup, markup } from './markup.ts';

/** Unchanged lines shown around a change. */
const AROUND = 3;

export interface DiffLine {
  readonly kind: 'same' | 'added' | 'removed' | 'gap';
  readonly text: string;
}

/** Text inside JSON that is JSON itself is shown as JSON. */
function opened(value: Json): Json {
  if (typeof value === 'string' && /^\s*[[{]/.test(value)) {
    try {
      return opened(JSON.parse(value) as Json);
    } catch {
      return value; // looks like JSON and is none
    }
  }
  if (Array.isArray(value)) return value.map(opened);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, opened(member)]));
  return value;
}

const linesOf = (value: Json | undefined): string =>
  value === undefined || value === null ? '' : `${JSON.stringify(opened(value), null, 2)}\n`;

export const jsonDiff = (before: Json | undefined, after: Json | undefined): readonly DiffLine[] =>
  textDiff(linesOf(before), linesOf(after));

/** Long runs of unchanged lines are cut to what is near a change. */
export function textDiff(before: string, after: string): readonly DiffLine[] {
  const all = diffLines(before, after).flatMap(({ value, added, removed }): readonly DiffLine[] =>
    value
      .replace(/\n$/, '')
      .split('\n')
      .map((text) => ({ kind: added ? 'added' : removed ? 'removed' : 'same', text })),
  );
  const near = all.map((_, index) =>
    all.slice(Math.max(0, index - AROUND), index + AROUND + 1).some(({ kind }) => kind !== 'same'),
  );
  return all.flatMap((line, index): readonly DiffLine[] => {
    if (near[index]) return [line];
    const first = index === 0 || near[index - 1];
    return first ? [{ kind: 'gap', text: '…' }] : [];
  });
}

const SIGNS = { same: ' ', added: '+', removed: '−', gap: ' ' } as const;

/** Added and removed are said by sign and word, not by colour alone. */
export function diffHtml(lines: readonly DiffLine[], label: string): Markup {
  if (lines.every(({ kind }) => kind === 'same' || kind === 'gap'))
    return markup`<p class="note">No difference.</p>`;
  const drawn = lines.map(({ kind, text }) => {
    const line = markup`<span class="sign" aria-hidden="true">${SIGNS[kind]}</span>${text}\n`;
    switch (kind) {
      case 'added':
        return markup`<ins>${line}</ins>`;
      case 'removed':
        return markup`<del>${line}</del>`;
      default:
        return markup`<span>${line}</span>`;
    }
  });
  return markup`<pre class="diff" role="region" tabindex="0" aria-label="${label}">${drawn}</pre>`;
}
