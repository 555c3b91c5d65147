import { defineConfig } from 'vitest/config';

const project = (name: string, include: readonly string[]) => ({
  test: {
    name,
    include: [...include],
    setupFiles: ['test/record-requests.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});

/** A unit's test stands beside it; `test/` holds what crosses rooms. */
export const ROOMS =
  '{core,playbooks,slack,pipeline,functions,sandbox,console,cli,deploy,bench}/**/*.test.ts';

export default defineConfig({
  test: {
    // Tests mostly wait for servers of their own; a processor left idle for the runner itself is one too many.
    maxWorkers: '100%',
    projects: [
      project('unit', [ROOMS, 'test/*.test.ts']),
      ...['workflow', 'conformance', 'browser', 'deploy'].map((name) =>
        project(name, [`test/${name}/**/*.test.ts`]),
      ),
    ],
  },
});
