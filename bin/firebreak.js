#!/usr/bin/env node
/**
 * Starts the command with Node 24, which runs the TypeScript sources as they are. The Node that npm installed next to
 * them is used when the host's own is older.
 */
import { existsSync } from 'node:fs';
import module from 'node:module';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../cli/main.ts', import.meta.url));
// In the user's own folder: what stands in the folder for temporary files, another user may have put there.
const compiled = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'firebreak');

if (!existsSync(main)) {
  // The installed package has no sources: what was built of them runs on the host's own Node.
  module.enableCompileCache?.(compiled);
  await import('../dist/start.js');
} else if (Number.parseInt(process.versions.node, 10) >= 24) {
  // Compiled once, types removed: what the next command needs of it is read back.
  module.enableCompileCache(compiled);
  process.argv[1] = main;
  await import('../cli/main.ts');
} else {
  const [{ spawn }, { constants }] = await Promise.all([import('node:child_process'), import('node:os')]);
  const child = spawn(installedNode(), [main, ...process.argv.slice(2)], {
    stdio: 'inherit',
    env: { NODE_COMPILE_CACHE: compiled, ...process.env },
  });
  // A terminal sends Ctrl-C to both; a service manager signals only this process, so it is passed on.
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGUSR2']) process.on(signal, () => child.kill(signal));
  process.on('SIGINT', () => {});
  child.on('error', fail);
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]));
}

function installedNode() {
  try {
    const root = dirname(module.createRequire(import.meta.url).resolve('node/package.json'));
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
