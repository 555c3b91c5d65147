import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ROOMS } from '../vitest.config.ts';

it('lets a test replace modules only in a process of its own, and says so in its name', () => {
  const files = globSync([ROOMS, 'test/*.test.ts', 'test/workflow/**/*.test.ts']);
  expect(files.length).toBeGreaterThan(90);
  const replacing = files.filter((file) =>
    /\bvi\.(mock|doMock|resetModules)\(/.test(readFileSync(file, 'utf8')),
  );
  expect(replacing.filter((file) => !file.endsWith('.isolated.test.ts'))).toEqual([]);
});
