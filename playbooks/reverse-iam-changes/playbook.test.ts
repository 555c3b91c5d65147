/** What an attacker changed in IAM goes back to the value before, and undo restores it letter for letter. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import {
  ALL_ATTACKS,
  type Attack,
  attackedAccount,
  document,
  trust,
} from '../../test/playbooks/changed-world.ts';
import { type Accounts, playbookProperties, scene, sceneDatabase } from '../../test/playbooks/properties.ts';
import { readsItsExamples, targetIn } from '../../test/playbooks/reversed.ts';
import { iamChanges, reverseIamChanges } from './playbook.ts';

type World = readonly Attack[];
let opened: AccountTwin | undefined;

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
  target: (finding) => targetIn(iamChanges, opened, finding, 'us-east-1'),
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

it('reads the example of each answer, and each is about another kind', () => readsItsExamples(iamChanges));
