import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseFinding } from '../../core/finding/finding.ts';
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
}
const finding = (twin: AccountTwin, details: object) =>
  findingOn(twin, {
    seed: 'role',
    type: 'UnauthorizedAccess:IAMUser/TorIPCaller',
    resource: {
      resourceType: 'AccessKey',
      accessKeyDetails: { userType: 'AssumedRole', userName: ROLE, ...details },
    },
  });
const accounts: Accounts<World> = {
  worlds: fc.record({
    session: fc.constantFrom('alice@example.com', 'build-42', 'GitHubActions'),
    path: fc.constantFrom('/', '/service/', '/teams/web/'),
    others: fc.array(fc.constantFrom('one', 'two'), { maxLength: 2 }),
  }),
  open(twin, { session, path, others }) {
    credentialWorld(twin, 2);
    const role = twin.state.roles[ROLE];
    if (!role) throw new Error('the world has no role');
    role.Path = path;
    role.Arn = `arn:aws:iam::111122223333:role${path}${ROLE}`;
    role.AssumeRolePolicyDocument = JSON.stringify({
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: 'arn:aws:iam::111122223333:role/deployer' },
          Action: 'sts:AssumeRole',
        },
      ],
    });
    for (const name of others) role.inline[name] = '{"Statement":[]}';
    return finding(twin, { principalId: `${role.RoleId}:${session}` });
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
    [{ principalId: 'AROAEXAMPLE:a/../b' }, 'no assumed role'],
    [{ principalId: 'AROAEXAMPLE:ok-name', userName: 'x/y' }, 'names no role'],
  ])('%j', (details, reason) => {
    expect(revokeRoleSessions.targetOf(parseFinding(finding(createTwin(SCOPE), details)))).toMatchObject({
      ok: false,
      reason: expect.stringContaining(reason),
    });
  });
});
