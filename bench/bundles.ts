/**
 * Zipped size and cold import time of each packaged function, and what the first use of a service client adds. Reads
 * the archives of `npm run package`; each figure is the median of fresh Node processes with the options of Lambda.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { unzip } from './zip.ts';

const PACKAGES = '.serverless';
const RUNS = 9;
/** Clients whose first use is shown: on the credential path, and on the isolation path. */
const LAZY = ['iam', 'ec2', 'autoscaling', 'elbv2'];

const archives = existsSync(PACKAGES) ? readdirSync(PACKAGES).filter((name) => name.endsWith('.zip')) : [];
if (archives.length === 0) {
  console.error('There is nothing to measure: run `npm run package` first.');
  process.exit(1);
}

const work = await mkdtemp(join(tmpdir(), 'firebreak-bench-'));
try {
  console.log(`Node ${process.version}, median of ${RUNS} fresh processes`);
  console.log(row('function', 'zip KB', 'import ms'));
  for (const archive of archives) {
    const name = basename(archive, '.zip');
    const bytes = await unzip(join(PACKAGES, archive), join(work, name));
    // Functions keep their names; their files say more than some of those.
    const own = readdirSync(join(work, name, 'functions')).find((file) => file.endsWith('.mjs'));
    const handler = join(work, name, 'functions', own ?? '');
    console.log(row(name, (bytes / 1024).toFixed(0), importMs([handler]).toFixed(0)));
  }
  const contain = join(work, 'contain', 'functions', 'contain.mjs');
  const chunks = join(work, 'contain', 'functions', 'chunks');
  console.log(`\n${row('contain: first use of', '', 'adds ms')}`);
  for (const service of LAZY) {
    const chunk = readdirSync(chunks).find((name) => name.startsWith(`${service}-`) && name.endsWith('.mjs'));
    if (chunk) console.log(row(service, '', importMs([contain, join(chunks, chunk)]).toFixed(0)));
  }
} finally {
  await rm(work, { recursive: true, force: true });
}

/** Milliseconds for the last of the files, imported after the others in a process of its own. */
function importMs(files: readonly string[]): number {
  const script = files
    .map((file) => `start = performance.now(); await import(${JSON.stringify(pathToFileURL(file).href)});`)
    .join('\n');
  const measured = Array.from({ length: RUNS }, () => {
    const child = spawnSync(
      process.execPath,
      [
        '--enable-source-maps',
        '--input-type=module',
        '--eval',
        `let start; ${script} console.log(performance.now() - start); process.exit(0);`,
      ],
      { encoding: 'utf8', env: { AWS_REGION: 'us-east-1' } },
    );
    if (child.status !== 0) throw new Error(`${files.join(', ')} does not import: ${child.stderr}`);
    return Number(child.stdout);
  });
  return measured.sort((a, b) => a - b)[Math.floor(RUNS / 2)] ?? Number.NaN;
}

function row(name: string, size: string, time: string): string {
  return `${name.padEnd(24)}${size.padStart(8)}${time.padStart(11)}`;
}
