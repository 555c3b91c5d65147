import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { unzip } from '../bench/zip.ts';
import { PLAYBOOKS, playbookById } from '../playbooks/index.ts';
import { startSlackTwin } from '../sandbox/slack-twin.ts';
import { bundles, checkImports, checkInput, type Files } from './bundles.js';
import { zip } from './zip.js';

it.each([
  'sandbox/twin/twin.ts',
  'test/hostile.ts',
  'core/incident/status.test.ts',
  'cli/main.ts',
  '../x.ts',
])('builds no function that could load %s', (path) => {
  expect(() => checkInput(path)).toThrow(`${path} has no place in a deployed function`);
});

it('looks at everything that a handler imports', async () => {
  await expect(bundles(['console/html.ts'])).rejects.toThrow('has no place in a deployed function');
});

/** Chunks that a file names, as paths in the package. */
const importsOf = (path: string, text: string): readonly string[] =>
  [...text.matchAll(/(?:from|import|fbload)\s*\(?\s*"(\.{1,2}\/[^"]+\.mjs)"/g)].map(([, name = '']) =>
    join(dirname(path), name),
  );

const KUBERNETES = 'core/aws/services/kubernetes.ts';
const ENTRIES = [
  ...['functions/pager.ts', 'functions/canary.ts', 'functions/report.ts', 'functions/verify.ts'],
  ...['functions/contain.ts', 'playbooks/index.ts', 'core/aws/services/ec2.ts'],
  ...['slack/client.ts', 'slack/attack-picture.ts'],
];
let made: ReturnType<typeof bundles> | undefined;
/** One build of everything that is looked at here, as one build makes every function that is deployed. */
const built = async (entry: string): Promise<Files> => {
  made ??= bundles(ENTRIES, (asks, file) => asks === 'functions/report.ts' && file === KUBERNETES);
  expect([...(await made).keys()].sort()).toEqual([...ENTRIES].sort());
  const files = (await made).get(entry);
  if (!files) throw new Error(`${entry} was not built`);
  return files;
};

it('gives each function what its handler can reach, at once or later, and nothing else', async () => {
  for (const entry of ['functions/pager.ts', 'functions/canary.ts']) {
    const files = await built(entry);
    const start = entry.replace(/ts$/, 'mjs');
    const reached = new Set([start]);
    for (const path of reached) for (const name of importsOf(path, textAt(files, path))) reached.add(name);
    expect([...files.keys()].filter((path) => path.endsWith('.mjs')).sort()).toEqual([...reached].sort());
    for (const path of reached) expect(files.has(`${path}.map`)).toBe(true);
    expect(textAt(files, start)).toContain('firebreakRequire');
  }
});

it('reaches Slack from what is deployed', async () => {
  const files = await built('slack/client.ts');
  const folder = await mkdtemp(join(tmpdir(), 'firebreak-slack-'));
  const twin = await startSlackTwin({
    ...{ botToken: 'xoxb-test', signingSecret: 'secret', teamId: 'T0', appId: 'A0', channel: 'C0' },
    ...{ users: [], channels: [], groups: {}, now: () => new Date() },
    deliver: async () => ({ statusCode: 200, body: '' }),
  });
  try {
    for (const [path, content] of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), content);
    }
    const client: typeof import('../slack/client.ts') = await import(
      pathToFileURL(join(folder, 'slack/client.mjs')).href
    );
    await client.slackClient({ botToken: 'xoxb-test', slackApiUrl: twin.url }).say('C0', 'It works');
    expect(twin.messages.map(({ text }) => text)).toEqual(['It works']);
  } finally {
    await twin.close();
    await rm(folder, { recursive: true });
  }
});

it('refuses a CommonJS package that is imported later: only its default would arrive', async () => {
  const { metafile } = await build({
    stdin: { contents: "await import('@slack/web-api')", resolveDir: process.cwd() },
    ...{ bundle: true, splitting: true, format: 'esm', platform: 'node', outdir: 'out' },
    ...{ metafile: true, write: false },
  });
  expect(() => checkImports(metafile)).toThrow('is CommonJS');
});

