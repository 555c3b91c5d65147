/** The four lines at the top of an incident's page: what happened, what was done, what remains, what to do next. */
import { BRIEF_TITLES, type Brief, briefOf, type Deadline, type Next } from '../core/incident/brief.ts';
import { type Words, type Writer, writeWith } from '../core/words.ts';
import { time } from './format.ts';
import { breakable, type Markup, markup, type Value } from './markup.ts';
import type { Review } from './source.ts';

const HTML: Writer<Markup> = {
  text: breakable,
  person: (id) => markup`<strong>${id}</strong>`,
  at: (iso) => markup`${time(iso)} UTC`,
  name: (name) => markup`<strong>${breakable(name)}</strong>`,
};
const htmlWords = (words: Words): Value => writeWith(words, HTML);

/** How many risks stand open; the others unfold. */
const OPEN = 3;

/** `act` stands under what to do next: buttons, or the command. */
export function briefSection(review: Pick<Review, 'incident' | 'steps' | 'parsed'>, act: Value): Markup {
  const { incident, steps, parsed } = review;
  const { happened, did, remains, next } = briefOf({ incident, steps, finding: parsed });
  const lines: readonly (readonly [keyof Brief, Value])[] = [
    ['happened', htmlWords(happened)],
    ['did', htmlWords(did)],
    ['remains', risks(remains)],
    ['next', [todo(next), act]],
  ];
  return markup`<dl class="brief">${lines.map(([key, text]) => markup`<div class="${key}"><dt>${BRIEF_TITLES[key]}</dt><dd>${text}</dd></div>`)}</dl>`;
}

function risks(remains: readonly Words[]): Value {
  const item = (words: Words) => markup`<li>${htmlWords(words)}</li>`;
  const [only] = remains;
  if (only && remains.length === 1) return htmlWords(only);
  const rest = remains.slice(OPEN);
  return markup`<ul class="risks">${remains.slice(0, OPEN).map(item)}</ul>${
    rest.length === 0
      ? ''
      : markup`<details data-keep="risks"><summary>${rest.length} more</summary><ul class="risks">${rest.map(item)}</ul></details>`
  }`;
}

/** The deadline as a moment that the script counts down to. */
export const deadlineHtml = ({ before, at, after }: Deadline): Markup =>
  markup`${before} <strong>${time(at)} UTC</strong><span class="left" data-until="${at}"></span>${after}`;

export function todo({ text, deadline }: Next): Value {
  if (deadline === undefined) return htmlWords(text);
  return markup`${htmlWords(text)} ${deadlineHtml(deadline)}`;
}
