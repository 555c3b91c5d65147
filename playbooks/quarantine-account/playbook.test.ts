import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awsFor } from '../../core/aws/client.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import type { StepContext } from '../../core/journal/playbook.ts';
import { addOrganization } from '../../sandbox/twin/organizations.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import { QUARANTINE } from '../../test/playbooks/organization-world.ts';
import {
  type Accounts,
  NOW,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
import { quarantineAccount } from './playbook.ts';

const MANAGEMENT = '555566667777';
const KEY = 'AKIAINTERN0000000001';
const NAME = 'firebreak-quarantine';

interface World {
  readonly content: string | null;
  readonly attached: readonly string[];
}
const accounts: Accounts<World> = {
  settings: { managementAccount: MANAGEMENT },
  worlds: fc.record({
    content: fc.constant(QUARANTINE),
    attached: fc.constantFrom([], ['team-a'], ['team-a', 'team-b'], [NAME], ['team-a', NAME]),
  }),
  target: (finding) => quarantineAccount.targetOf(finding),
  open(twin, { content, attached }) {
    twin.members.add(MANAGEMENT);
    const deny = JSON.stringify({ Version: '2012-10-17', Statement: [] });
    const organization = addOrganization(
      twin,
      { management: MANAGEMENT, account: SCOPE.account },
      {
        'team-a': deny,
        ...{ 'team-b': deny, 'team-c': deny, 'team-d': deny },
        ...(content === null ? {} : { [NAME]: content }),
      },
    );
    const idOf = (name: string) =>
      Object.entries(organization.policies).find(([, { Name }]) => Name === name)?.[0] ?? '';
    organization.accounts[SCOPE.account]?.attached.push(...attached.map(idOf));
    const allow = JSON.stringify({ Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] });
    twin.state.users['intern'] = {
      ...{ UserName: 'intern', Path: '/', UserId: 'AIDAINTERN0000000001', Tags: [], attached: {} },
      ...{ inline: { all: allow }, groups: [], console: false, mfa: [] },
      keys: [
        { AccessKeyId: KEY, Status: 'Active', CreateDate: '2020-01-01T00:00:00.000Z', lastService: null },
      ],
    };
    return findingOn(twin, {
      ...{ seed: 'account', type: 'AttackSequence:IAM/CompromisedCredentials', updatedAt: new Date(NOW) },
      resource: { resourceType: 'AttackSequence' },
    });
  },
};
playbookProperties(quarantineAccount, accounts);

const database = sceneDatabase('quarantine-account-test');
const open = (world: Partial<World> = {}, settings: object = { managementAccount: MANAGEMENT }) =>
  scene(
    database(),
    quarantineAccount,
    { ...accounts, settings: { ...settings } },
    { content: QUARANTINE, attached: [], ...world },
  );
const call = { action: 's3:GetObject', resource: '*' };
const attachedNames = ({ state }: AccountTwin) => {
  const { organization } = state;
  return (organization?.accounts[SCOPE.account]?.attached ?? []).map(
    (id) => organization?.policies[id]?.Name,
  );
};

describe('an account', () => {
  it('is cut off by the policy that was deployed, two people ask for it, and undo detaches it alone', async () => {
    const at = open({ attached: ['team-a'] });
    const plan = await at.plan();
    expect(plan).toMatchObject({
      kind: 'plan',
      twoPeople: expect.any(String),
      askBecause: [expect.any(String)],
    });
    await at.contain();
    expect(attachedNames(at.twin)).toEqual(['FullAWSAccess', 'team-a', NAME]);
    expect(at.writes.map(({ operation, account, management }) => [operation, account, management])).toEqual([
      ['AttachPolicy', MANAGEMENT, true],
    ]);
    expect(await at.prove()).toMatchObject({ proven: true });
    expect(await at.undoSafety()).toMatchObject({ safe: false });
    await at.undo();
    expect(attachedNames(at.twin)).toEqual(['FullAWSAccess', 'team-a']);
  });

  it('lets no one of it call AWS but the roles that are exempt', async () => {
    const at = open();
    expect(at.twin.requestByKey(KEY, call).decision).toBe('allowed');
    await at.contain();
    expect(at.twin.requestByKey(KEY, call).decision).toBe('explicitDeny');
    await at.undo();
    expect(at.twin.requestByKey(KEY, call).decision).toBe('allowed');
  });

  it('is not proven when the policy is detached again, and is contained again', async () => {
    const at = open();
    await at.contain();
    at.twin.state.organization?.accounts[SCOPE.account]?.attached.pop();
    expect(await at.prove()).toMatchObject({ proven: false, next: 'recontain' });
  });

  it('is said to be full where AWS takes no more policies', async () => {
    const at = open({ attached: ['team-a', 'team-b', 'team-c', 'team-d'] });
    expect(await at.plan()).toMatchObject({ warnings: [expect.stringMatching(/5 policies are attached/)] });
    const { steps } = await at.contain();
    expect(steps).toMatchObject([
      { status: 'failed', note: expect.stringContaining('no more policies can be attached') },
    ]);
    expect(await at.prove()).toMatchObject({ proven: false });
  });
});

