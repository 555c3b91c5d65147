/** The GitHub Action that comments on a changed policy: what its script writes, run as the action runs it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parse } from 'yaml';

const shipped = readFileSync('policy.yml', 'utf8');
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'policy-review-'));
  writeFileSync(join(folder, 'before.yml'), shipped);
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The comment on a change from the shipped policy to `text`, and the exit status. */
function review(text: string, before = 'before.yml', findings: readonly string[] = []) {
  writeFileSync(join(folder, 'after.yml'), text);
  const { status, stdout } = spawnSync(
    'bash',
    ['.github/actions/policy-review/review.sh', join(folder, before), join(folder, 'after.yml'), ...findings],
    { encoding: 'utf8' },
  );
  return { status, comment: stdout };
}

test('a change shows each type that it decides otherwise, and does not fail', () => {
  const { status, comment } = review(
    shipped.replace(/^mode: \w+/m, 'mode: enforce').replaceAll('auto', 'ask'),
  );
  expect(comment).toContain('The policy passes its check.');
  expect(comment).toContain('policy diff: they differ');
  expect(comment).toMatch(/Backdoor:EC2\/C&CActivity\.B .*auto/);
  expect(status).toBe(0);
});

test('a policy that does not pass fails, with its lines', () => {
  const { status, comment } = review('version: 1\nrules: 3\n');
  expect(comment).toContain('**The policy does not pass its check.**');
  expect(comment).toContain('after.yml:2:');
  expect(status).toBe(1);
});

test('a first policy is compared with nothing', () => {
  const { status, comment } = review(shipped, 'missing.yml');
  expect(comment).toContain('There was no policy before this change');
  expect(status).toBe(0);
});

test('the text of a pull request cannot leave its code block, nor outgrow a comment', () => {
  const fence = '`'.repeat(6);
  const hostile = `${fence} </details> @everyone`;
  const { comment } = review(
    shipped.replaceAll('auto', 'ask').replace(/name: implant .*/, `name: ${JSON.stringify(hostile)}`),
  );
  expect(comment).toContain(hostile);
  expect(comment).toContain(`\n${fence}\`text\n`);
  expect(comment.length).toBeLessThan(65_536);
});

test('no expression stands in a script of the action', () => {
  const { runs } = parse(readFileSync('.github/actions/policy-review/action.yml', 'utf8')) as {
    runs: { steps: { run?: string }[] };
  };
  expect(runs.steps.filter(({ run }) => run?.includes('${{'))).toEqual([]);
});
