/**
 * The real command with its real questions under a pseudo terminal, which util-linux's `script` makes (skipped without it).
 * AWS is a server on loopback that answers what `init` asks before anything is changed, and counts what would be written.
 */
import { type ChildProcessWithoutNullStreams, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const POLICY = readFileSync(new URL('../../policy.yml', import.meta.url), 'utf8');
const SECRET = '0123456789abcdef0123456789abcdef';
const HAS_SCRIPT = spawnSync('script', ['--help'], { encoding: 'utf8' }).stdout?.includes('--echo') ?? false;
const [CTRL_C, ENTER, DOWN] = ['\x03', '\r', '\x1b[B'];

const IDENTITY = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
  <Arn>arn:aws:iam::111122223333:user/carol</Arn><UserId>U</UserId><Account>111122223333</Account>
</GetCallerIdentityResult></GetCallerIdentityResponse>`;
/** What each request is answered; anything else is refused, and the command with it. */
const ANSWERS: Readonly<Record<string, unknown>> = {
  'GET /detector': { detectorIds: ['d1'] },
  'GET /detector/d1': { status: 'ENABLED', findingPublishingFrequency: 'FIFTEEN_MINUTES' },
  'GET /2016-08-19/account-settings': { AccountLimit: { UnreservedConcurrentExecutions: 1000 } },
  'AmazonSSM.GetParameters': { Parameters: [], InvalidParameters: [] },
};

let home: string;
let server: Server;
let asked: string[];
let child: ChildProcessWithoutNullStreams | undefined;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'firebreak-terminal-'));
  await writeFile(join(home, 'policy.yml'), POLICY);
  asked = [];
  server = createServer((request, response) => {
    const target = request.headers['x-amz-target'];
    const path = (request.url ?? '').replace(/\?.*/, '').replace(/(.)\/$/, '$1');
    const name = typeof target === 'string' ? target : `${request.method} ${path}`;
    asked.push(name);
    request.resume();
    if (name === 'POST /') {
      response.setHeader('content-type', 'text/xml');
      response.end(IDENTITY);
      return;
    }
    const answer = ANSWERS[name];
    if (answer === undefined) response.statusCode = 400;
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(answer ?? { message: `not answered here: ${name}` }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(async () => {
  child?.kill();
  server.closeAllConnections();
  server.close();
  await rm(home, { recursive: true, force: true });
});

/** `firebreak init` at a terminal of its own. */
function atTerminal(...flags: readonly string[]) {
  const { CI: _ci, SLACK_BOT_TOKEN: _token, SLACK_SIGNING_SECRET: _secret, ...env } = process.env;
  const { port } = server.address() as AddressInfo;
  const words = [process.execPath, MAIN, 'init', '--stage', 'dev', '--region', 'eu-west-1', ...flags];
  const line = `stty cols 200 rows 50; exec ${words.map((word) => `'${word}'`).join(' ')}`;
  // Echo is on, as at a person's terminal: `script` would switch it off since no one is at its own input.
  const started = spawn(
    'script',
    ['--quiet', '--flush', '--return', '--echo', 'always', '-c', line, '/dev/null'],
    {
      cwd: home,
      env: {
        ...{ ...env, TERM: 'xterm', HOME: home, AWS_ENDPOINT_URL: `http://127.0.0.1:${port}` },
        ...{ AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'x', AWS_EC2_METADATA_DISABLED: 'true' },
        ...{ AWS_CONFIG_FILE: join(home, 'none'), AWS_SHARED_CREDENTIALS_FILE: join(home, 'none') },
      },
    },
  );
  child = started;
  let screen = '';
  let seen = 0;
  const ended = once(started, 'close');
  const changed = new Set<() => void>();
  started.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text;
    for (const look of changed) look();
  });
  return {
    screen: () => stripVTControlCharacters(screen),
    /** Waits until the words stand on the screen, behind those waited for before. */
    shows: (words: string) =>
      new Promise<void>((resolve, reject) => {
        const look = () => {
          const at = stripVTControlCharacters(screen).indexOf(words, seen);
          if (at < 0) return;
          seen = at + words.length;
          changed.delete(look);
          resolve();
        };
        changed.add(look);
        void ended.then(() =>
          reject(new Error(`ended without ${words}:\n${stripVTControlCharacters(screen)}`)),
        );
        look();
      }),
    types: (keys: string) => started.stdin.write(keys),
    status: async (): Promise<unknown> => (await ended)[0],
  };
}

