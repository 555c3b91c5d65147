import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awsFor } from '../../core/aws/client.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import type { JsonObject } from '../../core/json.ts';
import { addOrganization, controlsOn } from '../../sandbox/twin/organizations.ts';
import { evaluate } from '../../sandbox/twin/policy-evaluation.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import { DENIED_ROOT } from '../../test/playbooks/organization-world.ts';
import {
  type Accounts,
  NOW,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
import { choosePlaybook } from '../index.ts';
import { denyRoot } from './playbook.ts';

const MANAGEMENT = '555566667777';
const NAME = 'firebreak-denied-root';

interface World {
  readonly content: string;
  readonly attached: readonly string[];
  readonly root?: AccountTwin['state']['root'];
}
const found = (accessKeyDetails: JsonObject = {}) =>
  findingOn(createTwin(SCOPE), {
    ...{ seed: 'root', type: 'Policy:IAMUser/RootCredentialUsage', updatedAt: new Date(NOW) },
    resource: {
      resourceType: 'AccessKey',
      accessKeyDetails: {
        ...{ userType: 'Root', userName: 'Root', principalId: SCOPE.account, accessKeyId: '' },
        ...accessKeyDetails,
      },
    },
  });
const accounts: Accounts<World> = {
  settings: { managementAccount: MANAGEMENT },
  worlds: fc.record({
    content: fc.constant(DENIED_ROOT),
    attached: fc.constantFrom([], ['team-a'], [NAME], ['team-a', NAME]),
    root: fc.constantFrom(
      {},
      { password: true },
      { password: true, keys: true, certificates: true, mfa: true },
    ),
  }),
  open(twin, { content, attached, root = { password: true } }) {
    twin.state.root = root;
    twin.members.add(MANAGEMENT);
    const deny = JSON.stringify({ Version: '2012-10-17', Statement: [] });
    const organization = addOrganization(
      twin,
      { management: MANAGEMENT, account: SCOPE.account },
      { 'team-a': deny, [NAME]: content },
    );
    const idOf = (name: string) =>
      Object.entries(organization.policies).find(([, { Name }]) => Name === name)?.[0] ?? '';
    organization.accounts[SCOPE.account]?.attached.push(...attached.map(idOf));
    return found();
  },
};
playbookProperties(denyRoot, accounts);

const database = sceneDatabase('deny-root-test');
const open = (world: Partial<World> = {}, settings: JsonObject = { managementAccount: MANAGEMENT }) =>
  scene(database(), denyRoot, { ...accounts, settings }, { content: DENIED_ROOT, attached: [], ...world });
const decide = ({ twin }: ReturnType<typeof open>, principal: string, more: Record<string, string> = {}) =>
  evaluate(controlsOn(twin.state, SCOPE.account), {
    ...{ action: 's3:ListAllMyBuckets', resource: '*' },
    keys: { 'aws:principalarn': `arn:aws:iam::${SCOPE.account}:${principal}`, ...more },
  }).decision;

describe('root', () => {
  it('is denied with any credentials of its own; everyone else and sts:AssumeRoot go on', async () => {
    const at = open();
    expect(decide(at, 'root')).toBe('allowed');
    await at.contain();
    expect(decide(at, 'root')).toBe('explicitDeny');
    expect(decide(at, 'root', { 'aws:assumedroot': 'true' })).toBe('allowed');
    for (const other of ['role/admin', 'user/root', 'role/firebreak-responder'])
      expect(decide(at, other), other).toBe('allowed');
    expect(at.writes.map(({ operation, management }) => [operation, management])).toEqual([
      ['AttachPolicy', true],
    ]);
    expect(await at.prove()).toMatchObject({ proven: true });
    expect(await at.undoSafety()).toMatchObject({ safe: false });
    await at.undo();
    expect(decide(at, 'root')).toBe('allowed');
  });

  it('is always asked about, and what it keeps is named with the command that a person runs', async () => {
    const plan = await open().plan();
    expect(plan).toMatchObject({ kind: 'plan', askBecause: [expect.stringContaining('last resort')] });
    const residual = plan.kind === 'plan' ? plan.residual.join('\n') : '';
    expect(residual).toContain(
      'aws sts assume-root --region=us-east-1 --target-principal=111122223333 --task-policy-arn=arn=arn:aws:iam::aws:policy/root-task/IAMDeleteRootUserCredentials --duration-seconds=900',
    );
  });

  it('has its credentials named by form, each with what deletes it for good, and none is deleted', async () => {
    const at = open({ root: { password: true, keys: true } });
    const named = { ...at.target, facts: { accessKeyId: 'AKIAROOT000000000001' } };
    const plan = denyRoot.plan(await at.state(), named, at.options());
    const text = plan.kind === 'plan' ? plan.residual.join('\n') : '';
    expect(text).toContain('password, access keys of root stay');
    expect(text).toContain('`aws iam delete-login-profile`');
    expect(text).toContain('`aws iam delete-access-key --access-key-id=AKIAROOT000000000001`');
    expect(text).toContain('cannot be undone');
    expect(text).not.toContain('certificate');
    expect(plan.kind === 'plan' && plan.identity?.map(({ what }) => what)).toEqual([
      `root user of account ${SCOPE.account}`,
      'password of root',
      'access keys of root',
      'what root made before, sessions among it',
    ]);
    await at.contain();
    expect(await at.undoSafety()).toMatchObject({
      safe: false,
      why: expect.stringContaining('its password, access keys: delete what it should not have before'),
    });
    expect(at.twin.state.root).toEqual({ password: true, keys: true });
  });

  it('is denied as well where its credentials may not be listed, and that is said', async () => {
    const at = open();
    at.twin.failNext('GetAccountSummary', 'AccessDenied', 9);
    const plan = await at.plan();
    expect(plan).toMatchObject({ kind: 'plan', steps: [{ kind: 'root-policy' }] });
    const unknown =
      plan.kind === 'plan' ? plan.identity?.find(({ what }) => what.startsWith('password')) : undefined;
    expect(unknown).toMatchObject({
      what: 'password of root, if any',
      left: expect.stringContaining('AccessDenied'),
    });
  });

  it('without any credential is denied all the same: someone may have removed them', async () => {
    const plan = await open({ root: {} }).plan();
    expect(plan.kind === 'plan' && plan.residual.join()).toContain('root has no password');
  });

  it('is not proven where the policy says something else since', async () => {
    const at = open();
    await at.contain();
    for (const policy of Object.values(at.twin.state.organization?.policies ?? {}))
      if (policy.Name === NAME) policy.Content = DENIED_ROOT.replace('root"', 'other"');
    expect(await at.prove()).toMatchObject({
      proven: false,
      next: 'final',
      checks: [{ ok: true }, { ok: false, saw: expect.stringContaining('does not say what was deployed') }],
    });
  });
});

describe('refused without a change', () => {
  it.each<[string, Partial<World>, JsonObject, readonly string[], RegExp]>([
    ['no management account', {}, {}, [], /does not name the management account/],
    ['protected', {}, { managementAccount: MANAGEMENT }, ['111122223333'], /protected/],
    [
      'a policy of that name that denies everyone',
      { content: JSON.stringify({ Statement: [{ Effect: 'Deny', Action: '*', Resource: '*' }] }) },
      { managementAccount: MANAGEMENT },
      [],
      /not the policy that was deployed/,
    ],
  ])('%s', async (_name, world, settings, protectedArns, reason) => {
    const at = open(world, settings);
    expect(await at.plan('fb-aaaaaaaaaaaa', true, protectedArns)).toMatchObject({
      kind: 'refused',
      reason: expect.stringMatching(reason),
    });
    expect(at.changes()).toBe(0);
  });

  it('the management account', async () => {
    const at = open();
    const target = { ...at.target, account: MANAGEMENT };
    expect(denyRoot.plan(await at.state(), target, at.options())).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('no service control policy binds'),
    });
  });
});

