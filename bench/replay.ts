/**
 * `firebreak replay` over a million findings on standard input: time and memory, next to reading and `JSON.parse` of the
 * same lines alone, each in a process of its own, one after the other, in the same run.
 *
 * node bench/replay.ts [findings, 1000000 without]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { detailOf } from '../core/finding/shape.ts';

const ROUNDS = 3;
const count = Number(process.argv[2] ?? 1_000_000);
const folder = new URL('../test/fixtures/findings/', import.meta.url);

/** The published findings as EventBridge delivers them: camelCase in an envelope. */
const lines = readdirSync(folder)
  .filter((name) => name !== 'index.json' && name !== 'types.json')
  .map((name) => detailOf(JSON.parse(readFileSync(new URL(name, folder), 'utf8'))))
  .map(
    (detail) =>
      `${JSON.stringify({ source: 'aws.guardduty', 'detail-type': 'GuardDuty Finding', detail })}\n`,
  );
const block = lines.join('');

const BASELINE = `
const decoder = new TextDecoder();
let rest = '', parsed = 0;
for await (const chunk of process.stdin) {
  const text = rest + decoder.decode(chunk, { stream: true });
  let from = 0;
  for (let end = text.indexOf('\\n'); end !== -1; end = text.indexOf('\\n', from)) {
    JSON.parse(text.slice(from, end));
    parsed += 1;
    from = end + 1;
  }
  rest = text.slice(from);
}
console.log(parsed);`;

interface Measure {
  /** CPU of the process, user and system, in seconds: the machine's other work does not count. */
  readonly cpu: number;
  readonly wall: number;
  readonly megabytes: number;
  readonly lines: number;
}

/** Reports its own use of the machine as it ends. */
const REPORT = `process.on('exit', () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  process.stderr.write(JSON.stringify({ cpu: (userCPUTime + systemCPUTime) / 1e6, megabytes: maxRSS / 1024 }));
});`;

async function measure(args: readonly string[]): Promise<Measure> {
  const started = performance.now();
  const report = `data:text/javascript,${encodeURIComponent(REPORT)}`;
  const child = spawn(process.execPath, ['--import', report, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  let seen = 0;
  let last = '';
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => {
    for (const byte of chunk) if (byte === 0x0a) seen += 1;
    last = chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const ended = once(child, 'close');
  for (let left = count; left > 0; left -= lines.length) {
    const text = left >= lines.length ? block : lines.slice(0, left).join('');
    if (!child.stdin.write(text)) await once(child.stdin, 'drain');
  }
  child.stdin.end();
  await ended;
  const { cpu, megabytes } = JSON.parse(said) as { cpu: number; megabytes: number };
  const wall = (performance.now() - started) / 1000;
  return { cpu, wall, megabytes, lines: seen === 1 ? Number(last) : seen };
}

const main = new URL('../cli/main.ts', import.meta.url).pathname;
const show = (name: string, { cpu, wall, megabytes }: Measure) =>
  console.log(
    `${name.padEnd(12)} ${cpu.toFixed(1)} s CPU, ${wall.toFixed(1)} s, peak ${megabytes.toFixed(0)} MB`,
  );

console.log(
  `${count} findings, ${(block.length / lines.length / 1000).toFixed(1)} kB each, ${ROUNDS} rounds`,
);
const ratios: number[] = [];
for (let round = 0; round < ROUNDS; round++) {
  const parse = await measure(['--input-type=module', '--eval', BASELINE]);
  const replay = await measure([main, 'replay', '-', '--json']);
  if (parse.lines !== count || replay.lines !== count)
    throw new Error(`lines were lost: ${parse.lines} parsed and ${replay.lines} decided of ${count}`);
  show('parse alone', parse);
  show('replay', replay);
  ratios.push(replay.cpu / parse.cpu);
}
const [least = 0, median = 0, most = 0] = ratios.sort((a, b) => a - b);
console.log(`replay / parse alone: ${median.toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`);
