/** The suites that are recorded: unit tests next to what they test, and those that cross rooms. */
export const SUITES = [
  '{core,playbooks,slack,pipeline,functions,sandbox,console,cli,deploy,bench}/**/*.test.ts',
  'test/*.test.ts',
  'test/{workflow,adversary,conformance}/**/*.test.ts',
  'test/faults/*.test.ts',
];
