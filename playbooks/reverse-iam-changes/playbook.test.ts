/** What an attacker changed in IAM goes back to the value before, and undo restores it letter for letter. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Finding } from '../../core/finding/finding.ts';
import type { TargetChoice } from '../../core/journal/playbook.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import {
  ALL_ATTACKS,
  type Attack,
  attackedAccount,
  document,
  THIEF,
  trust,
} from '../../test/playbooks/changed-world.ts';
import { type Accounts, playbookProperties, scene, sceneDatabase } from '../../test/playbooks/properties.ts';
import { type Call, changingCall, suspectOf } from '../common/changes/call.ts';
import { iamChanges, reverseIamChanges } from './playbook.ts';

type World = readonly Attack[];
let opened: AccountTwin | undefined;

/** What `reverse-changes` finds in CloudTrail, without asking for it. */
function targetIn(finding: Finding): TargetChoice {
  const suspect = suspectOf(finding);
  const calls = (opened?.region('us-east-1').cloudtrail.history ?? [])
    .flatMap(({ event }) => changingCall(event, finding.account) ?? [])
    .filter(({ accessKeyId }) => accessKeyId === THIEF.accessKeyId)
    .reverse();
  const target = suspect && iamChanges.targetOf(finding, suspect, calls);
  return target ? { ok: true, target } : { ok: false, reason: 'nothing was changed' };
}

const accounts: Accounts<World> = {
  worlds: fc
    .array(fc.constantFrom(...ALL_ATTACKS), { maxLength: 5 })
    // One that leaves something to reverse in every order.
    .map((world): World => ['trust', ...world]),
  runs: 8,
  open(twin, world) {
    opened = twin;
    return attackedAccount(twin, world);
  },
  target: (finding) => targetIn(finding),
};
playbookProperties(reverseIamChanges, accounts);

const database = sceneDatabase('reverse-iam-changes-test');
const at = (...world: World) => scene(database(), reverseIamChanges, accounts, world);

describe('what was there before', () => {
  it('is restored where CloudTrail shows it, and the first change of several counts', async () => {
    const here = at('put role', 'put role again', 'trust');
    await here.contain();
    const role = here.twin.state.roles['app'];
    expect(role?.inline['app']).toBe(document('s3:GetObject'));
    expect(role?.AssumeRolePolicyDocument).toBe(trust('arn:aws:iam::111122223333:root'));
    expect(await here.prove()).toMatchObject({ proven: true });
    expect(await here.undoSafety()).toMatchObject({ safe: false });
  });

  it.each(ALL_ATTACKS)('%s: is reversed, proven, and undone letter for letter', async (attack) => {
    const here = at(attack);
    const before = here.account();
    const { steps } = await here.contain();
    expect(steps.map(({ status }) => status)).toEqual(['done']);
    expect(here.account()).not.toEqual(before);
    expect(await here.prove()).toMatchObject({ proven: true });
    await here.undo();
    expect(here.account()).toEqual(before);
  });

  it('is restored for most of an attack at once, and the rest is named', async () => {
    const here = at(...ALL_ATTACKS);
    const before = here.account();
    const plan = await here.plan();
    expect(plan.kind === 'plan' && plan.steps.length).toBeGreaterThan(20);
    expect(plan.kind === 'plan' && plan.askBecause).toHaveLength(1);
    expect(plan.kind === 'plan' && plan.residual.join('\n')).toContain('more than 25 changes');
    await here.contain();
    expect(await here.prove()).toMatchObject({ proven: true });
    await here.undo();
    expect(here.account()).toEqual(before);
  });

  it('is said to be a guess where CloudTrail does not show it', async () => {
    const plan = await at('put user').plan();
    expect(plan.kind === 'plan' && plan.steps[0]?.describe).toContain('not sure');
    expect(plan.kind === 'plan' && plan.warnings.join()).toContain("CloudTrail's last 90 days do not show");
  });
});

it('reads the example of each answer, and each is about another kind', () => {
  const { inverses, byHand } = iamChanges;
  for (const { example, calls, effects, resource } of inverses) {
    const call = callOf(example, calls.source);
    const [effect] = effects(call, { partition: 'aws', account: '111122223333', region: 'us-east-1' });
    expect(calls.names, example.eventName).toContain(example.eventName);
    expect(effect && resource.safeParse(effect.resource).success, example.eventName).toBe(true);
  }
  for (const { example, calls, next } of byHand)
    expect(
      next(callOf(example, calls.source), { partition: 'aws', account: '1', region: 'x' })?.next,
    ).toBeTruthy();
  const ids = [...inverses, ...byHand].map(({ id }) => id);
  expect(ids).toEqual([...new Set(ids)]);
});

function callOf(example: (typeof iamChanges.inverses)[number]['example'], eventSource: string): Call {
  const call = changingCall(
    {
      ...example,
      ...{ eventSource, eventID: '00000000-0000-4000-8000-000000000000', eventTime: '2026-11-24T07:00:00Z' },
      ...{ awsRegion: 'us-east-1', userIdentity: {} },
    },
    '111122223333',
  );
  if (!call) throw new Error(`no call: ${example.eventName}`);
  return call;
}
