/** `npm run lint`: runs every check, also after one failed, and fails when any did. */
import { spawnSync } from 'node:child_process';
import { delimiter, resolve } from 'node:path';

const CHECKS = [
  ['biome', 'check'],
  ['knip'],
  ['node', 'deploy/vocabulary.ts'],
  ['node', 'deploy/inverses.ts', '--check'],
  ['node', 'deploy/policy-schema.ts', '--check'],
  ['node', 'deploy/templates.ts', '--check'],
  ['node', 'deploy/docs.ts', '--check'],
] as const;

const PATH = [resolve('node_modules/.bin'), process.env.PATH].join(delimiter);

const failed = CHECKS.filter(([command, ...args]) => {
  const { status, error } = spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, PATH } });
  if (error) console.error(`${command}: ${error.message}`);
  return status !== 0;
});
for (const check of failed) console.error(`Failed: ${check.join(' ')}`);
process.exitCode = failed.length > 0 ? 1 : 0;