function textAt(files: Files, path: string): string {
  const content = files.get(path);
  if (!content) throw new Error(`the package has no ${path}`);
  return Buffer.from(content).toString();
}

it('makes the same archive of the same files, which unpacks to them', async () => {
  const files: [string, Uint8Array][] = [
    ['functions/a.mjs', Buffer.from('export const a = 1;'.repeat(500))],
    ['policy.yml', Buffer.from('version: 1')],
    ['é/empty', new Uint8Array()],
  ];
  const archive = zip(new Map(files));
  expect(zip(new Map(files.toReversed())).equals(archive)).toBe(true);
  const folder = await mkdtemp(join(tmpdir(), 'firebreak-zip-'));
  try {
    await writeFile(join(folder, 'a.zip'), archive);
    await unzip(join(folder, 'a.zip'), folder);
    for (const [name, content] of files)
      expect((await readFile(join(folder, name))).equals(Buffer.from(content))).toBe(true);
  } finally {
    await rm(folder, { recursive: true });
  }
});

/** Writes the files, and runs a script next to them as Lambda's Node would. Returns what it printed. */
async function runWith(
  files: Files,
  script: string,
): Promise<{ readonly out: unknown; readonly err: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'firebreak-bundle-'));
  try {
    for (const [path, content] of files) {
      await mkdir(join(folder, dirname(path)), { recursive: true });
      await writeFile(join(folder, path), content);
    }
    const ran = spawnSync(
      process.execPath,
      ['--enable-source-maps', '--input-type=module', '--eval', script],
      { cwd: folder, encoding: 'utf8', env: {} },
    );
    return { out: JSON.parse(ran.stdout || 'null'), err: ran.stderr };
  } finally {
    await rm(folder, { recursive: true });
  }
}

it('loads a playbook when it is first asked for more than what choosing takes, and then it is whole', async () => {
  const files = await built('playbooks/index.ts');
  const watched = new Map(
    [...files].map(([path, content]) => [
      path,
      /chunks\/playbook-\w+\.mjs$/.test(path)
        ? Buffer.concat([Buffer.from('globalThis.evaluated = (globalThis.evaluated ?? 0) + 1;'), content])
        : content,
    ]),
  );
  const { out, err } = await runWith(
    watched,
    `const { choosePlaybook, playbookById, PLAYBOOKS } = await import('./playbooks/index.mjs');
     const counts = [globalThis.evaluated ?? 0];
     const known = playbookById('isolate-instance');
     counts.push(known.handles.length, globalThis.evaluated ?? 0);
     const { title } = known;
     counts.push(globalThis.evaluated);
     const members = PLAYBOOKS.map((one) => ({ id: one.id, title: one.title, kinds: Object.keys(one.kinds), evidence: typeof one.evidence }));
     console.log(JSON.stringify({ counts, title, members }));`,
  );
  expect(err).toBe('');
  expect(out).toEqual({
    counts: [0, playbookById('isolate-instance')?.handles.length, 0, 1],
    title: playbookById('isolate-instance')?.title,
    members: PLAYBOOKS.map(({ id, title, kinds, evidence }) => ({
      ...{ id, title, kinds: Object.keys(kinds), evidence: typeof evidence },
    })),
  });
});

it('leaves out what a function never asks for, and maps of libraries', async () => {
  const kubernetes = ([path, { length }]: readonly [string, Uint8Array]) =>
    path.startsWith('functions/chunks/kubernetes-') && length > 1_000_000;
  expect([...(await built('functions/report.ts'))].filter(kubernetes).length).toBe(0);
  const all = [...(await built('functions/verify.ts'))];
  expect(all.filter(kubernetes).length).toBe(1);
  const bytes = (maps: boolean) =>
    all.filter(([path]) => path.endsWith('.map') === maps).reduce((sum, [, { length }]) => sum + length, 0);
  expect(bytes(true)).toBeLessThan(bytes(false) / 3);
  const own = all.flatMap(([path, content]) =>
    path.endsWith('.map')
      ? (JSON.parse(Buffer.from(content).toString()) as { sources: string[] }).sources
      : [],
  );
  expect(own.some((source) => source.endsWith('verify.ts'))).toBe(true);
  expect(own.some((source) => source.endsWith('playbooks/isolate-instance/plan.ts'))).toBe(true);
});

