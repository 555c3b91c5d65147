/** The saved sandbox: a killed command leaves it as it was, and one command has it at a time. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, describe, expect, it } from 'vitest';

const killed = new URL('killed.ts', import.meta.url).pathname;
const policy = new URL('../../policy.yml', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'firebreak-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Which event to end at, then the words of a command that takes a policy. */
const start = (event: number, ...words: string[]): ChildProcess =>
  spawn(process.execPath, [killed, String(event), ...words, '--policy', policy], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });

async function ended(child: ChildProcess) {
  const { stdout, stderr } = child;
  if (!stdout || !stderr) throw new Error('no output');
  const [out, err, [code, signal]] = await Promise.all([text(stdout), text(stderr), once(child, 'exit')]);
  const lines = out
    .split('\n')
    .flatMap((line): unknown[] => (line.startsWith('{') ? [JSON.parse(line)] : []));
  return { lines, err, code, signal };
}
const firebreak = (event: number, ...words: string[]) => ended(start(event, ...words));

describe('the saved sandbox', () => {
  it('is undone whole after commands that were killed anywhere', async () => {
    await firebreak(0, 'demo', 'malicious-ip', '--approve');
    const [left, contained] = [join(folder, '.firebreak'), join(folder, 'contained')];
    cpSync(left, contained, { recursive: true });
    const whole = await firebreak(0, 'undo', '--json');
    expect(whole.lines).toEqual([expect.objectContaining({ status: 'undone', equalToBefore: true })]);
    const events = Number(/events: (\d+)/.exec(whole.err)?.[1]);
    expect(events).toBeGreaterThan(50);
    for (let round = 0; round < 4; round += 1) {
      rmSync(left, { recursive: true });
      cpSync(contained, left, { recursive: true });
      // A third of the kills meet the end, where the files are written.
      const at = round % 3 === 2 ? events - Math.floor(Math.random() * 6) : Math.ceil(Math.random() * events);
      expect((await firebreak(at, 'undo', '--json')).signal, `killed at event ${at}`).toBe('SIGKILL');
      const again = await firebreak(0, 'undo', '--json');
      expect(again.lines, `killed at event ${at}`).toEqual([
        expect.objectContaining({ status: 'undone', equalToBefore: true }),
      ]);
    }
  });

  it('is refused to a second command, in words', async () => {
    await firebreak(0, 'demo', 'malicious-ip', '--approve');
    const console = start(0, 'console');
    try {
      await once(console.stdout ?? console, 'data');
      for (const words of [['undo'], ['history'], ['console'], ['run', '-']]) {
        const { code, err } = await firebreak(0, ...words);
        expect(code, err).toBe(2);
        expect(err).toMatch(/the sandbox is in use by firebreak console \(process \d+\)/);
      }
    } finally {
      console.kill('SIGTERM');
      await once(console, 'exit');
    }
    expect((await firebreak(0, 'undo', '--json')).lines).toEqual([
      expect.objectContaining({ status: 'undone', equalToBefore: true }),
    ]);
  });

  it('keeps what run left, so that a finding of it can be suppressed', async () => {
    const file = new URL('../fixtures/cases/52a-fileless-sophos.json', import.meta.url).pathname;
    const { lines } = await firebreak(0, 'run', '--json', '--approve', file);
    const [{ incident } = { incident: '' }] = lines as readonly { incident: string }[];
    expect((await firebreak(0, 'suppress', incident, '--json')).lines).toEqual([
      expect.objectContaining({ name: `firebreak-${incident}`, made: false }),
    ]);
    expect((await firebreak(0, 'suppress', incident, '--yes', '--json')).lines).toEqual([
      expect.objectContaining({ name: `firebreak-${incident}`, made: true }),
    ]);
    const removed = await firebreak(0, 'suppress', incident, '--remove');
    expect(removed.code, removed.err).toBe(0);
  });

  it('says that a port is used', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const port = String((server.address() as AddressInfo).port);
    const { code, err } = await firebreak(0, 'console', '--port', port);
    server.close();
    expect(code).toBe(2);
    expect(err).toMatch(new RegExp(`port ${port} is in use`));
    expect(err).not.toMatch(/EADDRINUSE/);
  });
});
