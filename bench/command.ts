/**
 * What the command takes to start: seconds of a processor, user and system, over what Node takes for nothing. Medians.
 *
 * node bench/command.ts [repetitions, 9 without]
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const repetitions = Number(process.argv[2] ?? 9);
const path = (name: string): string => new URL(`../${name}`, import.meta.url).pathname;
const command = path('bin/firebreak.js');
const finding = path('test/fixtures/findings/canary-ec2-stateless-integtest-1.json');
const home = mkdtempSync(join(tmpdir(), 'firebreak-command-'));

/** Written by the process itself as it ends: it counts its own threads, and no other work of the machine. */
const REPORT = `data:text/javascript,${encodeURIComponent(`process.on('exit', () => {
  const { user, system } = process.cpuUsage();
  process.stderr.write('cpu:' + (user + system));
});`)}`;

function processorOf(...args: readonly string[]): number {
  const { stderr, status } = spawnSync(process.execPath, ['--import', REPORT, ...args], {
    cwd: home,
    env: { ...process.env, XDG_CACHE_HOME: join(home, 'cache') },
    encoding: 'utf8',
  });
  const [, microseconds] = /cpu:(\d+)$/.exec(stderr) ?? [];
  if (status !== 0 || microseconds === undefined)
    throw new Error(`${args.join(' ')} ended with ${status}: ${stderr}`);
  return Number(microseconds) / 1000;
}

function median(...args: readonly string[]): number {
  // The first one compiles.
  processorOf(...args);
  const taken = Array.from({ length: repetitions }, () => processorOf(...args)).sort((a, b) => a - b);
  return taken[Math.floor(taken.length / 2)] ?? Number.NaN;
}

try {
  const own = median('--eval', '0');
  console.log(`node alone: ${own.toFixed(0)} ms of a processor; over that:`);
  for (const words of [['--help'], ['replay', finding], ['history']]) {
    const over = median(command, ...words) - own;
    console.log(`firebreak ${words[0]}: ${over.toFixed(0)} ms`);
  }
} finally {
  rmSync(home, { recursive: true });
}
