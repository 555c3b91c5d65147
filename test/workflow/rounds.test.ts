/** How many rounds of calls, of the table and of STS among them, lie between a finding and its containment: counts, not times. */
import { expect, it } from 'vitest';
import { parsePolicy } from '../../core/policy/policy.ts';
import { RACES, type Race, roundsOf } from '../../sandbox/rounds.ts';
import { SCENARIOS } from '../faults/scenarios.ts';
import { policyWithoutFollowUps } from '../policy-text.ts';

/** Everything severe is contained automatically. */
async function policy() {
  const text = await policyWithoutFollowUps();
  const rules = 'rules:\n  - name: all\n    match: { type: "*" }\n    decide: auto\n';
  return parsePolicy(text.slice(0, text.indexOf('\nrules:\n') + 1) + rules);
}

/** Other playbooks of the credential path, on the accounts of the fault harness. */
const scenario = (playbook: string, contains: string): Race => ({
  playbook,
  contains,
  event: (twin) => {
    const found = SCENARIOS.get(playbook);
    if (!found) throw new Error(`no scenario of ${playbook}`);
    return found.open(twin);
  },
});

const MOST: readonly (readonly [Race, number])[] = [
  ...RACES.map((race) => [race, race.playbook === 'isolate-instance' ? 12 : 10] as const),
  [scenario('revoke-role-sessions', 'IAM:PutRolePolicy'), 11],
  [scenario('disable-user-keys', 'IAM:PutUserPolicy'), 12],
];

it.each(MOST.map(([race, most]) => ({ race, most, playbook: race.playbook })))(
  '$playbook contains after at most $most rounds',
  async ({ race, most }) => {
    // Once for the modules that are loaded when they are first used.
    await roundsOf(race, await policy());
    const rounds = await roundsOf(race, await policy());
    expect(rounds.length, rounds.map((calls) => calls.join(', ')).join('\n')).toBeLessThanOrEqual(most);
  },
);
