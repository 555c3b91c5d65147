/**
 * Setup of the files that share a process: what one changed of the process is as it was before the next begins. What a file
 * mocks with `mockClient` or `vi.mock` it restores itself.
 */
import { afterAll, vi } from 'vitest';
import { configureAws } from '../core/aws/client.ts';
import { useRuntime } from '../pipeline/runtime.ts';

const env = { ...process.env };
const folder = process.cwd();

afterAll(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  vi.unstubAllGlobals();
  useRuntime(undefined);
  configureAws({});
  process.chdir(folder);
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
  Object.assign(process.env, env);
});
