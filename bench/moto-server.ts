import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const SERVER = '.venv/bin/moto_server';
const START_SECONDS = 30;

export interface MotoServer {
  readonly url: string;
  reset(): Promise<void>;
  /** moto's own settings, by service. */
  configure(settings: object): Promise<void>;
  stop(): Promise<void>;
}

/** Starts moto on a free port of the loopback interface. */
export async function startMoto(env: Readonly<Record<string, string>> = {}): Promise<MotoServer> {
  if (!existsSync(SERVER)) throw new Error(`${SERVER} is missing: run test/conformance/setup.sh`);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const log: string[] = [];
  const child = spawn(SERVER, ['-H', '127.0.0.1', '-p', String(port)], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // Real tables and policies are not wanted here; moto must never reach out with real credentials.
    env: { PATH: process.env.PATH ?? '', AWS_ACCESS_KEY_ID: 'moto', AWS_SECRET_ACCESS_KEY: 'moto', ...env },
  });
  child.stderr.on('data', (data: Buffer) => log.push(data.toString()));
  // A test run that dies must not leave the server behind.
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  try {
    await answers(url, child);
  } catch (error) {
    kill();
    throw new Error(`moto did not start: ${log.slice(-5).join('')}`, { cause: error });
  }
  return {
    url,
    async reset() {
      const answer = await fetch(`${url}/moto-api/reset`, { method: 'POST' });
      if (!answer.ok) throw new Error(`moto did not reset: ${answer.status}`);
    },
    async configure(settings) {
      const body = JSON.stringify(settings);
      const answer = await fetch(`${url}/moto-api/config`, { method: 'POST', body });
      if (!answer.ok) throw new Error(`moto does not take ${body}: ${answer.status}`);
    },
    async stop() {
      process.off('exit', kill);
      if (child.exitCode !== null) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGTERM');
      await Promise.race([gone, sleep(3000).then(kill)]);
    },
  };
}

async function answers(url: string, child: ChildProcess): Promise<void> {
  const until = Date.now() + START_SECONDS * 1000;
  for (;;) {
    try {
      if ((await fetch(`${url}/moto-api/`)).ok) return;
    } catch (error) {
      if (child.exitCode !== null || Date.now() > until) throw error;
    }
    await sleep(100);
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
