/** Every published finding through `replay` and `run`, as a user types it; and then everything undone. */
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';

const run = promisify(execFile);
const ROOT = new URL('../..', import.meta.url).pathname;
const FINDINGS = join(ROOT, 'test/fixtures/findings');

let folder: string;
let files: readonly string[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'firebreak-'));
  await copyFile(join(ROOT, 'policy.yml'), join(folder, 'policy.yml'));
  files = (await readdir(FINDINGS)).filter((name) => name !== 'index.json');
});
afterAll(() => rm(folder, { recursive: true }));

const firebreak = async (...args: string[]): Promise<Record<string, unknown>[]> => {
  const { stdout } = await run(process.execPath, [join(ROOT, 'cli/main.ts'), ...args], { cwd: folder });
  return stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
};
const KEYS = [
  'index',
  'id',
  'type',
  'severity',
  'account',
  'region',
  'target',
  'playbook',
  'decision',
  'reasons',
];

it('replay: a playbook or a stated reason for each', async () => {
  const lines = await firebreak('replay', '--json', ...files.map((name) => join(FINDINGS, name)));
  expect(lines).toHaveLength(files.length);
  for (const line of lines) {
    expect(Object.keys(line)).toEqual(KEYS);
    expect(line['reasons']).not.toEqual([]);
  }
});

it('run: acts on what is real, tells the rest, and undo gives everything back', async () => {
  const lines = await firebreak('run', '--json', '--approve', ...files.map((name) => join(FINDINGS, name)));
  expect(lines).toHaveLength(files.length);
  for (const line of lines) {
    const more = ['status', 'steps', 'timeline', 'incident', 'followUps', 'blastRadius', 'remainingRisk'];
    expect(Object.keys(line).sort()).toEqual([...KEYS, ...more].sort());
    // A finding that is published twice is one incident.
    if (line['status'] === 'ignored') continue;
    const acted = line['decision'] === 'ask' || line['decision'] === 'auto';
    const ends = acted ? ['contained', 'residual', 'escalated'] : ['recorded', 'notified', 'escalated'];
    expect(ends).toContain(line['status']);
  }
  expect(lines.find(({ type }) => String(type).startsWith('Canary:EC2'))).toMatchObject({
    playbook: 'isolate-instance',
    status: 'contained',
  });
  const undone = await firebreak('undo', '--json');
  expect(undone.at(-1)).toMatchObject({ equalToBefore: true });
});
