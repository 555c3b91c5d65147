/** A finding is answered and judged once: what Enrich found out is what Classify judges. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { parseFinding } from '../../core/finding/finding.ts';
import { type Policy, parsePolicy } from '../../core/policy/policy.ts';
import { choosePlaybook } from '../../playbooks/index.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { credentialFinding, credentialWorld } from '../../sandbox/worlds.ts';
import { policyWithoutFollowUps } from '../policy-text.ts';

vi.mock('../../playbooks/index.ts', { spy: true });

let sandbox: Sandbox;
const calls: string[] = [];

/** The shipped policy, noting which of its answers were asked for. */
async function notingPolicy(): Promise<Policy> {
  const policy = parsePolicy(await policyWithoutFollowUps());
  return {
    ...policy,
    want: (...given) => noted('want', policy.want(...given)),
    gate: (...given) => noted('gate', policy.gate(...given)),
    breaker: (...given) => noted('breaker', policy.breaker(...given)),
    decide: (...given) => noted('decide', policy.decide(...given)),
  };
}
function noted<T>(name: string, result: T): T {
  calls.push(name);
  return result;
}

beforeEach(async () => {
  calls.length = 0;
  sandbox = await startSandbox({ policy: await notingPolicy() });
});
afterEach(() => sandbox.close());

it('an automatic containment chooses, decides and counts once', async () => {
  const world = credentialWorld(sandbox.twin, 3);
  const event = credentialFinding(sandbox.twin, world.stolen, { seed: 'once' });
  vi.mocked(choosePlaybook).mockClear();
  const execution = await sandbox.deliver(event);
  expect(await execution.ended).toMatchObject({ output: { status: 'contained' } });
  expect(choosePlaybook).toHaveBeenCalledTimes(1);
  // The first one only says whether the role is assumed early; nothing of it is kept.
  expect(calls).toEqual(['want', 'want', 'gate', 'breaker']);
});

it('Enrich stores the finding and what the rule wants of it', async () => {
  const world = credentialWorld(sandbox.twin, 3);
  const event = credentialFinding(sandbox.twin, world.stolen, { seed: 'older' });
  const { incidents, policy } = sandbox.runtime;
  const execution = await sandbox.deliver(event);
  await execution.ended;
  const [incident] = await sandbox.incidents();
  if (!incident?.assessment) throw new Error('nothing was assessed');
  const finding = parseFinding(event);
  expect(await incidents.normalised(incident.id)).toEqual(finding);
  expect(policy.want(finding, {})).toEqual(incident.assessment.wanted);
});