async function nothingIsChanged(): Promise<void> {
  expect(await readFile(join(home, 'policy.yml'), 'utf8')).toBe(POLICY);
  expect(await readdir(home)).toEqual(['policy.yml']);
  expect(asked.filter((name) => /Put|Delete|Create|Update/.test(name))).toEqual([]);
}

describe.skipIf(!HAS_SCRIPT)('init at a terminal', () => {
  it('asks again after a wrong answer, takes the right ones, and shows no secret', async () => {
    const init = atTerminal('--dry-run');
    await init.shows('Slack bot token');
    init.types(ENTER);
    await init.shows('expected a Slack bot token');
    init.types(`xoxb-very-secret${ENTER}`);
    await init.shows('Slack signing secret');
    init.types(`${SECRET}${ENTER}`);
    await init.shows('Channel for incident cards');
    init.types(`#incidents${ENTER}`);
    await init.shows('expected a Slack channel id');
    init.types(`${'\x7f'.repeat(10)}C0INCIDENTS${ENTER}`);
    await init.shows('Slack workspace');
    init.types(`T0TEAM${ENTER}`);
    await init.shows('Slack app');
    init.types(`A0APP${ENTER}`);
    await init.shows('In which mode');
    init.types(ENTER);
    await init.shows('Who may approve?');
    init.types(`alice${ENTER}`);
    await init.shows('expected a Slack user id');
    init.types(`${'\x7f'.repeat(5)}S0ONCALL1${ENTER}`);
    await init.shows('This would be done');
    expect(await init.status()).toBe(0);
    expect(init.screen()).toContain('mode observe, approvers S0ONCALL1');
    expect(init.screen()).toContain(
      'bot-token, signing-secret, channel, team-id, app-id under /firebreak/dev/slack/',
    );
    for (const secret of ['very-secret', SECRET]) expect(init.screen()).not.toContain(secret);
    await nothingIsChanged();
  });

  it('offers an upgrade the mode that policy.yml has', async () => {
    await writeFile(
      join(home, 'policy.yml'),
      POLICY.replace(/^mode: observe$/m, 'mode: enforce').replace('[U0ALICE, U0BOB]', '[S0TEAM42]'),
    );
    await writeFile(
      join(home, 'firebreak.json'),
      JSON.stringify({ stages: { dev: { region: 'eu-west-1', params: {} } } }),
    );
    const flags = ['--channel', 'C0INCIDENTS', '--team-id', 'T0TEAM', '--app-id', 'A0APP', '--dry-run'];
    for (const [keys, mode] of [
      [ENTER, 'enforce'],
      [`${DOWN}${ENTER}`, 'observe'],
    ] as const) {
      const init = atTerminal(...flags);
      await init.shows('Slack bot token');
      init.types(`xoxb-very-secret${ENTER}`);
      await init.shows('Slack signing secret');
      init.types(`${SECRET}${ENTER}`);
      await init.shows('In which mode');
      init.types(keys);
      await init.shows(`policy.yml: mode ${mode}`);
      expect(await init.status()).toBe(0);
    }
  });

  it.each([
    ['a secret', 0],
    ['the mode', 5],
  ])('Ctrl+C at %s writes nothing and ends with status 2', async (_where, answered) => {
    const init = atTerminal();
    const questions = [
      ['Slack bot token', 'xoxb-very-secret'],
      ['Slack signing secret', SECRET],
      ['Channel for incident cards', 'C0INCIDENTS'],
      ['Slack workspace', 'T0TEAM'],
      ['Slack app', 'A0APP'],
      ['In which mode', ''],
    ] as const;
    for (const [question, answer] of questions.slice(0, answered)) {
      await init.shows(question);
      init.types(`${answer}${ENTER}`);
    }
    await init.shows(questions[answered]?.[0] ?? '');
    init.types(`${questions[answered]?.[1]}${CTRL_C}`);
    await init.shows('stopped before anything was changed');
    expect(await init.status()).toBe(2);
    for (const secret of ['very-secret', SECRET]) expect(init.screen()).not.toContain(secret);
    await nothingIsChanged();
  });
});
