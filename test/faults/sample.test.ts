/**
 * A sample of the trials: every kind of fault on another playbook, two calls of each. `npm run test:faults` tries every call of
 * every playbook. What failed once holds, and what is known to fail still does.
 */
import { expect, it } from 'vitest';
import { COMPOSITES, PLAYBOOKS } from '../../playbooks/index.ts';
import { FAULT_KINDS, type FaultKind } from './faults.ts';
import { baselineOf, nameOf, type Trial, tryCall, tryEveryCall } from './harness.ts';
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

it.each(PLAYBOOKS.map(({ id }) => id))('%s acts in its own scenario', async (id) => {
  expect((await baselineOf(id)).acted).toContain(id);
});

it.each([...SCENARIOS.keys()])('%s is contained, undone and restored without a fault', async (id) => {
  const { contain, undo } = (await baselineOf(id)).points;
  for (const points of [contain, undo]) expect(points.length).toBeGreaterThan(0);
});

it.each(FAULT_KINDS)('%s: holds at some calls', async (fault) => {
  const { tried, failed } = await tryEveryCall({ playbook: PLAYED[fault], fault, most: 1 });
  expect(tried).toBeGreaterThan(0);
  expect(failed.filter((one) => !isKnown(one))).toEqual([]);
});

/** Trials that failed once, each of another kind. */
const FIXED: readonly Trial[] = [
  // The follow-up was never started.
  {
    ...{ playbook: 'stop-launcher', phase: 'contain', fault: 'outage' },
    at: 'report SFN:StartExecution #1',
  },
  // What AWS had refused ended as partly undone.
  {
    ...{ playbook: 'block-indicator', phase: 'contain', fault: 'throttle' },
    at: 'contain EC2:CreateNetworkAclEntry #2',
  },
  // The group that was in use at the first look stayed.
  {
    ...{ playbook: 'isolate-instance', phase: 'undo', fault: 'throttle' },
    at: 'undo EC2:ModifyNetworkInterfaceAttribute #1',
  },
  // A second entry was made next to one that AWS did not show yet.
  {
    ...{ playbook: 'block-indicator', phase: 'contain', fault: 'stale', reads: 30 },
    at: 'contain EC2:CreateNetworkAclEntry #2',
  },
  // An undo that failed before its first change had the response taken over every minute, for ever.
  {
    ...{ playbook: 'restore-event-selectors', phase: 'undo', fault: 'deny' },
    at: 'undo DynamoDB:PutItem #10',
  },
  // The deny in every account was left out for one busy moment, though it was decided.
  {
    ...{ playbook: 'revoke-sso-sessions', phase: 'contain', fault: 'throttle' },
    at: 'contain Organizations:ListPolicies #1',
  },
];

it.each(FIXED.map((trial) => [nameOf(trial), trial] as const))('holds: %s', async (_name, trial) => {
  expect(await tryCall(trial)).toEqual([]);
});

it.each(KNOWN.map((known) => [known.why, known] as const))('still fails: %s', async (_why, known) => {
  const failed = await tryCall(known.shown);
  expect(failed.some((one) => matches(known, one))).toBe(true);
});