it('keeps of the SDK the schemas of the calls that are made', async () => {
  const code = [...(await built('core/aws/services/ec2.ts'))].filter(([path]) => path.endsWith('.mjs'));
  expect(code.map(([, content]) => Buffer.from(content).toString()).join()).not.toContain(
    'AcceptAddressTransfer',
  );
  expect(code.find(([path]) => path.endsWith('/ec2.mjs'))?.[1].length).toBeLessThan(150_000);
});

it('loads no undici for the calls of a service, and compiles no schema', async () => {
  const call = `const { Client, DescribeInstancesCommand } = await import('./core/aws/services/ec2.mjs');
    const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
    const client = new Client({ region: 'eu-west-1', endpoint: 'http://127.0.0.1:1', maxAttempts: 1, credentials });
    const error = await client.send(new DescribeInstancesCommand({})).catch((error) => error);
    const undici = process.moduleLoadList.filter((name) => name.includes('undici/undici'));
    console.log(JSON.stringify([error.code, undici]));`;
  expect(await runWith(await built('core/aws/services/ec2.ts'), call)).toMatchObject({
    out: ['ECONNREFUSED', []],
  });
  const load = `process.env.AWS_REGION = 'eu-west-1';
    await import('./functions/contain.mjs');
    console.log(JSON.stringify(globalThis.__zod_globalConfig));
    process.exit(0);`;
  expect((await runWith(await built('functions/contain.ts'), load)).out).toMatchObject({ jitless: true });
});

/** How a WOFF file begins, in base64: only the font of the picture does. */
const FONT = '"d09GR';
const GRAPH = {
  title: 'Attack path',
  nodes: [
    { id: 'a', kind: 'attacker', title: 'Remote side', name: '198.51.100.77' },
    { id: 'b', kind: 'resource', title: 'EC2 instance', name: 'web-1' },
  ],
  ways: [{ from: 'a', to: 'b', state: 'cut', label: 'cut: isolate instance' }],
};

it('draws the picture of an attack from what is deployed, and loads what draws only then', async () => {
  const holds = async (entry: string) =>
    [...(await built(entry))].flatMap(([path, content]) =>
      Buffer.from(content).includes(FONT) ? [path] : [],
    );
  // Nothing on the way to a containment carries it.
  expect(await holds('functions/contain.ts')).toEqual([]);
  const [font = ''] = await holds('functions/report.ts');
  expect(font).not.toBe('');
  const report = await built('functions/report.ts');
  const atOnce = new Set(['functions/report.mjs']);
  for (const path of atOnce)
    for (const [, name = ''] of textAt(report, path).matchAll(/(?:from|import)\s*"(\.{1,2}\/[^"]+\.mjs)"/g))
      atOnce.add(join(dirname(path), name));
  expect(atOnce.size).toBeGreaterThan(3);
  expect([...atOnce]).not.toContain(font);
  const { out, err } = await runWith(
    await built('slack/attack-picture.ts'),
    `const { attackPicture } = await import('./slack/attack-picture.mjs');
     const bytes = Buffer.from(attackPicture(${JSON.stringify(GRAPH)}));
     console.log(JSON.stringify([bytes.toString('latin1', 1, 4), bytes.length > 5000]));`,
  );
  expect([out, err]).toEqual([['PNG', true], '']);
}, 60_000);

it('builds no function that parses a policy', () => {
  expect(() => checkInput('core/policy/schema.ts')).toThrow('has no place in a deployed function');
});
