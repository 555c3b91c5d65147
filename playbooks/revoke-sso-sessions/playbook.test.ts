import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awsFor } from '../../core/aws/client.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import type { StepContext } from '../../core/journal/playbook.ts';
import type { JsonObject } from '../../core/json.ts';
import { addPermissionSet } from '../../sandbox/twin/identity-center.ts';
import { madeStoreUser, madeUuid } from '../../sandbox/twin/made-id.ts';
import { addOrganization } from '../../sandbox/twin/organizations.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import { DENIED_USERS } from '../../test/playbooks/organization-world.ts';
import {
  type Accounts,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
import { choosePlaybook } from '../index.ts';
import { revokeSsoSessions } from './playbook.ts';

interface World {
  readonly inline: string;
  readonly region: string;
  readonly known: boolean;
  readonly accounts: number;
}
const USER = 'alice@example.com';
const MANAGEMENT = '555566667777';
const EVERYWHERE = 'firebreak-denied-users';
/** As a person wrote it: not as JSON.stringify would. */
const WRITTEN = `{
  "Version": "2012-10-17",
  "Statement": { "Sid": "Team", "Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "*" }
}`;
const finding = (twin: AccountTwin, roleName: string, roleId: string, updatedAt?: Date) =>
  findingOn(twin, {
    seed: 'sso',
    type: 'UnauthorizedAccess:IAMUser/TorIPCaller',
    ...(updatedAt ? { updatedAt } : {}),
    resource: {
      resourceType: 'AccessKey',
      accessKeyDetails: { userType: 'AssumedRole', userName: roleName, principalId: `${roleId}:${USER}` },
    },
  });
const accounts = (settings: JsonObject = {}): Accounts<World> => ({
  settings,
  worlds: fc.record({
    inline: fc.constantFrom(
      '',
      WRITTEN,
      '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"iam:*","Resource":"*"}]}',
    ),
    region: fc.constantFrom('us-east-1', 'eu-central-1'),
    known: fc.boolean(),
    accounts: fc.integer({ min: 0, max: 3 }),
  }),
  open(twin, { inline, region, known, accounts: count }) {
    const others = Array.from({ length: count }, (_, index) => `22222222222${index}`);
    const { roleName, roleId } = addPermissionSet(twin, {
      name: 'Admin_Access',
      inline,
      region,
      accounts: [SCOPE.account, ...others],
    });
    if (known) twin.state.identityCenter.users[USER] = madeStoreUser('alice');
    twin.members.add(MANAGEMENT);
    const organization = addOrganization(
      twin,
      { management: MANAGEMENT, account: SCOPE.account },
      { [EVERYWHERE]: DENIED_USERS },
    );
    organization.root = Object.keys(organization.policies).filter((id) => id !== 'p-FullAWSAccess');
    return finding(twin, roleName, roleId, new Date('2026-11-24T07:00:00Z'));
  },
  // A run that was killed before it wrote anything cuts off later.
  without: (account) =>
    JSON.parse(JSON.stringify(account).replace(/(TokenIssueTime[\\":]+)[^\\"]+/g, '$1now')) as unknown,
});
playbookProperties(revokeSsoSessions, { ...accounts(), runs: 10 });
playbookProperties(revokeSsoSessions, { ...accounts({ lever: 'user' }), runs: 5 });
playbookProperties(revokeSsoSessions, { ...accounts({ managementAccount: MANAGEMENT }), runs: 10 });

const database = sceneDatabase('revoke-sso-sessions-test');
const open = (world: Partial<World> = {}, settings: JsonObject = {}) => {
  const at = scene<World>(database(), revokeSsoSessions, accounts(settings), {
    inline: WRITTEN,
    region: 'eu-central-1',
    known: true,
    accounts: 2,
    ...world,
  });
  const set = () => {
    const [found] = at.twin.state.identityCenter.permissionSets;
    if (!found) throw new Error('no permission set');
    return found;
  };
  const role = () => at.twin.state.roles['AWSReservedSSO_Admin_Access_0123456789abcdef'];
  const iamWrites = () =>
    at.twin.calls
      .filter(({ service, change }) => service === 'IAM' && change)
      .map(({ operation }) => operation);
  return { ...at, set, role, iamWrites };
};
const condition = (text: string | undefined) => /Condition":(\{.*?\}\})/.exec(text ?? '')?.[1];

describe('a session of IAM Identity Center', () => {
  it('is denied in the permission set, merged, provisioned and seen on the role; IAM is not written', async () => {
    const at = open();
    const plan = await at.plan();
    expect(plan.kind === 'plan' && plan.askBecause.join()).toContain('in 3 accounts');
    await at.contain();
    expect(at.set().inline).toContain('"Sid":"Team"');
    expect(condition(at.set().inline)).toBe(
      `{"StringEquals":{"identitystore:userId":"${madeStoreUser('alice')}"},"DateLessThan":{"aws:TokenIssueTime":"2026-11-24T08:00:00.000Z"}}`,
    );
    expect(at.role()?.inline['AwsSSOInlinePolicy']).toBe(at.set().inline);
    expect(at.twin.state.provisioning.map(({ Status }) => Status)).toEqual(['SUCCEEDED']);
    expect(await at.prove()).toMatchObject({ proven: true });
    expect(await at.undoSafety()).toMatchObject({ safe: false, safeAt: '2026-11-24T16:00:00.000Z' });
    expect((await at.undo()).kind).toBe('undone');
    expect(at.set().inline).toBe(WRITTEN);
    expect(at.role()?.inline['AwsSSOInlinePolicy']).toBe(WRITTEN);
    expect(at.iamWrites()).toEqual([]);
  });

  it('signs in to a cluster that knows its role, which no policy denies', async () => {
    const at = open();
    const principalArn = at.role()?.Arn ?? '';
    at.twin.region('us-west-2').eks.clusters.push({
      name: 'prod',
      mode: 'API',
      entries: [{ principalArn, type: 'STANDARD', groups: [], policies: {} }],
    });
    await at.contain();
    expect((await at.prove()).residual.join()).toMatch(
      /cluster prod in us-west-2 let .*role\/AWSReservedSSO_/,
    );
  });

  it('leaves a permission set without an inline policy as one without', async () => {
    const at = open({ inline: '' });
    await at.contain();
    await at.undo();
    expect(at.set().inline).toBe('');
    expect(at.role()?.inline).toEqual({});
  });

  it('keeps what others wrote into the policy meanwhile', async () => {
    const at = open();
    await at.contain();
    at.set().inline = at.set().inline.replace('s3:GetObject', 's3:ListBucket');
    expect((await at.undo()).kind).toBe('undone');
    expect(JSON.parse(at.set().inline)).toMatchObject({
      Statement: [{ Sid: 'Team', Action: ['s3:ListBucket'] }],
    });
  });

  it('waits for a request that is under way, and is not contained when provisioning fails', async () => {
    const at = open();
    at.twin.state.provisioning.push({
      RequestId: madeUuid('older'),
      PermissionSetArn: at.set().PermissionSetArn,
      Status: 'IN_PROGRESS',
      left: 4,
    });
    await at.contain();
    expect(await at.prove()).toMatchObject({ proven: true });

    const failing = open();
    failing.twin.state.identityCenter.failing = true;
    const { steps } = await failing.contain();
    expect(steps).toMatchObject([{ status: 'failed', note: expect.stringContaining('provisioning failed') }]);
  });

  it('is reported with what works instead where Identity Center is not in this account or may not be read', async () => {
    const elsewhere = open({}, { account: '999999999999' });
    expect(await elsewhere.plan()).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('account 999999999999'),
      alternative: expect.stringMatching(/disable the user.*permission set Admin_Access.*SCP/),
    });
    const none = open();
    none.twin.state.identityCenter.instance = null;
    expect(await none.plan()).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('no instance'),
    });
    const denied = open();
    denied.twin.failNext('ListPermissionSetsProvisionedToAccount', 'AccessDeniedException');
    expect(await denied.plan()).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('AccessDenied'),
    });
    for (const at of [elsewhere, none, denied]) expect(at.changes()).toBe(0);
  });

  it('gets a later cut-off when the user was active after the first', async () => {
    const at = open();
    await at.contain();
    at.clock.at += 3_600_000;
    const { roleId } = at.target.facts as { roleId: string };
    const later = parseFinding(finding(at.twin, at.role()?.RoleName ?? '', roleId, new Date(at.clock.at)));
    const choice = revokeSsoSessions.targetOf(later);
    if (!choice.ok) throw new Error(choice.reason);
    const plan = revokeSsoSessions.plan(await at.state(), choice.target, at.options());
    expect(plan.kind === 'plan' && plan.steps.map(({ id }) => id)).toEqual(['deny:2']);
    expect((await at.plan()).kind === 'plan' && (await at.plan())).toMatchObject({
      steps: [{ id: 'deny:1' }],
    });
  });

  it('is denied by its name where the store does not know the user, and outright where settings say so', async () => {
    const at = open({ known: false }, { lever: 'user' });
    await at.contain();
    expect(condition(at.set().inline)).toBe(`{"StringLike":{"aws:userid":"*:${USER}"}}`);
    expect(await at.undoSafety()).toMatchObject({
      safe: false,
      why: expect.stringContaining('lets the user in'),
    });
  });
});

