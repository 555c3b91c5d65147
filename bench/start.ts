/**
 * Seconds from `npm start` to the first incident that the page shows as contained, and what of a processor that took.
 *
 * node bench/start.ts [repetitions, 5 without]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { get as httpGet } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

const command = new URL('../bin/firebreak.js', import.meta.url).pathname;
const repetitions = Number(process.argv[2] ?? 5);

/** The address of the page, as the command prints it. Its output is read on: a reader that stops ends it. */
function addressOf(child: ChildProcess): Promise<URL> {
  const { promise, resolve, reject } = Promise.withResolvers<URL>();
  let said = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    const [address] = /http:\/\/\S+token=[0-9a-f]{48}/.exec(said) ?? [];
    if (address !== undefined) resolve(new URL(address));
  });
  child.on('exit', () => reject(new Error(`the command ended without an address: ${said}`)));
  return promise;
}

interface Page {
  readonly text: string;
  readonly cookie: string | undefined;
}

/** Its host is a name of loopback, which only browsers know. */
function read(address: URL, path: string, cookie = ''): Promise<Page> {
  const { host, port } = address;
  return new Promise((resolve, reject) => {
    const request = httpGet({ host: '127.0.0.1', port, path, headers: { host, cookie } }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk: string) => (text += chunk));
      response.on('end', () => resolve({ text, cookie: response.headers['set-cookie']?.[0]?.split(';')[0] }));
    });
    request.on('error', reject);
  });
}

/** Seconds of a processor that the process has used, as Linux counts them in hundredths. */
function processorOf(child: ChildProcess): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

const LONGEST_MS = 60_000;
const seconds: number[] = [];
for (let round = 0; round < repetitions; round++) {
  const started = performance.now();
  const child = spawn(process.execPath, [command, 'start', '--no-open'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  try {
    const address = await addressOf(child);
    const opened = (performance.now() - started) / 1000;
    const { cookie } = await read(address, `${address.pathname}${address.search}`);
    // The filter of statuses counts the incidents of each.
    while (!/>contained \([1-9]/.test((await read(address, '/', cookie)).text)) {
      if (performance.now() - started > LONGEST_MS) throw new Error('nothing was contained');
      await pause(20);
    }
    const contained = (performance.now() - started) / 1000;
    seconds.push(contained);
    console.log(
      `page after ${opened.toFixed(2)} s, contained on it after ${contained.toFixed(2)} s, ${processorOf(child).toFixed(2)} s of a processor`,
    );
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}
const median = seconds.sort((a, b) => a - b)[Math.floor(seconds.length / 2)] ?? Number.NaN;
console.log(`median of ${repetitions}: contained after ${median.toFixed(2)} s`);
