import { defineConfig } from 'vitest/config';

const project = (name: string) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    setupFiles: ['test/record-requests.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});

export default defineConfig({
  test: {
    // Tests mostly wait for servers of their own; a processor left idle for the runner itself is one too many.
    maxWorkers: '100%',
    projects: [
      project('unit'),
      project('workflow'),
      project('conformance'),
      project('browser'),
      project('deploy'),
    ],
  },
});
