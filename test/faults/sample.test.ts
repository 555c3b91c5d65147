/**
 * A sample of the trials: every kind of fault on another playbook, two calls of each. `npm run test:faults` tries every call of
 * every playbook. And what is known to fail still does.
 */
import { expect, it } from 'vitest';
import { COMPOSITES, PLAYBOOKS } from '../../playbooks/index.ts';
import { FAULT_KINDS, type FaultKind } from './faults.ts';
import { tryCall, tryEveryCall } from './harness.ts';
import { isKnown, KNOWN, matches } from './known.ts';
import { SCENARIOS } from './scenarios.ts';

const PLAYED: Readonly<Record<FaultKind, string>> = {
  crash: 'isolate-instance',
  lost: 'block-public-bucket',
  throttle: 'disable-user-keys',
  outage: 'mark-image',
  deny: 'quarantine-object',
  stale: 'restrict-database',
  update: 'throttle-function',
  rise: 'stop-task',
};

it('has a scenario for every playbook', () => {
  expect([...SCENARIOS.keys()].sort()).toEqual([...PLAYBOOKS, ...COMPOSITES].map(({ id }) => id).sort());
});

it.each(FAULT_KINDS)('%s: holds at some calls', async (fault) => {
  const { tried, failed } = await tryEveryCall({ playbook: PLAYED[fault], fault, most: 1 });
  expect(tried).toBeGreaterThan(0);
  expect(failed.filter((one) => !isKnown(one))).toEqual([]);
});

it.each(KNOWN.map((known) => [known.why, known] as const))('still fails: %s', async (_why, known) => {
  const failed = await tryCall(known.shown);
  expect(failed.some((one) => matches(known, one))).toBe(true);
});
