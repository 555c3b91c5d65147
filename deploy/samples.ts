/**
 * `npm run samples` writes what commands print into README and docs, between `<!-- sample: NAME -->` and `<!-- /sample -->`;
 * `--check` exits 1 where a page shows something else. Each command runs in the sandbox, at 80 columns and a fixed time.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { type Generated, generate } from './generate.ts';

const CLOCK = resolve('deploy/samples/fixed-clock.js');
const COMMAND = resolve('cli/main.ts');

/** What is run once before, each in a sandbox of its own. */
const SCENES = {
  demo: [COMMAND, 'demo', 'credential-exfiltration', '--approve'],
  waiting: [resolve('deploy/samples/waiting.ts')],
  'slack-check': [COMMAND, 'slack', 'check', '--sandbox'],
} as const;

interface Sample {
  readonly scene: keyof typeof SCENES;
  /** The incident that `show` prints, by its status; without it what the scene printed. */
  readonly shows?: string;
  /** Lines from one that begins so up to another, with what stands in their place. */
  readonly cut?: { readonly from: string; readonly to: string; readonly instead: string };
}

const SAMPLES: Readonly<Record<string, Sample>> = {
  demo: {
    scene: 'demo',
    cut: { from: 'Timeline', to: '  Waits', instead: '[the timeline, and two follow-ups after approval]' },
  },
  contained: { scene: 'demo', shows: 'contained' },
  residual: { scene: 'demo', shows: 'residual' },
  waiting: { scene: 'waiting', shows: 'awaiting-approval' },
  'slack-check': { scene: 'slack-check' },
};

const run = promisify(execFile);

/** Runs a script in a folder at the fixed time, with the variables that decide what it prints. */
async function printed(folder: string, script: string, ...args: readonly string[]): Promise<string> {
  const { stdout } = await run(process.execPath, ['--import', CLOCK, script, ...args], {
    cwd: folder,
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], COLUMNS: '80', NO_COLOR: '1', TZ: 'UTC' },
  });
  return stdout;
}

/** Returns what each sample prints. */
async function outputs(): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (const [scene, [script, ...args]] of Object.entries(SCENES)) {
    const folder = await mkdtemp(join(tmpdir(), 'firebreak-sample-'));
    try {
      const text = await printed(folder, script, ...args);
      const incidents = (await printed(folder, COMMAND, 'history', '--json'))
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as { readonly id: string; readonly status: string });
      for (const [name, sample] of Object.entries(SAMPLES)) {
        if (sample.scene !== scene) continue;
        const { id = '' } = incidents.find(({ status }) => status === sample.shows) ?? {};
        const words = sample.shows === undefined ? args : ['show', id];
        const shown = sample.shows === undefined ? text : await printed(folder, COMMAND, ...words);
        found.set(name, [`$ npx firebreak ${words.join(' ')}`, ...left(shown, sample)].join('\n'));
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  return found;
}

/** What changes with every field of a record, or with every run, says nothing to a reader. */
const withoutNoise = (text: string): string =>
  text
    .replace(/\bhttp:\/\/127\.0\.0\.1:\d+/g, 'http://127.0.0.1:…')
    .replace(/\.[0-9a-f]{16}\.json\b/g, '.….json')
    .replace(/\bSHA-256 [0-9a-f]{8}…/g, 'SHA-256 …');

function left(text: string, { cut }: Sample): readonly string[] {
  const lines = withoutNoise(text.trimEnd()).split('\n');
  if (!cut) return lines;
  const at = (start: string) => lines.findIndex((line) => line.startsWith(start));
  return [...lines.slice(0, at(cut.from)), cut.instead, ...lines.slice(at(cut.to))];
}

/** In a list it is indented. */
const MARK = /^( *)<!-- sample: (\S+) -->\n\1```\n(?:[\s\S]*?\n)?\1```\n\1<!-- \/sample -->/gm;

/** Returns each page that shows samples, as it should be. */
async function pages(): Promise<Generated> {
  const samples = await outputs();
  const { stdout } = await run('git', ['ls-files', '*.md']);
  const found = await Promise.all(
    stdout
      .trim()
      .split('\n')
      .map(async (path) => {
        const text = await readFile(path, 'utf8');
        const filled = text.replace(MARK, (_whole, indent: string, name: string) => {
          const output = samples.get(name);
          if (output === undefined)
            throw new Error(`${path}: there is no sample ${name} in deploy/samples.ts`);
          const lines = `<!-- sample: ${name} -->\n\`\`\`\n${output}\n\`\`\`\n<!-- /sample -->`;
          return lines.replace(/^(?=.)/gm, indent);
        });
        return [path, filled, text.match(MARK)] as const;
      }),
  );
  return Object.fromEntries(found.flatMap(([path, text, marks]) => (marks ? [[path, text]] : [])));
}

await generate(await pages(), [], process.argv.includes('--check'), 'npm run samples');