it.each([
  [{ userType: 'IAMUser', userName: 'root', principalId: 'AIDAROOT000000000001' }],
  [{ userType: 'AssumedRole', userName: 'root', principalId: 'AROAROOT000000000001:root' }],
  [{ userType: 'root' }],
])('who only bears the name is not root: %j', (details) => {
  expect(denyRoot.targetOf(parseFinding(found(details)))).toMatchObject({ ok: false });
});

it.each([
  ['AKIAROOT000000000001', 'AKIAROOT000000000001'],
  ['ASIAROOT000000000001', null],
  ['AKIAROOT; rm -rf /', null],
])('names a reported key only where it is one: %s', (accessKeyId, named) => {
  expect(denyRoot.targetOf(parseFinding(found({ accessKeyId })))).toMatchObject({
    ok: true,
    target: { facts: { accessKeyId: named } },
  });
});

it('still takes what an earlier release recorded', async () => {
  const at = open();
  const { root: _root, ...earlier } = await at.state();
  expect(denyRoot.plan(earlier, { ...at.target, facts: {} }, at.options())).toMatchObject({ kind: 'plan' });
});

it('answers the use of root, and no session of sts:AssumeRoot, which it would leave alone', () => {
  expect(choosePlaybook(parseFinding(found()))).toMatchObject({ id: 'deny-root' });
  const finding = { ...parseFinding(found()), type: 'Policy:IAMUser/ShortTermRootCredentialUsage' };
  expect(choosePlaybook(finding)).toHaveProperty('none');
});

it('denies root of no other account, whatever the record says', async () => {
  const at = open();
  const context = {
    ...{ target: at.target, aws: awsFor(SCOPE), caseId: 'fb-aaaaaaaaaaaa', outputs: {} },
    ...{ now: () => new Date(NOW), settings: { managementAccount: MANAGEMENT } },
  };
  await expect(
    denyRoot.kinds['root-policy']?.apply({ account: '222233334444' }, context, false, true),
  ).rejects.toThrow(/the account is/);
  expect(at.changes()).toBe(0);
});
