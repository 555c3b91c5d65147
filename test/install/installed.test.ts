/**
 * The package as its users get it: packed, installed into an empty folder with each Node that it promises to run on, and started
 * there. moto stands in for AWS.
 */
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { type MotoServer, startMoto } from '../../bench/moto-server.ts';
import { unzip } from '../../bench/zip.ts';
import { FUNCTIONS } from '../../deploy/access.ts';
import { codeOf } from '../../deploy/package-functions.js';
import { openConsole, visit } from '../console-visitor.ts';

const NODES = [20, 22, 24];
const SECONDS = 15;
const MEGABYTES = 120;
const REGION = 'us-east-1';
const FINDING = join(process.cwd(), 'test/fixtures/findings/canary-ec2-stateless-integtest-1.json');
const INIT = ['--no-slack', '--mode', 'observe', '--approvers', 'U0ONCALL12', '--region', REGION];

const service = z.object({ functions: z.record(z.string(), z.object({ handler: z.string() })) });

let home: string;
let moto: MotoServer;
let tarball: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'firebreak-install-'));
  await ran(process.cwd(), 'npm', 'pack', '--silent', '--pack-destination', home);
  const [file = ''] = globSync('*.tgz', { cwd: home });
  tarball = join(home, file);
  await mkdir(join(home, 'nodes'));
  // What the package `node` fetches in a script of its own.
  const nodes = NODES.map(
    (version) => `node${version}@npm:node-${process.platform}-${process.arch}@${version}`,
  );
  await ran(join(home, 'nodes'), 'npm', 'install', '--silent', ...nodes);
  moto = await startMoto();
}, 600_000);
afterAll(async () => {
  await moto?.stop();
  await rm(home, { recursive: true, force: true });
});

interface Ended {
  readonly out: string;
  readonly err: string;
}

/** With the Node of this version first in PATH; moto's is the only account that it knows. */
const environment = (version?: number): NodeJS.ProcessEnv => {
  // npm and vitest hand what they have set on to their children: an installation knows nothing of this clone.
  const inherited = /^(npm_(?!config_registry$)|AWS_|VITEST|NODE_(OPTIONS|ENV|COMPILE_CACHE)$)/i;
  const own = Object.entries(process.env).filter(([name]) => !inherited.test(name));
  const bin = version === undefined ? [] : [join(home, 'nodes/node_modules', `node${version}`, 'bin')];
  return {
    ...Object.fromEntries(own),
    PATH: [...bin, process.env['PATH']].join(delimiter),
    ...(moto ? { AWS_ENDPOINT_URL: moto.url } : {}),
    ...{ AWS_ACCESS_KEY_ID: 'moto', AWS_SECRET_ACCESS_KEY: 'moto', NO_COLOR: '1' },
  };
};

/** Throws with what the command said when it ends with another status than 0. */
const ran = (cwd: string, ...command: readonly [string, ...string[]]) => ranOn(undefined, cwd, ...command);

function ranOn(version: number | undefined, cwd: string, command: string, ...args: string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: environment(version), stdio: ['ignore', 'pipe', 'pipe'] });
    const said = { out: '', err: '' };
    child.stdout.on('data', (chunk: Buffer) => (said.out += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (said.err += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(said);
      else reject(new Error(`${command} ${args.join(' ')} ended with ${code}:\n${said.out}${said.err}`));
    });
  });
}

