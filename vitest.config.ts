import { enableCompileCache } from 'node:module';
import { availableParallelism } from 'node:os';
import { configDefaults, defineConfig } from 'vitest/config';

// The workers are processes of their own and read the folder from here.
process.env['NODE_COMPILE_CACHE'] ??= enableCompileCache().directory ?? '';

/** Setup of every file of tests that share a process with others: what one changes, the next must not see. */
const SHARED = 'test/leave-no-trace.ts';

const project = (
  name: string,
  include: readonly string[],
  { isolate = true, recorded = true, setup = [] as readonly string[] } = {},
) => ({
  test: {
    name,
    include: [...include],
    exclude: [...configDefaults.exclude, ...(isolate ? [] : [ISOLATED])],
    isolate,
    setupFiles: [...(recorded ? ['test/record-requests.ts'] : []), ...(isolate ? [] : [SHARED]), ...setup],
    // Handlers log as on AWS, a line of JSON for each of thousands of invocations.
    env: { POWERTOOLS_LOG_LEVEL: 'SILENT', POWERTOOLS_METRICS_DISABLED: 'true' },
    // The longest tests take half a minute alone: on a busy machine they must not fail for it.
    testTimeout: 180_000,
    hookTimeout: 60_000,
  },
});

/** Tests that replace a module for the whole process: they have one of their own. */
const ISOLATED = '**/*.isolated.test.ts';

/** A unit's test stands next to it; `test/` holds what crosses rooms. */
export const ROOMS =
  '{core,playbooks,slack,pipeline,functions,sandbox,console,cli,deploy,bench}/**/*.test.ts';

export default defineConfig({
  test: {
    // Tests wait as well as work, for clocks and for commands in processes of their own.
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    projects: [
      // One process for many files: importing the handlers and the SDK again for each took a third of the run.
      project('unit', [ROOMS, 'test/*.test.ts'], { isolate: false }),
      project('workflow', ['test/{workflow,adversary}/**/*.test.ts', 'test/faults/*.test.ts'], {
        isolate: false,
        setup: ['test/blank-pictures.ts'],
      }),
      project('isolated', [ISOLATED]),
      // Every call of every playbook under every kind of fault: minutes to hours, and no call that the workflow tests do not make.
      project('faults', ['test/faults/all/*.test.ts'], { recorded: false }),
      // These talk to servers of their own by environment variables: they need a process each.
      ...['conformance', 'browser', 'deploy', 'install'].map((name) =>
        project(name, [`test/${name}/**/*.test.ts`]),
      ),
    ],
  },
});
