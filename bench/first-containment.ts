/**
 * What happens between a finding and the first call that contains it. `node bench/first-containment.ts [milliseconds of each
 * call] [repetitions] [checkout ...]`
 *
 * Rounds, in the sandbox: calls of functions, table and STS that can only follow one another, each round by name. Then, where
 * `npm run package` has left its archives, seconds on the clock: the packaged functions in processes of their own, against moto
 * and DynamoDB on loopback; cold, and warm for the next finding. Several checkouts are measured in turns, and compared.
 */
import '../sandbox/quiet.ts';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadPolicy } from '../core/policy/policy.ts';
import { RACES, roundsOf } from '../sandbox/rounds.ts';
import { type Measured, measure } from './cold-start.ts';
import { startMoto } from './moto-server.ts';
import { openPackage } from './packaged.ts';

const [latencyMs = 20, repetitions = 3] = process.argv.slice(2, 4).map(Number);
const roots = process.argv.length > 4 ? process.argv.slice(4) : ['.'];

const policy = await loadPolicy('policy.yml');
for (const race of RACES) {
  // Once for the modules that are loaded when they are first used.
  await roundsOf(race, policy);
  const rounds = await roundsOf(race, policy);
  console.log(
    `\n${race.playbook}: ${rounds.flat().length} calls in ${rounds.length} rounds before ${race.contains}`,
  );
  for (const [index, calls] of rounds.entries())
    console.log(`${String(index + 1).padStart(4)}  ${named(calls)}`);
}

const packaged = roots.filter((root) => existsSync(join(root, '.serverless')));
if (packaged.length > 0) await onTheClock(packaged);
else console.log('\nNo packages to put on the clock: run `npm run package` first.');
process.exit(0);

/** `enrich DynamoDB:GetItem x 2, STS:AssumeRole`: what each task calls, equal calls together. */
function named(calls: readonly string[]): string {
  const tasks = Map.groupBy(calls, (call) => call.slice(0, call.indexOf(' ')));
  return [...tasks]
    .map(([name, own]) => {
      const counts = Map.groupBy(own, (call) => call.slice(name.length + 1));
      return `${name} ${[...counts].map(([call, { length }]) => (length > 1 ? `${call} x ${length}` : call)).join(', ')}`;
    })
    .join('; ');
}

async function onTheClock(checkouts: readonly string[]): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'firebreak-bench-'));
  const moto = await startMoto();
  try {
    const packages = await Promise.all(
      checkouts.map((root, index) => openPackage(root, join(folder, String(index)))),
    );
    const all: (Measured & { readonly checkout: string; readonly playbook: string })[] = [];
    for (let repetition = 0; repetition < repetitions; repetition++)
      for (const { playbook, contains } of RACES)
        for (const [index, opened] of packages.entries()) {
          const measured = await measure(opened, { playbook, contains, moto: moto.url, latencyMs });
          all.push({ ...measured, playbook, checkout: checkouts[index] ?? '' });
        }
    console.log(`\nNode ${process.version}, every call ${latencyMs} ms late, median of ${repetitions}`);
    console.log(
      'playbook                  checkout               cold ms   of first   warm ms   of first   calls   processor ms, cold   of first',
    );
    for (const { playbook } of RACES) {
      const first = all.filter((one) => one.playbook === playbook && one.checkout === checkouts[0]);
      for (const checkout of checkouts) {
        const own = all.filter((one) => one.playbook === playbook && one.checkout === checkout);
        const [cold, warm] = [median(own, ({ coldMs }) => coldMs), median(own, ({ warmMs }) => warmMs)];
        const cpu = median(own, cpuMs);
        const cells = [
          playbook.padEnd(25),
          checkout.slice(-22).padEnd(22),
          cold.toFixed(0).padStart(7),
          (cold / median(first, ({ coldMs }) => coldMs)).toFixed(2).padStart(10),
          warm.toFixed(0).padStart(9),
          (warm / median(first, ({ warmMs }) => warmMs)).toFixed(2).padStart(10),
          String(own[0]?.calls ?? 0).padStart(7),
          cpu.toFixed(0).padStart(20),
          (cpu / median(first, cpuMs)).toFixed(2).padStart(10),
          '  ',
          [...(own[0]?.used ?? [])]
            .map(
              ([name]) =>
                `${name} ${median(own, ({ used }) => used.get(name)?.cpuMs ?? 0).toFixed(0)}${processes(own, name)}`,
            )
            .join(', '),
        ];
        console.log(cells.join(' '));
      }
    }
  } finally {
    await moto.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Of all functions until the first containing call. */
function cpuMs({ used }: Measured): number {
  return [...used.values()].reduce((sum, one) => sum + one.cpuMs, 0);
}

/** ` in 2 processes`: a ping that is not over yet leaves its process busy. */
function processes(measured: readonly Measured[], name: string): string {
  const most = median(measured, ({ used }) => used.get(name)?.processes ?? 0);
  return most > 1 ? ` in ${most} processes` : '';
}

function median<T>(all: readonly T[], of: (one: T) => number): number {
  const sorted = all.map(of).sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