describe('the user in every account', () => {
  const everywhere = (world: Partial<World> = {}, settings: JsonObject = {}) => {
    const at = open(world, { managementAccount: MANAGEMENT, ...settings });
    const policy = () => {
      const all = Object.values(at.twin.state.organization?.policies ?? {});
      const found = all.find(({ Name }) => Name === EVERYWHERE);
      if (!found) throw new Error('no policy');
      return found;
    };
    return { ...at, policy };
  };
  const ids = async (at: ReturnType<typeof everywhere>) => {
    const plan = await at.plan();
    return plan.kind === 'plan' ? plan.steps.map(({ id }) => id) : plan.reason;
  };
  const warned = async (at: ReturnType<typeof everywhere>) => {
    const plan = await at.plan();
    return plan.kind === 'plan' ? plan.warnings.join() : plan.reason;
  };

  it('is denied by the policy of the organisation first, as a step with a tick of its own', async () => {
    const at = everywhere();
    expect(await ids(at)).toEqual(['everywhere:1', 'deny:1']);
    await at.contain();
    expect(at.writes.map(({ operation, management }) => [operation, management]).slice(0, 2)).toEqual([
      ['UpdatePolicy', true],
      ['PutInlinePolicyToPermissionSet', undefined],
    ]);
    const [placeholder, deny] = (JSON.parse(at.policy().Content) as { Statement: object[] }).Statement;
    expect(placeholder).toMatchObject({ Sid: 'NoUser' });
    expect(deny).toMatchObject({
      Effect: 'Deny',
      Condition: {
        StringEquals: { 'identitystore:userId': madeStoreUser('alice') },
        DateLessThan: { 'aws:TokenIssueTime': '2026-11-24T08:00:00.000Z' },
      },
    });
    const proof = await at.prove();
    expect(proof).toMatchObject({ proven: true, residual: [expect.stringContaining('within minutes')] });
    expect(proof.checks.map(({ id }) => id)).toContain('everywhere:1');
    expect((await at.undo()).kind).toBe('undone');
    expect(at.policy().Content).toBe(DENIED_USERS);
    expect(at.set().inline).toBe(WRITTEN);
  });

  it('is denied outright where settings say so, and undo takes that deny out alone', async () => {
    const at = everywhere({}, { lever: 'user' });
    await at.contain();
    const other = { Sid: 'Other', Effect: 'Deny', Action: '*', Resource: '*', Condition: { Bool: {} } };
    const document = JSON.parse(at.policy().Content) as { Statement: object[] };
    expect(JSON.stringify(document)).not.toContain('TokenIssueTime');
    document.Statement.push(other);
    at.policy().Content = JSON.stringify(document);
    expect(await at.prove()).toMatchObject({ proven: true });
    await at.undo();
    expect(JSON.parse(at.policy().Content)).toMatchObject({ Statement: [{ Sid: 'NoUser' }, other] });
  });

  it('is contained again where the deny was taken out', async () => {
    const at = everywhere();
    await at.contain();
    at.policy().Content = DENIED_USERS;
    expect(await at.prove()).toMatchObject({ proven: false, next: 'recontain' });
  });

  it.each<[string, Parameters<typeof everywhere>, (at: ReturnType<typeof everywhere>) => void, RegExp]>([
    ['not known to the store', [{ known: false }], () => undefined, /knows no user/],
    [
      'where the role is not deployed',
      [],
      ({ twin }) => twin.members.delete(MANAGEMENT),
      /not denied in every account: the role firebreak-organization-responder/,
    ],
    [
      'where the policy is another one',
      [],
      ({ policy }) => {
        policy().Content = DENIED_USERS.replace('Deny', 'Allow');
      },
      /not the policy that was deployed/,
    ],
    [
      'where the policy is attached nowhere',
      [],
      ({ twin }) => {
        if (twin.state.organization) twin.state.organization.root = [];
      },
      /attached nowhere/,
    ],
    [
      'where the policy may not be read',
      [],
      ({ twin }) => twin.failNext('ListPolicies', 'AccessDeniedException', 2),
      /could not be read \(AccessDenied/,
    ],
  ])('%s: the permission set alone denies, and the card says why', async (_name, given, change, why) => {
    const at = everywhere(...given);
    change(at);
    expect(await warned(at)).toMatch(why);
    change(at);
    expect(await ids(at)).toEqual(['deny:1']);
  });

  it('fails its step and keeps the permission set denied where the policy is full', async () => {
    const at = everywhere();
    const filler = { ...JSON.parse(DENIED_USERS).Statement[0], Sid: 'x'.repeat(4800) };
    at.policy().Content = JSON.stringify({
      Version: '2012-10-17',
      Statement: [JSON.parse(DENIED_USERS).Statement[0], filler],
    });
    const { steps } = await at.contain();
    expect(steps.map(({ id, status }) => [id, status])).toEqual([
      ['everywhere:1', 'failed'],
      ['deny:1', 'done'],
    ]);
    expect(await at.prove()).toMatchObject({ proven: false });
  });

  it('another user is never denied, whatever the record says', async () => {
    const at = everywhere();
    const context: StepContext = {
      ...{ target: at.target, aws: awsFor(SCOPE), caseId: 'fb-aaaaaaaaaaaa', outputs: {} },
      ...{ now: () => new Date(at.clock.at), settings: { managementAccount: MANAGEMENT } },
    };
    const kind = revokeSsoSessions.kinds['deny-user-everywhere'];
    const value = { statement: null, policy: null };
    const apply = (sid: string, userId: string) =>
      kind?.apply({ sid, denied: { userId }, issuedBefore: null }, context, value, value);
    await expect(apply('Firebreakfbaaaaaaaaaaaan1', madeStoreUser('bob'))).rejects.toThrow(/the user is/);
    await expect(apply('NoUser', madeStoreUser('alice'))).rejects.toThrow(/not a statement of/);
    expect(at.changes()).toBe(0);
  });
});

it('answers for the roles of Identity Center before the playbook of ordinary roles', () => {
  const twin = createTwin(SCOPE);
  const choice = (name: string) => choosePlaybook(parseFinding(finding(twin, name, 'AROAEXAMPLE000000001')));
  expect(choice('AWSReservedSSO_Admin_0123456789abcdef')).toMatchObject({ id: 'revoke-sso-sessions' });
  expect(choice('AWSReservedSSO_Admin')).toMatchObject({ id: 'revoke-role-sessions' });
  expect(choice('web-app')).toMatchObject({ id: 'revoke-role-sessions' });
});
