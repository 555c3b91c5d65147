/** A status has one word and one colour: on the page, on the card in Slack and in the terminal. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { colourOf } from '../../cli/terminal.ts';
import { statusBadge } from '../../console/format.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { STATUSES, statusMark, statusTone, statusWords } from '../../core/incident/status.ts';
import { headline } from '../../slack/words.ts';

const COLOURS = { good: 'green', warn: 'yellow', bad: 'red', wait: 'yellow', calm: 'dim' };

it.each(STATUSES)('%s', (status) => {
  const [words, tone] = [statusWords(status), statusTone(status)];
  expect(statusBadge(status).toString()).toBe(`<span class="badge ${tone}">${words}</span>`);
  expect(headline({ label: 'high', status } as Incident)).toBe(
    `${statusMark(status) ?? '🔴'} HIGH · ${words}`,
  );
  expect(colourOf(status)).toBe(COLOURS[tone]);
});

it('green is only what is proven without a risk, or undone', () => {
  expect(STATUSES.filter((status) => colourOf(status) === 'green')).toEqual(['contained', 'undone']);
  expect(STATUSES.filter((status) => statusBadge(status).toString().includes('good'))).toEqual([
    'contained',
    'undone',
  ]);
});

it('the page has a colour for every tone', () => {
  const style = readFileSync('console/assets/style.css', 'utf8');
  for (const status of STATUSES) expect(style).toContain(`.badge.${statusTone(status)}`);
  const green = /\.badge\.warn[^{]*\{[^}]*--good/;
  expect(style).not.toMatch(green);
});
