/** docs/threat-model.md claims nothing that no test plays, and leaves out no attack that one does. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const page = readFileSync('docs/threat-model.md', 'utf8');
const rows = page.split('\n').filter((line) => /^\| (?!They try|---)/.test(line));
const testsIn = (text: string): readonly string[] =>
  [...text.matchAll(/\(\.\.\/([^)]+\.ts)\)/g)].flatMap(([, path]) => path ?? []);

it.each(rows.map((row) => [row.split('|')[1]?.trim() ?? '', row] as const))('%s', (_try, row) => {
  const cells = row.split('|').slice(1, -1);
  expect(cells).toHaveLength(4);
  for (const cell of cells) expect(cell.trim()).not.toBe('');
  const tests = testsIn(cells.at(-1) ?? '');
  expect(tests).not.toEqual([]);
  expect(tests.filter((path) => !existsSync(path))).toEqual([]);
});

it('names every attack of test/adversary/', () => {
  const played = readdirSync('test/adversary')
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => join('test/adversary', name));
  expect(played.filter((path) => !testsIn(page).includes(path))).toEqual([]);
});
