import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awsFor } from '../../core/aws/client.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import type { TargetChoice } from '../../core/journal/playbook.ts';
import type { TwinUser } from '../../sandbox/twin/iam-users.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import {
  type Accounts,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
import { denyDatabaseLogins } from './playbook.ts';
import type { Facts } from './target.ts';

const DBUSER = 'arn:aws:rds-db:eu-west-1:111122223333:dbuser:';
const CLUSTER = 'arn:aws:rds:eu-west-1:111122223333:cluster:orders';

interface World {
  /** The Data API answers for it. */
  readonly dataApi: boolean;
  readonly role: boolean;
  readonly user: boolean;
}

const allow = (action: string | string[], resource: string): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: { Effect: 'Allow', Action: action, Resource: resource },
  });

function addRole(twin: AccountTwin, RoleName: string, inline: Record<string, string>, Path = '/'): void {
  twin.state.roles[RoleName] = {
    ...{
      RoleName,
      Path,
      RoleId: `AROA${RoleName.toUpperCase()}0000000000001`,
      MaxSessionDuration: 3600,
      Tags: [],
    },
    ...{ Arn: `arn:aws:iam::111122223333:role${Path}${RoleName}`, AssumeRolePolicyDocument: '{}', inline },
    ...{ attached: {}, profiles: [] },
  };
}

function addUser(twin: AccountTwin, UserName: string, inline: Record<string, string>): TwinUser {
  const user: TwinUser = {
    ...{ UserName, Path: '/', UserId: `AIDA${UserName.toUpperCase()}0000000001`, Tags: [], inline },
    ...{ attached: {}, keys: [], groups: [], console: false, mfa: [] },
  };
  twin.state.users[UserName] = user;
  return user;
}

const LOGIN = allow('rds-db:connect', `${DBUSER}cluster-ORDERS/orders_app`);

function build(twin: AccountTwin, { dataApi, role, user }: World): void {
  const common = {
    VpcId: 'vpc-1',
    groups: [],
    PubliclyAccessible: false,
    Tags: {},
    Engine: 'aurora-postgresql',
  };
  twin
    .region()
    .rds.databases.push(
      { ...common, id: 'orders-1', cluster: false, clusterId: 'orders' },
      { ...common, id: 'orders', cluster: true, clusterId: null, takesTokens: true, dataApi },
    );
  if (role) addRole(twin, 'app', { login: LOGIN });
  if (user || !role) addUser(twin, 'analyst', { login: LOGIN });
  addRole(twin, 'other', { read: allow('s3:*', '*') });
}

const finding = (twin: AccountTwin, user = 'orders_app') =>
  findingOn(twin, {
    seed: 'logins',
    type: 'Exfiltration:RDS/TorIPCaller',
    resource: {
      resourceType: 'RDSDBInstance',
      rdsDbInstanceDetails: { dbInstanceIdentifier: 'orders-1', dbClusterIdentifier: 'orders' },
      rdsDbUserDetails: { user },
    },
  });

const target: TargetChoice<Facts> & { ok: true } = {
  ok: true,
  target: {
    ...SCOPE,
    ...{ kind: 'rds-logins', id: 'orders', display: CLUSTER },
    facts: { user: 'orders_app', resourceIds: ['cluster-ORDERS'], dataApi: null, principals: [], others: [] },
  },
};
const principals = ({ role, user }: World): Facts['principals'] => [
  ...(user || !role
    ? [{ principal: 'user' as const, name: 'analyst', uniqueId: 'AIDAANALYST0000000001' }]
    : []),
  ...(role ? [{ principal: 'role' as const, name: 'app', uniqueId: 'AROAAPP0000000000001' }] : []),
];

const accounts: Accounts<World> = {
  worlds: fc.record({ dataApi: fc.boolean(), role: fc.boolean(), user: fc.boolean() }),
  open(twin, world) {
    build(twin, world);
    return finding(twin);
  },
  target: (_finding, world) => ({
    ...target,
    target: {
      ...target.target,
      facts: {
        ...target.target.facts,
        dataApi: world.dataApi ? 'orders' : null,
        principals: principals(world),
      },
    },
  }),
};

playbookProperties(denyDatabaseLogins, accounts);

const database = sceneDatabase('deny-database-logins-test');
const WORLD: World = { dataApi: true, role: true, user: true };
const open = () => scene(database(), denyDatabaseLogins, accounts, WORLD);
type Open = ReturnType<typeof open>;
const located = async (at: Open, user?: string) => {
  const found = await denyDatabaseLogins.locate?.(
    user === undefined ? at.finding : parseFinding(finding(at.twin, user)),
    awsFor(SCOPE),
  );
  if (!found) throw new Error('it locates nothing');
  return found;
};
const names = (found: TargetChoice) =>
  found.ok ? (found.target.facts as unknown as Facts).principals.map(({ name }) => name) : found.reason;

