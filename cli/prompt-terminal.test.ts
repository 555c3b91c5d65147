/** The question of a demo under a pseudo terminal, which util-linux's `script` makes (skipped without it). */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const HAS_SCRIPT = spawnSync('script', ['--help'], { encoding: 'utf8' }).stdout?.includes('--echo') ?? false;

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'firebreak-prompt-'));
  await copyFile(new URL('../policy.yml', import.meta.url), join(home, 'policy.yml'));
});
afterEach(() => rm(home, { recursive: true, force: true }));

it.skipIf(!HAS_SCRIPT)(
  'Ctrl-C at the question of a demo ends in words, and leaves the sandbox as it was',
  async () => {
    const line = `exec '${process.execPath}' '${MAIN}' demo malicious-ip`;
    const { CI: _ci, ...env } = process.env;
    const flags = ['--quiet', '--flush', '--return', '--echo', 'always', '-c', line, '/dev/null'];
    const child = spawn('script', flags, { cwd: home, env: { ...env, TERM: 'xterm' } });
    let screen = '';
    let pressed = false;
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      screen += text;
      if (pressed || !screen.includes('[y/N]')) return;
      pressed = true;
      child.stdin.write('\x03');
    });
    const [status] = await once(child, 'close');
    expect({ status, screen }).toMatchObject({ status: 130, screen: expect.stringContaining('Stopped.') });
    expect(screen).not.toMatch(/AbortError|at .*\.ts:\d+/);
    expect(screen).not.toContain('without --approve or --deny');
    expect(await readdir(join(home, '.firebreak', 'sandbox'))).not.toContain('account.json');
  },
);
