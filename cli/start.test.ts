/** What a command reads before it does anything: modules are the time that it takes to start. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';

const ROOT = new URL('..', import.meta.url);
/** Prints the address of every module on standard error. */
const LISTED = `import { registerHooks } from 'node:module';
registerHooks({ load(url, context, next) { console.error(url); return next(url, context); } });`;

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'firebreak-start-'));
});
afterAll(() => rmSync(home, { recursive: true }));

function modulesOf(...words: readonly string[]): readonly string[] {
  const hook = `data:text/javascript,${encodeURIComponent(LISTED)}`;
  const command = new URL('bin/firebreak.js', ROOT).pathname;
  const { stderr, status } = spawnSync(process.execPath, ['--import', hook, command, ...words], {
    cwd: home,
    env: { PATH: process.env['PATH'], HOME: home },
    encoding: 'utf8',
  });
  expect(status, stderr).toBe(0);
  return stderr
    .split('\n')
    .flatMap((url) => (url.startsWith(ROOT.href) ? [url.slice(ROOT.href.length)] : []));
}
const librariesOf = (modules: readonly string[]): ReadonlySet<string> =>
  new Set(modules.flatMap((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []));

it.each([[['--help']], [['--version']], [['history', '--help']]])(
  '%j reads the words of the commands, and no more',
  (words) => {
    const modules = modulesOf(...words);
    expect(modules).toContain('cli/program.ts');
    expect([...librariesOf(modules)].sort()).toEqual(['@commander-js/extra-typings', 'commander']);
    expect(
      modules.filter((path) => /^(sandbox|playbooks|pipeline|functions|console|slack)\//.test(path)),
    ).toEqual([]);
  },
);

it('replay of a finding reads no SDK', () => {
  const file = new URL('test/fixtures/findings/canary-ec2-stateless-integtest-1.json', ROOT).pathname;
  const modules = modulesOf('replay', file);
  expect(modules).toContain('playbooks/index.ts');
  expect([...librariesOf(modules)].filter((name) => /^@(aws|smithy|kubernetes)/.test(name))).toEqual([]);
});

it('keeps what it compiled for the next command, where no other user can write', () => {
  modulesOf('--help');
  expect(readdirSync(join(home, '.cache', 'firebreak'))).not.toEqual([]);
});

it('history of the sandbox reads its table, and starts no sandbox', () => {
  const modules = modulesOf('history');
  expect(modules).toContain('sandbox/saved.ts');
  for (const path of [
    'sandbox/sandbox.ts',
    'sandbox/twin/twin.ts',
    'playbooks/index.ts',
    'core/policy/policy.ts',
  ])
    expect(modules).not.toContain(path);
});