describe('who may log in', () => {
  it.each([
    ['inline', 'rds-db:connect', `${DBUSER}cluster-ORDERS/orders_app`],
    ['by a wildcard', 'rds-db:*', `${DBUSER}*/*`],
    ['in other letters', 'RDS-DB:Connect', `${DBUSER}cluster-ORDERS/*`],
    ['by a variable', 'rds-db:connect', `${DBUSER}*/\${aws:username}`],
  ])('is found by a grant %s', async (_name, action, resource) => {
    const at = open();
    at.twin.state.users = {};
    addRole(at.twin, 'app', { login: allow(['s3:GetObject', action], resource) });
    expect(names(await located(at))).toEqual(['app']);
  });

  it.each([
    ['another user', 'rds-db:connect', `${DBUSER}cluster-ORDERS/reporting`],
    ['another database', 'rds-db:connect', `${DBUSER}cluster-BILLING/orders_app`],
    ['another account', 'rds-db:connect', `${DBUSER.replace('1111', '9999')}*/*`],
    ['another service', 'rds:*', '*'],
    ['everything, as an administrator', '*', '*'],
  ])('is not one with a grant for %s', async (_name, action, resource) => {
    const at = open();
    at.twin.state.users = {};
    addRole(at.twin, 'app', { login: allow(action, resource) });
    expect(names(await located(at))).toContain('no policy names a role or user');
  });

  it('is found by a managed policy, and by that of a group', async () => {
    const at = open();
    const managed = 'arn:aws:iam::111122223333:policy/login';
    addRole(at.twin, 'app', {});
    Object.assign(at.twin.state.roles['app'] ?? {}, { attached: { [managed]: LOGIN } });
    const analyst = addUser(at.twin, 'analyst', {});
    analyst.groups = ['analysts'];
    at.twin.state.userGroups = {
      analysts: { GroupName: 'analysts', Path: '/', inline: { login: LOGIN }, attached: {} },
    };
    expect(names(await located(at))).toEqual(['analyst', 'app']);
  });

  it('is found behind a proxy of RDS, which the deny names too', async () => {
    const at = open();
    at.twin.state.users = {};
    addRole(at.twin, 'app', { login: allow('rds-db:connect', `${DBUSER}prx-0abc/*`) });
    at.twin.region().rds.proxies = [
      { name: 'proxy', resourceId: 'prx-0abc', VpcId: 'vpc-1', groups: [], targets: ['orders'] },
    ];
    const found = await located(at);
    expect(names(found)).toEqual(['app']);
    if (found.ok) expect(found.target.facts['resourceIds']).toEqual(['cluster-ORDERS', 'prx-0abc']);
  });

  it('is at most ten on the card; others and callers of the Data API are named', async () => {
    const at = open();
    for (let n = 10; n < 22; n++) addRole(at.twin, `app${n}`, { login: LOGIN });
    addRole(at.twin, 'caller', { data: allow('rds-data:ExecuteStatement', CLUSTER) });
    const found = await located(at);
    expect(names(found)).toHaveLength(10);
    if (found.ok)
      expect(found.target.facts['others']).toEqual([
        expect.stringContaining('4 more may log in'),
        expect.stringContaining('role caller may call the Data API'),
      ]);
  });

  it.each(['*', 'orders_app*', '../orders_app', '${aws:username}', '?', "x'; --"])(
    'is no one for a user named %s, whom no grant names',
    async (user) => {
      expect(names(await located(open(), user))).toContain('no policy names');
    },
  );

  it('is not looked up where the database takes no tokens', async () => {
    const at = open();
    for (const one of at.twin.region().rds.databases) one.takesTokens = false;
    expect(names(await located(at))).toBe('the database takes no tokens of IAM');
    expect(at.twin.calls.map(({ operation }) => operation)).not.toContain('GetAccountAuthorizationDetails');
  });
});

describe('the deny', () => {
  it('is of this database alone, each with a tick, and everything else goes on', async () => {
    const at = open();
    const plan = await at.plan();
    expect(plan).toMatchObject({ kind: 'plan', askBecause: [expect.any(String)] });
    if (plan.kind === 'plan')
      expect(plan.steps.map(({ id, role }) => [id, role])).toEqual([
        ['deny:user/analyst', 'contain'],
        ['deny:role/app', 'contain'],
      ]);
    await at.contain();
    const written = Object.entries(at.twin.state.roles['app']?.inline ?? {}).find(([name]) =>
      name.startsWith('firebreak-'),
    );
    expect(JSON.parse(written?.[1] ?? '{}')).toEqual({
      Version: '2012-10-17',
      Statement: [
        {
          ...{ Sid: 'FirebreakDenyTokens', Effect: 'Deny', Action: 'rds-db:connect' },
          Resource: [`${DBUSER}cluster-ORDERS/*`],
        },
        { Sid: 'FirebreakDenyDataApi', Effect: 'Deny', Action: 'rds-data:*', Resource: [CLUSTER] },
      ],
    });
    expect(await at.prove()).toMatchObject({ proven: true });
  });

  it('is not written on what is protected, full, gone or another by now; the card says which', async () => {
    const at = open();
    const analyst = at.twin.state.users['analyst'];
    if (analyst) analyst.UserId = 'AIDAANOTHER0000000001';
    addRole(at.twin, 'app', { login: LOGIN }, '/aws-service-role/rds.amazonaws.com/');
    expect(await at.plan()).toMatchObject({
      kind: 'refused',
      reason: expect.stringMatching(/analyst .*re-created.*; role app .*/),
    });
    addRole(at.twin, 'app', { login: LOGIN, full: 'x'.repeat(10_200) });
    expect(await at.plan()).toMatchObject({ reason: expect.stringContaining('no room') });
    delete at.twin.state.roles['app'];
    expect(await at.plan()).toMatchObject({ reason: expect.stringContaining('role app may still') });
  });

  it('is not proven once someone removed it', async () => {
    const at = open();
    await at.contain();
    const role = at.twin.state.roles['app'];
    if (role) role.inline = { login: LOGIN };
    at.clock.at += 120_000;
    expect(await at.prove()).toMatchObject({ proven: false, next: 'recontain' });
  });
});

it('has no target in the finding alone', () => {
  expect(denyDatabaseLogins.targetOf(parseFinding(finding(createTwin(SCOPE))))).toMatchObject({ ok: false });
});
