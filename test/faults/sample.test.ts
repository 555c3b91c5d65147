/** A sample of the trials: a few calls of every playbook under every kind of fault. `npm run test:faults` tries them all. */
import { expect, it } from 'vitest';
import { tryEveryCall } from './harness.ts';

it('isolate-instance: a crash at some calls', async () => {
  const { tried, failed } = await tryEveryCall({ playbook: 'isolate-instance', fault: 'crash', every: 15 });
  expect(tried).toBeGreaterThan(5);
  expect(failed).toEqual([]);
});
