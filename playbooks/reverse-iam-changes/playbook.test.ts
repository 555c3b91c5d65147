/** What an attacker changed in IAM goes back to the value before, and undo restores it letter for letter. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../core/json.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import {
  ALL_ATTACKS,
  type Attack,
  actsAs,
  attackedAccount,
  document,
  trust,
} from '../../test/playbooks/changed-world.ts';
import {
  type Accounts,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
import {
  forgetTheOwner,
  readsItsExamples,
  recorded,
  SEEN,
  THIEF,
  targetIn,
} from '../../test/playbooks/reversed.ts';
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

  it('is restored where IAM wrote an account of the record as the ARN of its root', async () => {
    const foreign = '444455556666';
    const written: Accounts<World> = {
      ...accounts,
      open(twin) {
        const finding = accounts.open(twin, []);
        const taken = { RoleName: 'app', PolicyDocument: trust(foreign) };
        actsAs(twin, THIEF, ['UpdateAssumeRolePolicy', taken], new Date(SEEN + 60_000));
        const role = twin.state.roles['app'];
        if (role) role.AssumeRolePolicyDocument = trust(`arn:aws:iam::${foreign}:root`);
        return finding;
      },
    };
    const here = scene(database(), reverseIamChanges, written, []);
    const before = here.account();
    await here.contain();
    expect(here.twin.state.roles['app']?.AssumeRolePolicyDocument).not.toContain(foreign);
    await here.undo();
    expect(here.account()).toEqual(before);
  });

  it('is said to be a guess where CloudTrail does not show it', async () => {
    const plan = await at('put user').plan();
    expect(plan.kind === 'plan' && plan.steps[0]?.describe).toContain('not sure');
    expect(plan.kind === 'plan' && plan.warnings.join()).toContain("CloudTrail's last 90 days do not show");
  });
});

const ofAws = (name: string) => `arn:aws:iam::aws:policy/${name}`;
const inConfig = {
  type: 'AWS::IAM::Role',
  ...{ id: 'AROAAPP000000001', name: 'app' },
  configuration: {
    assumeRolePolicyDocument: encodeURIComponent(trust('arn:aws:iam::111122223333:root')),
    rolePolicyList: [{ policyName: 'app', policyDocument: encodeURIComponent(document('s3:GetObject')) }],
    attachedManagedPolicies: [{ policyName: 'ReadOnlyAccess', policyArn: ofAws('ReadOnlyAccess') }],
    permissionsBoundary: { permissionsBoundaryArn: ofAws('ReadOnlyAccess') },
  },
};
const person = (UserName: string, configuration: JsonObject) => ({
  ...{ type: 'AWS::IAM::User', id: `AIDA${UserName.toUpperCase()}0000000001`, name: UserName },
  configuration,
});
const ITEMS = [
  inConfig,
  { ...inConfig, id: 'AROAOTHER000000001', name: 'other' },
  person('eve', {
    userPolicyList: [{ policyName: 'app', policyDocument: encodeURIComponent(document('s3:GetObject')) }],
    ...{ groupList: [], attachedManagedPolicies: [] },
    permissionsBoundary: { permissionsBoundaryArn: ofAws('ReadOnlyAccess') },
  }),
  person('bob', {
    ...{ groupList: ['admins'], permissionsBoundary: null },
    attachedManagedPolicies: [{ policyArn: ofAws('ReadOnlyAccess') }],
  }),
  {
    ...{ type: 'AWS::IAM::Group', id: 'AGPAADMINS000000001', name: 'admins' },
    configuration: {
      groupPolicyList: [{ policyName: 'app', policyDocument: encodeURIComponent(document('s3:GetObject')) }],
      attachedManagedPolicies: [{ policyArn: ofAws('ReadOnlyAccess') }],
    },
  },
  {
    ...{ type: 'AWS::IAM::Policy', id: 'ANPAAPP0000000001', name: 'app' },
    configuration: { arn: 'arn:aws:iam::111122223333:policy/app', defaultVersionId: 'v2' },
  },
];

describe('what AWS Config recorded', () => {
  const since = (change: Parameters<typeof recorded>[2][]) => {
    const known: Accounts<World> = {
      ...accounts,
      open(twin, world) {
        const finding = accounts.open(twin, world);
        forgetTheOwner(twin, 'us-east-1');
        for (const item of change) recorded(twin, 'us-east-1', item);
        return finding;
      },
    };
    return (...world: World) => scene(database(), reverseIamChanges, known, world);
  };

  it.each([
    ...(['put user', 'put role', 'put group', 'delete user', 'delete role', 'delete group'] as const),
    ...(['trust', 'attach user', 'attach role', 'attach group'] as const),
    ...(['join', 'leave', 'version', 'older version'] as const),
    ...(['no boundary', 'no role boundary', 'role boundary', 'user boundary'] as const),
  ])('%s: is restored where CloudTrail does not show it', async (attack) => {
    const here = since(ITEMS)(attack);
    const before = here.account();
    const plan = await here.plan();
    const [step] = plan.kind === 'plan' ? plan.steps : [];
    expect(step?.describe).toContain('from AWS Config, 2026-10-02 09:00 UTC');
    expect(step?.describe).not.toContain('not sure');
    const calm = createTwin(SCOPE);
    attackedAccount(calm, []);
    await here.contain();
    const [restored, wanted] = [here.twin, calm].map((twin) => [
      ...[twin.state.users, twin.state.roles, twin.state.userGroups],
      twin.state.policies?.['arn:aws:iam::111122223333:policy/app']?.inForce,
    ]);
    expect(restored).toEqual(wanted);
    expect(await here.prove()).toMatchObject({ proven: true });
    await here.undo();
    expect(here.account()).toEqual(before);
  });

  const changed = {
    ...inConfig,
    configuration: { assumeRolePolicyDocument: encodeURIComponent(trust('*')), rolePolicyList: [] },
  };
  it('is passed over where it was captured with the call or later', async () => {
    const here = since([
      inConfig,
      { ...changed, at: new Date(SEEN + 60_000) },
      { ...changed, at: new Date(SEEN + 120_000) },
    ])('trust');
    await here.contain();
    expect(here.twin.state.roles['app']?.AssumeRolePolicyDocument).toContain('111122223333:root');
  });

  it('is in doubt where it was recorded on the day of the attack', async () => {
    const plan = await since([{ ...changed, at: new Date(SEEN - 3_600_000) }])('put role').plan();
    expect(plan.kind === 'plan' && plan.steps[0]?.describe).toMatch(/AWS Config.*not sure/);
  });

  it.each([
    ['it is not on in this Region', []],
    ['it does not know the resource', [{ ...inConfig, name: 'another' }]],
    ['it does not know the resource', [inConfig, { ...inConfig, id: 'AROAAPP000000002' }]],
    ['it recorded nothing of it before', [{ ...inConfig, at: new Date(SEEN + 120_000) }]],
    ['does not hold the configuration', [{ ...inConfig, status: 'ResourceNotRecorded' }]],
    ['does not say', [{ ...inConfig, configuration: { assumeRolePolicyDocument: 7 } }]],
  ])('is said to be missing: %s', async (why, items) => {
    const plan = await since(items)('trust').plan();
    expect(plan).toMatchObject({ kind: 'refused', reason: expect.stringContaining(why) });
  });

  it('is said to be missing where it may not be read', async () => {
    const here = since(ITEMS)('trust');
    here.twin.failNext('ListDiscoveredResources', 'AccessDeniedException');
    expect(await here.plan()).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('it was not read (AccessDeniedException)'),
    });
  });
});

it('reads the example of each answer, and each is about another kind', () => readsItsExamples(iamChanges));
