/**
 * `firebreak replay` over a million findings on standard input: time and memory, next to reading and `JSON.parse` of the
 * same lines alone, each in a process of its own, one after the other, in the same run. Findings of 6 kB and of 1 kB, as
 * EventBridge delivers them and as GetFindings answers.
 *
 * node bench/replay.ts [findings, 1000000 without] [forms, all of FORMS without]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { detailOf } from '../core/finding/shape.ts';
import { isJsonObject, type Json, type JsonObject } from '../core/json.ts';
import { simulatedEvent } from '../sandbox/simulated/event.ts';
import { TYPES } from './types.ts';

const ROUNDS = 3;
const count = Number(process.argv[2] ?? 1_000_000);
const folder = new URL('../test/fixtures/findings/', import.meta.url);

const published = (): readonly JsonObject[] =>
  readdirSync(folder)
    .filter((name) => name !== 'index.json' && name !== 'types.json')
    .map((name) => detailOf(JSON.parse(readFileSync(new URL(name, folder), 'utf8'))));

/** What a small finding leaves out. */
const LONG = new Set([
  ...[
    'description',
    'organization',
    'country',
    'city',
    'geoLocation',
    'additionalInfo',
    'privateIpAddresses',
  ],
  ...['ipv6Addresses', 'publicDnsName', 'tags', 'launchTime', 'instanceType', 'platform', 'instanceState'],
  ...[
    'availabilityZone',
    'iamInstanceProfile',
    'groupName',
    'portName',
    'protocol',
    'eventFirstSeen',
    'imageId',
  ],
]);

/** One of each type that `bench/findings.ts` takes in turn, with what a decision needs and little else. */
const small = (): readonly JsonObject[] =>
  TYPES.map((type, index) => {
    const scope = { partition: 'aws', account: '111122223333', region: 'eu-west-1' };
    const given = {
      scope,
      severity: 'high',
      now: new Date(),
      seed: `finding ${index}`,
      sample: false,
    } as const;
    const detail = detailOf(simulatedEvent(type, given));
    return JSON.parse(JSON.stringify(detail, (key, value) => (LONG.has(key) ? undefined : value)));
  });

const event = (detail: JsonObject): Json => ({
  source: 'aws.guardduty',
  'detail-type': 'GuardDuty Finding',
  detail,
});

/** With the names that the API and its command-line tool write. */
function pascal(value: Json): Json {
  if (Array.isArray(value)) return value.map(pascal);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      key.charAt(0).toUpperCase() + key.slice(1),
      pascal(member),
    ]),
  );
}

const FORMS: Readonly<Record<string, () => readonly Json[]>> = {
  event: () => published().map(event),
  'small-event': () => small().map(event),
  answer: () => published().map(pascal),
  'small-answer': () => small().map(pascal),
};

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

async function measure(lines: readonly string[], args: readonly string[]): Promise<Measure> {
  const block = lines.join('');
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

const command = new URL('../bin/firebreak.js', import.meta.url).pathname;
const show = (name: string, { cpu, wall, megabytes }: Measure) =>
  console.log(
    `${name.padEnd(12)} ${cpu.toFixed(1)} s CPU, ${wall.toFixed(1)} s, peak ${megabytes.toFixed(0)} MB`,
  );

async function compare(form: string, lines: readonly string[]): Promise<void> {
  const size = lines.reduce((sum, line) => sum + line.length, 0) / lines.length / 1000;
  console.log(`${form}: ${count} findings, ${size.toFixed(1)} kB each, ${ROUNDS} rounds`);
  const ratios: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const parse = await measure(lines, ['--input-type=module', '--eval', BASELINE]);
    const replay = await measure(lines, [command, 'replay', '-', '--json']);
    if (parse.lines !== count || replay.lines !== count)
      throw new Error(`lines were lost: ${parse.lines} parsed and ${replay.lines} decided of ${count}`);
    show('parse alone', parse);
    show('replay', replay);
    ratios.push(replay.cpu / parse.cpu);
  }
  const [least = 0, median = 0, most = 0] = ratios.sort((a, b) => a - b);
  console.log(`replay / parse alone: ${median.toFixed(2)} (${least.toFixed(2)} to ${most.toFixed(2)})`);
}

for (const form of process.argv[3]?.split(',') ?? Object.keys(FORMS)) {
  const findings = FORMS[form];
  if (!findings) throw new Error(`forms are ${Object.keys(FORMS).join(', ')}`);
  await compare(
    form,
    findings().map((finding) => `${JSON.stringify(finding)}\n`),
  );
}
