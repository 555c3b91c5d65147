/** The four lines and the timeline of an incident, for a terminal. */
import type { Finding } from '../core/finding/finding.ts';
import { BRIEF_TITLES, briefOf, nextWords } from '../core/incident/brief.ts';
import type { Incident } from '../core/incident/incident.ts';
import { type Moment, readable } from '../core/incident/moments.ts';
import { statusWords } from '../core/incident/status.ts';
import type { StepRecord } from '../core/journal/hold.ts';
import { plainWords, type Words } from '../core/words.ts';
import { colourOf, plainText, terminal, wrapped } from './terminal.ts';

/** Status and the four lines, wrapped to the terminal. */
export function* briefText(
  incident: Incident,
  finding: Finding | undefined,
  steps: readonly StepRecord[],
  command: (given: string) => string,
): Generator<string> {
  const { paint } = terminal();
  const { happened, did, remains, next } = briefOf({ incident, finding, steps });
  const title = (key: keyof typeof BRIEF_TITLES) => paint('bold', BRIEF_TITLES[key]);
  const text = (words: Words) => wrapped(plainText(plainWords(words)), '  ', '  ');
  yield `${paint('bold', incident.id)} ${paint(colourOf(incident.status), paint('bold', statusWords(incident.status)))}`;
  yield '';
  yield title('happened');
  yield* text(happened);
  yield title('did');
  yield* text(did);
  yield title('remains');
  for (const words of remains) yield* wrapped(plainText(plainWords(words)), '  - ', '    ');
  yield title('next');
  yield* text(nextWords(next));
  for (const given of next.commands) yield `  ${paint('cyan', command(given))}`;
}

/** A line a moment, to the second: UTC, and the reader's own time where that is another. */
export function* timelineText(moments: readonly Moment[]): Generator<string> {
  const { paint } = terminal();
  const local = new Date().getTimezoneOffset() !== 0;
  yield paint('bold', `Timeline (UTC${local ? ', and local time' : ''})`);
  let day = '';
  for (const { at, text } of moments) {
    if (at.slice(0, 10) !== day) {
      day = at.slice(0, 10);
      yield paint('dim', `  ${day}`);
    }
    const here = local ? ` ${new Date(at).toTimeString().slice(0, 8)}` : '';
    const head = `  ${at.slice(11, 19)}${here}  `;
    yield* wrapped(plainText(readable(text)), head, ' '.repeat(head.length));
  }
}
