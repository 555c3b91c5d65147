/** One colour map: what the page's style sheet says is what every other surface takes from the table. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { severityLooks, type Tone, toneLooks } from './looks.ts';

const light = readFileSync('console/assets/style.css', 'utf8').split('@media')[0] ?? '';
const cssOf = (name: string) => new RegExp(`--${name}: (#[0-9a-f]{6});`).exec(light)?.[1];

it.each(['critical', 'high', 'medium', 'low'] as const)('severity %s has one colour', (label) => {
  expect(cssOf(label)).toBe(severityLooks(label).colour);
});

it.each(['good', 'bad', 'wait', 'calm'] as const satisfies readonly Tone[])(
  'tone %s has one colour',
  (tone) => {
    expect(cssOf(tone)).toBe(toneLooks(tone).colour);
  },
);

it('a known risk looks like what waits, and not like success', () => {
  expect(toneLooks('warn').colour).toBe(toneLooks('wait').colour);
  expect(toneLooks('warn').terminal).not.toBe(toneLooks('good').terminal);
});