/** The page that `start` offers, read as a browser would; then Ctrl-C. */
async function tourOf(version: number, cwd: string): Promise<string> {
  const child = spawn('node_modules/.bin/firebreak', ['start', '--no-open'], {
    cwd,
    env: environment(version),
  });
  try {
    let said = '';
    const address = await new Promise<string>((resolve, reject) => {
      const read = (chunk: Buffer) => {
        said += chunk.toString();
        const [, url] = /Open the tour: (\S+)\s/.exec(said) ?? [];
        if (url !== undefined) resolve(url);
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      child.once('error', reject);
      child.once('exit', (code) => reject(new Error(`start ended with ${code}:\n${said}`)));
    });
    expect(said).not.toMatch(/workflow failed|did not take the card/);
    const page = await visit(address, '/', { headers: { cookie: await openConsole(address) } });
    return await page.text();
  } finally {
    child.kill('SIGINT');
  }
}

describe.each(NODES)('on Node %i', (version) => {
  let folder: string;
  beforeAll(async () => {
    folder = join(home, `on-${version}`);
    await mkdir(folder);
  });

  it(`is installed without a warning, in ${MEGABYTES} MB`, async () => {
    const { err } = await ranOn(version, folder, 'npm', 'install', '--no-audit', '--no-fund', tarball);
    expect(err).not.toMatch(/EBADENGINE|deprecated|ERR/);
    const sizes = globSync(`${folder}/**/*`).map(async (path) => (await stat(path)).size);
    const total = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
    expect(total / 1e6).toBeLessThan(MEGABYTES);
    const { out } = await ranOn(version, folder, 'node', '--version');
    expect(out).toMatch(new RegExp(`^v${version}\\.`));
  });

  it(`runs start, replay and init --dry-run, each in ${SECONDS} s`, async () => {
    const firebreak = (...words: string[]) => ranOn(version, folder, 'node_modules/.bin/firebreak', ...words);
    const inTime = async <T>(work: Promise<T>): Promise<T> => {
      const began = performance.now();
      const done = await work;
      expect((performance.now() - began) / 1000).toBeLessThan(SECONDS);
      return done;
    };
    expect(await inTime(tourOf(version, folder))).toContain('<title>');
    const replayed = await inTime(firebreak('replay', FINDING, '--json'));
    expect(JSON.parse(replayed.out)).toMatchObject({ decision: 'ask' });
    const { out } = await inTime(firebreak('init', '--dry-run', ...INIT));
    expect(out).toContain('firebreak/policy.yml (new): mode observe, approvers U0ONCALL12');
    expect(out).toContain('Nothing was changed.');
  });
});

it('deploys what was built, with the policy of the team', async () => {
  const folder = join(home, 'team');
  await mkdir(folder);
  const newest = Math.max(...NODES);
  await ranOn(newest, folder, 'npm', 'install', '--no-audit', '--no-fund', tarball);
  // moto forgets the outputs of a stack that a change set made. The framework creates the stack with its bucket, and updates it.
  const direct = ['--param', 'deployment-method=direct'];
  await ranOn(newest, folder, 'node_modules/.bin/firebreak', 'init', ...INIT, ...direct);
  const client = new CloudFormationClient({
    ...{ endpoint: moto.url, region: REGION },
    credentials: { accessKeyId: 'moto', secretAccessKey: 'moto' },
  });
  const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: 'firebreak-prod' }));
  client.destroy();
  expect(Stacks?.map(({ StackStatus }) => StackStatus)).toEqual(['UPDATE_COMPLETE']);

  const archives = globSync(`${folder}/.firebreak/deployment/.serverless/*.zip`);
  expect(archives).toHaveLength(FUNCTIONS.length);
  expect(await readFile(join(folder, 'firebreak/policy.yml'), 'utf8')).toContain('approvers: [U0ONCALL12]');
  const unpacked = join(home, 'contain');
  await unzip(archives.find((path) => path.endsWith('/contain.zip')) ?? '', unpacked);
  expect(await readFile(join(unpacked, 'policy.json'), 'utf8')).toContain('"U0ONCALL12"');
  const { functions } = service.parse(
    parse(await readFile('serverless.yml', 'utf8'), { logLevel: 'silent' }),
  );
  const built = (await codeOf(functions)).get('functions/contain.ts') ?? new Map();
  expect(built.size).toBeGreaterThan(0);
  for (const [path, content] of built)
    expect((await readFile(join(unpacked, path))).equals(content), path).toBe(true);
}, 600_000);
