import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { filesOf, registered } from './new-playbook.ts';

const ID = 'close-gate';
let folder: string;
const inFolder = (...args: string[]): string =>
  execFileSync(process.execPath, args, { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** A copy of what a playbook is made of, with a new one laid in it. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'firebreak-new-playbook-'));
  for (const room of ['core', 'playbooks', 'sandbox', 'slack', 'pipeline', 'functions', 'test', 'deploy'])
    cpSync(room, join(folder, room), { recursive: true });
  for (const file of ['package.json', 'tsconfig.json', 'policy.yml', 'vitest.config.ts'])
    cpSync(file, join(folder, file));
  symlinkSync(join(process.cwd(), 'node_modules'), join(folder, 'node_modules'));
  inFolder('deploy/new-playbook.ts', ID);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('lays every file and the line in the registry', () => {
  for (const path of Object.keys(filesOf(ID)))
    expect(readdirSync(join(folder, dirname(path)))).toContain(path.split('/').at(-1));
  const index = readFileSync(join(folder, 'playbooks/index.ts'), 'utf8');
  expect(index).toContain("import { closeGate } from './close-gate/playbook.ts';");
  expect(index).toMatch(/\n {2}closeGate,\n\];\n\n\/\*\* Answers made of playbooks/);
});

it('compiles as laid', () => {
  const config = {
    extends: './tsconfig.json',
    include: ['sandbox/*.d.ts', `playbooks/${ID}`, `test/conformance/${ID}.test.ts`],
  };
  writeFileSync(join(folder, 'tsconfig.laid.json'), JSON.stringify(config));
  const tsc = join('node_modules', 'typescript', 'bin', 'tsc');
  // Several checkers each check what the others do as well: on a test's share of a processor that only costs.
  expect(() => inFolder(tsc, '-p', 'tsconfig.laid.json', '--checkers', '1')).not.toThrow();
});

it('names in each error the file and what is missing', () => {
  const missing = Object.entries(filesOf(ID)).flatMap(([path, text]) =>
    [...text.matchAll(/new Error\('([^']+)'\)/g)].map(([, message = '']) => ({ path, message })),
  );
  expect(missing.length).toBeGreaterThan(5);
  for (const { path, message } of missing) expect(message.startsWith(`${path}: `), message).toBe(true);
});

it.each([['Isolate'], ['isolate'], ['../evil'], ['isolate-instance']])('lays nothing for %s', (id) => {
  const before = readdirSync(join(folder, 'playbooks'));
  expect(() => inFolder('deploy/new-playbook.ts', id)).toThrow(expect.objectContaining({ status: 2 }));
  expect(readdirSync(join(folder, 'playbooks'))).toEqual(before);
});

it('says so where the registry has another form', () => {
  expect(() => registered('export const NOTHING = [];', ID)).toThrow('playbooks/index.ts');
});
