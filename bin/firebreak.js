#!/usr/bin/env node
/**
 * Starts the command with Node 24, which runs the TypeScript sources as they are. The Node that npm installed next to
 * them is used when the host's own is older.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const main = fileURLToPath(new URL('../cli/main.ts', import.meta.url));

if (Number.parseInt(process.versions.node, 10) >= 24) {
  process.argv[1] = main;
  await import(pathToFileURL(main).href);
} else {
  const child = spawn(installedNode(), [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal sends Ctrl-C to both; a service manager signals only this process, so it is passed on.
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGUSR2']) process.on(signal, () => child.kill(signal));
  process.on('SIGINT', () => {});
  child.on('error', fail);
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

function installedNode() {
  try {
    const root = dirname(createRequire(import.meta.url).resolve('node/package.json'));
    return join(root, 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
  } catch (error) {
    return fail(error);
  }
}

function fail(error) {
  console.error(
    `firebreak needs Node 24 or newer; this is ${process.version}, and the one that comes with it is missing (${error.message}).`,
  );
  console.error('Next: run `npm ci` here, or start it with a newer Node.');
  process.exit(1);
}