describe('refused without a change', () => {
  const other = (change: (document: { Statement: Record<string, unknown>[] }) => void): string => {
    const document = JSON.parse(QUARANTINE) as { Statement: Record<string, unknown>[] };
    change(document);
    return JSON.stringify(document);
  };
  it.each<[string, Partial<World>, object, readonly string[], RegExp]>([
    ['no management account', {}, {}, [], /does not name the management account/],
    [
      'the management account itself',
      {},
      { managementAccount: SCOPE.account },
      [],
      /management account, which/,
    ],
    ['no policy', { content: null }, { managementAccount: MANAGEMENT }, [], /has no policy/],
    ['protected', {}, { managementAccount: MANAGEMENT }, ['111122223333'], /protected/],
    [
      'a policy that exempts everyone',
      {
        content: other(({ Statement: [statement] }) =>
          Object.assign(statement ?? {}, {
            Condition: { ArnNotLike: { 'aws:PrincipalArn': ['arn:*:iam::*:role/*'] } },
          }),
        ),
      },
      { managementAccount: MANAGEMENT },
      [],
      /not the policy that was deployed/,
    ],
    [
      'a policy that shuts Firebreak out',
      { content: other(({ Statement: [statement] }) => delete statement?.['Condition']) },
      { managementAccount: MANAGEMENT },
      [],
      /not the policy that was deployed/,
    ],
    ['what is no policy', { content: '[' }, { managementAccount: MANAGEMENT }, [], /not the policy/],
  ])('%s', async (_name, world, settings, protectedArns, reason) => {
    const at = open(world, settings);
    at.twin.members.add(SCOPE.account);
    if (at.twin.state.organization && JSON.stringify(settings).includes(SCOPE.account))
      at.twin.state.organization.management = SCOPE.account;
    expect(await at.plan('fb-aaaaaaaaaaaa', true, protectedArns)).toMatchObject({
      kind: 'refused',
      reason: expect.stringMatching(reason),
    });
    expect(at.changes()).toBe(0);
  });

  it('the account that Firebreak runs in', async () => {
    const at = open();
    const live = await at.state();
    const target = { ...at.target, account: '999988887777' };
    expect(quarantineAccount.plan(live, target, at.options())).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('Firebreak runs in it'),
    });
  });

  it('an account that the organisation does not have', async () => {
    const at = open();
    if (at.twin.state.organization) at.twin.state.organization.accounts = {};
    await expect(at.plan()).rejects.toThrow(/does not have the account/);
  });

  it('where the role of the management account is not deployed, it says what to deploy', async () => {
    const at = open();
    at.twin.members.delete(MANAGEMENT);
    await expect(at.plan()).rejects.toMatchObject({
      message: expect.stringContaining('firebreak-organization-responder'),
      next: expect.stringContaining('management-account.json'),
    });
  });
});

it('is not asked about without the management account in policy.yml', async () => {
  const finding = parseFinding(
    findingOn(open().twin, { seed: 'x', type: 'Recon:IAMUser/TorIPCaller', resource: {} }),
  );
  const options = { caseId: 'fb-aaaaaaaaaaaa', now: new Date(NOW), approved: false, protectedArns: [] };
  const ask = (settings: { managementAccount?: string }) =>
    quarantineAccount.locate?.(finding, awsFor(SCOPE), { ...options, settings });
  expect(await ask({})).toMatchObject({ ok: false, reason: expect.stringContaining('policy.yml') });
  expect(await ask({ managementAccount: MANAGEMENT })).toMatchObject({
    ok: true,
    target: { id: SCOPE.account },
  });
});

describe('whatever the record says', () => {
  const contextOf = (at: ReturnType<typeof open>): StepContext => ({
    ...{ target: at.target, aws: awsFor(SCOPE), caseId: 'fb-aaaaaaaaaaaa', outputs: {} },
    ...{ now: () => new Date(NOW), settings: { managementAccount: MANAGEMENT } },
  });
  const kind = quarantineAccount.kinds['account-policy'];

  it('no other account is cut off or let back in', async () => {
    const at = open();
    const args = { account: '222233334444' };
    await expect(kind?.apply(args, contextOf(at), false, true)).rejects.toThrow(/the account is/);
    if (typeof kind?.revert !== 'function') throw new Error('it can be reverted');
    await expect(kind.revert(args, contextOf(at), false, true)).rejects.toThrow(/the account is/);
    expect(at.changes()).toBe(0);
  });

  it('a policy that was changed since is not attached', async () => {
    const at = open();
    for (const policy of Object.values(at.twin.state.organization?.policies ?? {}))
      if (policy.Name === NAME) policy.Content = QUARANTINE.replace('"Deny"', '"Allow"');
    await expect(kind?.apply({ account: SCOPE.account }, contextOf(at), false, true)).rejects.toThrow(
      /not the policy that was deployed/,
    );
    expect(at.changes()).toBe(0);
  });

  it('a policy that has another name now is named to the person who undoes', async () => {
    const at = open();
    await at.contain();
    for (const policy of Object.values(at.twin.state.organization?.policies ?? {}))
      if (policy.Name === NAME) policy.Name = 'renamed';
    if (typeof kind?.revert !== 'function') throw new Error('it can be reverted');
    await expect(kind.revert({ account: SCOPE.account }, contextOf(at), false, true)).rejects.toThrow(
      /has another name now/,
    );
  });
});
