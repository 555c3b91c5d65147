import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { expect, it } from 'vitest';
import { unzip } from '../bench/zip.ts';
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
  [...text.matchAll(/(?:from|import)\s*\(?\s*"(\.{1,2}\/[^"]+\.mjs)"/g)].map(([, name = '']) =>
    join(dirname(path), name),
  );

it('gives each function what its handler can reach, at once or later, and nothing else', async () => {
  const made = await bundles(['functions/pager.ts', 'functions/canary.ts']);
  expect([...made.keys()].sort()).toEqual(['functions/canary.ts', 'functions/pager.ts']);
  for (const [entry, files] of made) {
    const start = entry.replace(/ts$/, 'mjs');
    const reached = new Set([start]);
    for (const path of reached) for (const name of importsOf(path, textAt(files, path))) reached.add(name);
    expect([...files.keys()].filter((path) => path.endsWith('.mjs')).sort()).toEqual([...reached].sort());
    for (const path of reached) expect(files.has(`${path}.map`)).toBe(true);
    expect(textAt(files, start)).toContain('firebreakRequire');
  }
});

it('reaches Slack from what is deployed', async () => {
  const files = (await bundles(['slack/client.ts'])).get('slack/client.ts') ?? new Map();
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
