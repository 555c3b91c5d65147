import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFinding } from '../../core/finding/finding.ts';
import type { JsonObject } from '../../core/json.ts';
import { guardedArns } from '../../core/policy/protected.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { credentialWorld, findingOn, ROLE } from '../../sandbox/worlds.ts';
import {
  type Accounts,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
import { revokeRoleSessions } from './playbook.ts';

interface World {
  readonly session: string;
  readonly path: string;
  readonly others: readonly string[];
  readonly trust?: JsonObject;
  /** The service that called. */
  readonly service?: string;
}
const finding = (twin: AccountTwin, details: object, service?: string) =>
  findingOn(twin, {
    seed: 'role',
    type: 'UnauthorizedAccess:IAMUser/TorIPCaller',
    resource: {
      resourceType: 'AccessKey',
      accessKeyDetails: { userType: 'AssumedRole', userName: ROLE, ...details },
    },
    ...(service === undefined
      ? {}
      : {
          action: {
            actionType: 'AWS_API_CALL',
            awsApiCallAction: { callerType: 'Domain', domainDetails: { domain: service } },
          },
        }),
  });
const accounts: Accounts<World> = {
  worlds: fc.record({
    // By name: a cut-off is of the time of its write, and a run that was killed writes later than one that was not.
    session: fc.constantFrom('alice@example.com', 'build-42', 'deploy'),
    path: fc.constantFrom('/', '/service/', '/teams/web/'),
    others: fc.array(fc.constantFrom('one', 'two'), { maxLength: 2 }),
  }),
  open(twin, { session, path, others, trust, service }) {
    credentialWorld(twin, 2);
    const role = twin.state.roles[ROLE];
    if (!role) throw new Error('the world has no role');
    role.Path = path;
    role.Arn = `arn:aws:iam::111122223333:role${path}${ROLE}`;
    role.AssumeRolePolicyDocument = JSON.stringify({
      Statement: [
        {
          Effect: 'Allow',
          Principal: trust ?? { AWS: 'arn:aws:iam::111122223333:role/deployer' },
          Action: 'sts:AssumeRole',
        },
      ],
    });
    for (const name of others) role.inline[name] = '{"Statement":[]}';
    return finding(twin, { principalId: `${role.RoleId}:${session}` }, service);
  },
};
playbookProperties(revokeRoleSessions, { ...accounts, runs: 10 });

const database = sceneDatabase('revoke-role-sessions-test');
const open = (world: Partial<World> = {}) =>
  scene(database(), revokeRoleSessions, accounts, { session: 'build-42', path: '/', others: [], ...world });

describe('the session', () => {
  it('is denied, another one of the role is not, and who can come back is named', async () => {
    const at = open();
    const as = (instanceId: string) =>
      at.twin.request(
        { roleName: ROLE, instanceId, issuedAt: new Date(0) },
        { action: 's3:GetObject', resource: '*' },
      ).decision;
    expect(as('build-42')).toBe('allowed');
    await at.contain();
    expect([as('build-42'), as('build-43')]).toEqual(['explicitDeny', 'allowed']);
    const plan = await at.plan();
    expect(plan.kind === 'plan' && plan.residual.join()).toMatch(/role\/deployer.*another session name/);
    expect(await at.undoSafety()).toMatchObject({ safe: false });
    await at.undo();
    expect(as('build-42')).toBe('allowed');
  });
});

describe('a session whose name every run has', () => {
  const before = new Date(0);
  const later = new Date('2099-01-01T00:00:00Z');
  const opened = (session: string, settings: JsonObject = {}, more: Partial<World> = {}) => {
    const at = scene(
      database(),
      revokeRoleSessions,
      { ...accounts, settings },
      { session, path: '/', others: [], ...more },
    );
    const as = (name: string, issuedAt: Date) =>
      at.twin.request(
        { roleName: ROLE, instanceId: name, issuedAt },
        { action: 's3:GetObject', resource: '*' },
      ).decision;
    return { ...at, as };
  };
  const planOf = async (at: ReturnType<typeof opened>) => {
    const plan = await at.plan();
    if (plan.kind !== 'plan') throw new Error(plan.reason);
    return plan;
  };

  it.each<[string, Partial<World>]>([
    ['GitHubActions', {}],
    ['AWSCloudFormation', {}],
    // A function's or build project's name: no one but a service opens sessions of the role.
    ['billing', { trust: { Service: 'lambda.amazonaws.com' } }],
    ['deploy-project', { trust: { Federated: 'arn:aws:iam::111122223333:oidc-provider/gitlab.com' } }],
    ['deploy', { service: 'cloudformation.amazonaws.com' }],
  ])('%s: what was issued before is denied, later runs work', async (session, more) => {
    const at = opened(session, {}, more);
    const plan = await planOf(at);
    expect(plan.blastRadius.detail.join()).toMatch(/every later run/);
    expect(JSON.stringify(plan)).not.toMatch(/isolate|inherits/i);
    await at.contain();
    expect([at.as(session, before), at.as(session, later), at.as('another', before)]).toEqual([
      'explicitDeny',
      'allowed',
      'allowed',
    ]);
    expect(await at.prove()).toMatchObject({ proven: true });
    await at.undo();
    expect(at.as(session, before)).toBe('allowed');
  });

  it('by its name alone where policy.yml says so: later runs are cut, and the plan says it', async () => {
    const at = opened('GitHubActions', { lever: 'name' });
    expect((await planOf(at)).blastRadius.detail.join()).toMatch(/every later session named GitHubActions/);
    await at.contain();
    expect(at.as('GitHubActions', later)).toBe('explicitDeny');
  });

  it.each(['alice@example.com', 'build-42'])('%s, which a principal chose: by its name', async (session) => {
    const at = opened(session);
    expect((await planOf(at)).blastRadius.detail.join()).toContain(`every later session named ${session}`);
    await at.contain();
    expect(at.as(session, later)).toBe('explicitDeny');
  });

  it.each(['botocore-session-1767606000', '0123456789abcdef0123456789abcdef'])(
    '%s is of one run',
    async (session) => {
      const plan = await planOf(opened(session));
      expect(JSON.stringify(plan)).not.toContain('every later');
    },
  );

  it('with every session of the role revoked, nothing is said to be isolated', async () => {
    const plan = await planOf(opened('GitHubActions', { lever: 'role' }));
    expect(JSON.stringify(plan)).not.toMatch(/isolate/i);
  });

  it('the service that called is named as what goes on', async () => {
    const plan = await planOf(opened('AWSCloudFormation', {}, { service: 'cloudformation.amazonaws.com' }));
    expect(plan.residual.join()).toMatch(/cloudformation\.amazonaws\.com called .*who started it/);
  });
});

describe('identities that are not changed', () => {
  it.each([
    ['/aws-service-role/ecs.amazonaws.com/', 'service-linked'],
    ['/aws-reserved/sso.amazonaws.com/', 'permission set'],
    ['/firebreak/', 'own roles'],
  ])('%s: refused without a write, the alternative named', async (path, words) => {
    const at = open({ path });
    const plan = await at.plan('fb-aaaaaaaaaaaa', true, guardedArns(SCOPE.account));
    expect(plan.kind).toBe('refused');
    expect(JSON.stringify(plan)).toContain(words);
    expect(at.changes()).toBe(0);
  });

  it.each([
    [{ userType: 'Root', principalId: '111122223333', userName: 'root' }, 'AssumedRoot'],
    [{ userType: 'FederatedUser', principalId: '111122223333:bob' }, 'IAM user that issued it'],
    [{ userType: 'AWSAccount', principalId: '999999999999' }, 'take its access away on the resource'],
    [{ principalId: 'AROAEXAMPLE:a/../b' }, 'not an assumed role'],
    [{ principalId: 'AROAEXAMPLE:ok-name', userName: 'x/y' }, 'does not name a role'],
  ])('%j', (details, reason) => {
    expect(revokeRoleSessions.targetOf(parseFinding(finding(createTwin(SCOPE), details)))).toMatchObject({
      ok: false,
      reason: expect.stringContaining(reason),
    });
  });
});
