import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awsFor } from '../../core/aws/client.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import { isJsonObject, type JsonObject } from '../../core/json.ts';
import { parsePolicy } from '../../core/policy/policy.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import {
  type Accounts,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
import { evictDatabaseUser } from './playbook.ts';
import { settings, settingsOf } from './settings.ts';

interface World {
  readonly cluster: boolean;
  readonly engine: 'mysql' | 'postgresql';
  /** The user is the master user, whose password RDS manages; otherwise it has a secret with a rotation function. */
  readonly master: boolean;
  /** What the parameter group sets of TLS. */
  readonly tls: 'unset' | 'off' | 'on';
}

const arnOf = (secret: string) => `arn:aws:secretsmanager:eu-west-1:111122223333:secret:${secret}-a1B2c3`;
const ROTATOR = 'arn:aws:lambda:eu-west-1:111122223333:function:SecretsManagerOrders';
const [OFF, ON] = [
  { mysql: 'OFF', postgresql: '0' },
  { mysql: 'ON', postgresql: '1' },
];
const PARAMETER = { mysql: 'require_secure_transport', postgresql: 'rds.force_ssl' };
const USER = 'orders_app';

const SETTINGS = {
  rotate: ['orders', 'orders-1'].map((database) => `${USER}@${database} = orders/app`),
  sessions: ['orders', 'orders-1'].map((database) => `${database} = firebreak/orders`),
};

const finding = (twin: AccountTwin, cluster: boolean, user: string) =>
  findingOn(twin, {
    seed: 'eviction',
    type: 'Exfiltration:RDS/TorIPCaller',
    resource: {
      resourceType: 'RDSDBInstance',
      rdsDbInstanceDetails: {
        dbInstanceIdentifier: 'orders-1',
        ...(cluster ? { dbClusterIdentifier: 'orders' } : {}),
      },
      rdsDbUserDetails: { user },
    },
  });

function build(twin: AccountTwin, { cluster, engine, master, tls }: World, user = USER): void {
  const region = twin.region();
  const set: Record<string, string> =
    tls === 'unset' ? {} : { [PARAMETER[engine]]: tls === 'on' ? ON[engine] : OFF[engine] };
  region.rds.parameterGroups = [{ name: 'orders', cluster, set }];
  const secret = (name: string, rotator: string | null) => ({
    ...{ name, arn: arnOf(name), rotator },
    versions: { '00000000-0000-4000-8000-000000000001': ['AWSCURRENT'] },
  });
  region.rotatedSecrets = [
    secret('rds!orders', null),
    secret('orders/app', ROTATOR),
    secret('firebreak/orders', null),
  ];
  const common = { VpcId: 'vpc-1', groups: ['sg-1'], PubliclyAccessible: false, Tags: { team: 'orders' } };
  const Engine = cluster ? `aurora-${engine}` : engine === 'mysql' ? 'mysql' : 'postgres';
  const own = {
    ...{ MasterUsername: master ? user : 'root', secret: arnOf('rds!orders'), parameterGroup: 'orders' },
    ...{
      dataApi: cluster,
      sessions: [
        { id: 7, user },
        { id: 8, user: 'reporting' },
        { id: 9, user },
      ],
    },
  };
  const member = { ...common, id: 'orders-1', cluster: false, Engine, clusterId: cluster ? 'orders' : null };
  region.rds.databases.push(
    ...(cluster
      ? [member, { ...common, ...own, id: 'orders', cluster: true, Engine, clusterId: null }]
      : [{ ...member, ...own }]),
  );
}

/** Versions of secrets and sessions: a rotation and an end are not undone. */
function withoutLost(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutLost);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, member]) =>
      key === 'versions' || key === 'sessions' ? [] : [[key, withoutLost(member)]],
    ),
  );
}

const accounts: Accounts<World> = {
  settings: SETTINGS,
  worlds: fc.record({
    cluster: fc.boolean(),
    engine: fc.constantFrom('mysql', 'postgresql'),
    master: fc.boolean(),
    tls: fc.constantFrom('unset', 'off', 'on'),
  }),
  open(twin, world) {
    build(twin, world);
    return finding(twin, world.cluster, USER);
  },
  without: withoutLost,
};

playbookProperties(evictDatabaseUser, accounts);

const database = sceneDatabase('evict-database-user-test');
const WORLD: World = { cluster: true, engine: 'postgresql', master: false, tls: 'unset' };
const open = (world: Partial<World> = {}, settings: JsonObject = SETTINGS, user = USER) =>
  scene(
    database(),
    evictDatabaseUser,
    {
      ...accounts,
      settings,
      open(twin, given) {
        build(twin, given, user);
        return finding(twin, given.cluster, user);
      },
    },
    { ...WORLD, ...world },
  );
type Open = ReturnType<typeof open>;
const sessionsIn = (at: Open) => at.twin.region().rds.databases.flatMap(({ sessions = [] }) => sessions);
const statements = (at: Open) =>
  at.sent.filter(({ operation }) => operation === 'ExecuteStatement').map(({ input }) => input as JsonObject);

describe('the password', () => {
  it.each([
    [true, true, 'ModifyDBCluster', 'rds!orders'],
    [true, false, 'ModifyDBInstance', 'rds!orders'],
    [false, true, 'RotateSecret', 'orders/app'],
    [false, false, 'RotateSecret', 'orders/app'],
  ])('is rotated once (master: %s, cluster: %s) by %s', async (master, cluster, call, name) => {
    const at = open({ master, cluster });
    await at.contain();
    await at.contain();
    await at.contain('fb-bbbbbbbbbbbb');
    expect(at.twin.calls.filter(({ operation }) => operation === call)).toHaveLength(1);
    const rotated = at.twin
      .region()
      .rotatedSecrets?.filter(({ versions }) => Object.keys(versions).length > 1);
    expect(rotated).toMatchObject([{ name }]);
    expect(await at.prove()).toMatchObject({ proven: true });
  });

  it('is not proven before the new version is the current one', async () => {
    const at = open();
    await at.contain();
    const [, secret] = at.twin.region().rotatedSecrets ?? [];
    if (secret)
      secret.versions = {
        '00000000-0000-4000-8000-000000000001': ['AWSCURRENT'],
        '00000000-0000-4000-8000-000000000002': ['AWSPENDING'],
      };
    expect(await at.prove()).toMatchObject({ proven: false, next: 'wait' });
  });

  it('is not proven, and nothing fails, where the secret is gone', async () => {
    const at = open();
    await at.contain();
    at.twin.region().rotatedSecrets = [];
    expect(await at.prove()).toMatchObject({
      proven: false,
      checks: expect.arrayContaining([
        expect.objectContaining({ id: 'password', ok: false, saw: expect.stringContaining('is gone') }),
      ]),
    });
  });

  it('stays rotated by undo, which says so', async () => {
    const at = open();
    await at.contain();
    const undone = await at.undo();
    expect(undone).toMatchObject({ kind: 'undone' });
    expect(await at.journal()).toMatchObject([
      { id: 'password', status: 'kept', note: expect.stringContaining('does not come back') },
      { id: 'tls', status: 'undone' },
      { id: 'sessions', status: 'kept' },
    ]);
  });

  it.each([
    [
      'no secret is known',
      (_twin: AccountTwin) => undefined,
      { sessions: [] },
      /no secret of Secrets Manager/,
    ],
    [
      'rotation is off',
      (twin: AccountTwin) => Object.assign(twin.region().rotatedSecrets?.[1] ?? {}, { rotator: null }),
      SETTINGS,
      /no rotation function/,
    ],
    [
      'the function has another name',
      (twin: AccountTwin) =>
        Object.assign(twin.region().rotatedSecrets?.[1] ?? {}, {
          rotator: ROTATOR.replace('SecretsManager', ''),
        }),
      SETTINGS,
      /not named SecretsManager/,
    ],
    [
      'another rotation hangs',
      (twin: AccountTwin) =>
        Object.assign(twin.region().rotatedSecrets?.[1]?.versions ?? {}, {
          '00000000-0000-4000-8000-000000000009': ['AWSPENDING'],
        }),
      SETTINGS,
      /not finished/,
    ],
    [
      'the secret is gone',
      (twin: AccountTwin) => twin.region().rotatedSecrets?.splice(1, 1),
      SETTINGS,
      /ResourceNotFound/,
    ],
  ])('stays, and the card says why, where %s', async (_name, change, settings, why) => {
    const at = open({}, settings);
    change(at.twin);
    expect(await at.plan()).toMatchObject({
      kind: 'plan',
      steps: expect.not.arrayContaining([expect.objectContaining({ kind: 'rotate-password' })]),
      residual: expect.arrayContaining([expect.stringMatching(why)]),
    });
  });
});

describe('TLS', () => {
  it('is required in a group of its own, and undo restores what was set', async () => {
    for (const tls of ['unset', 'off'] as const) {
      const at = open({ tls });
      const group = () => at.twin.region().rds.parameterGroups?.[0]?.set;
      const before = { ...group() };
      await at.contain();
      expect(group()).toEqual({ 'rds.force_ssl': '1' });
      await at.undo();
      expect(group()).toEqual(before);
    }
  });

  it.each([
    ['a default group', { parameterGroup: 'default.aurora-postgresql17' }, /default one/],
    ['an engine that needs a restart', { Engine: 'sqlserver-se' }, /without a restart/],
  ])('is left with the reason: %s', async (_name, change, why) => {
    const at = open();
    for (const one of at.twin.region().rds.databases) if (one.cluster) Object.assign(one, change);
    expect(await at.plan()).toMatchObject({
      residual: expect.arrayContaining([expect.stringMatching(why)]),
    });
  });

  it('is left where another database has the group as well', async () => {
    const at = open();
    const { databases } = at.twin.region().rds;
    const cluster = databases.find((one) => one.cluster);
    if (cluster) databases.push({ ...cluster, id: 'billing' });
    expect(await at.plan()).toMatchObject({
      residual: expect.arrayContaining([expect.stringContaining('that of billing as well')]),
    });
  });
});

describe('sessions', () => {
  it.each(['postgresql', 'mysql'] as const)('of the user alone are ended (%s)', async (engine) => {
    const at = open({ engine });
    await at.contain();
    expect(sessionsIn(at)).toEqual([{ id: 8, user: 'reporting' }]);
    expect(await at.prove()).toMatchObject({
      checks: expect.arrayContaining([
        expect.objectContaining({
          id: 'sessions',
          ok: true,
          saw: expect.stringContaining('2 ended, 0 open'),
        }),
      ]),
    });
  });

  it.each([
    "x'; DROP TABLE orders; --",
    "postgres' OR '1'='1",
    ':name',
    '${user}',
    '"; SELECT pg_terminate_backend(1)',
    '<!channel>',
    '*',
  ])('of a user named %s: the statements stay as they are, and the name is a value', async (user) => {
    for (const engine of ['postgresql', 'mysql'] as const) {
      const calm = open({ engine });
      await calm.contain();
      const at = open({ engine }, SETTINGS, user);
      await at.contain();
      const texts = (one: Open) => new Set(statements(one).map(({ sql }) => sql));
      expect(texts(at)).toEqual(texts(calm));
      expect(sessionsIn(at)).toEqual([{ id: 8, user: 'reporting' }]);
      for (const { parameters } of statements(at)) {
        expect([
          [{ name: 'name', value: { stringValue: user } }],
          [{ name: 'id', value: { longValue: 7 } }],
          [{ name: 'id', value: { longValue: 9 } }],
        ]).toContainEqual(parameters);
      }
    }
  });

  it.each([
    ['a login of RDS', 'rdsadmin', {}, SETTINGS, /login of RDS itself/],
    ['no Data API', USER, { dataApi: false }, SETTINGS, /Data API of RDS does not answer/],
    ['a Multi-AZ DB cluster', USER, { Engine: 'postgres', dataApi: false }, SETTINGS, /Aurora alone/],
    ['no secret in policy', USER, {}, { rotate: SETTINGS.rotate }, /does not name a secret/],
  ])('go on, and the card says why: %s', async (_name, user, change, settings, why) => {
    const at = open({ master: true }, settings, user);
    for (const one of at.twin.region().rds.databases) if (one.cluster) Object.assign(one, change);
    expect(await at.plan()).toMatchObject({
      steps: expect.not.arrayContaining([expect.objectContaining({ kind: 'end-sessions' })]),
      residual: expect.arrayContaining([expect.stringMatching(why)]),
    });
  });

  it('are undone by nothing, also where the login is gone by then', async () => {
    const at = open();
    await at.contain();
    at.twin.region().rotatedSecrets =
      at.twin.region().rotatedSecrets?.filter(({ name }) => name !== 'firebreak/orders') ?? [];
    expect((await at.undo()).kind).toBe('undone');
  });

  it('fails where the Data API refuses, and the other two are in place', async () => {
    const at = open();
    at.twin.failNext('ExecuteStatement', 'ForbiddenException', 9);
    const { steps } = await at.contain();
    expect(steps.map(({ id, status }) => [id, status])).toEqual([
      ['password', 'done'],
      ['tls', 'done'],
      ['sessions', 'failed'],
    ]);
  });
});

describe('the settings', () => {
  const policy = (settings: object) =>
    parsePolicy(
      JSON.stringify({
        version: 1,
        approvers: ['U0BOB'],
        playbooks: { 'evict-database-user': settings },
        rules: [{ name: 'all', match: {}, decide: 'notify' }],
      }),
    );

  it('are what policy.yml takes, and each secret is read as it stands there', () => {
    expect(settingsOf(policy(SETTINGS).playbookSettings('evict-database-user'))).toEqual({
      rotate: ['orders', 'orders-1'].map((database) => ({ user: USER, database, secret: 'orders/app' })),
      sessions: ['orders', 'orders-1'].map((database) => ({
        user: '',
        database,
        secret: 'firebreak/orders',
      })),
    });
  });

  it.each([
    [{ sessions: ['orders = admin'] }, /firebreak/],
    [{ rotate: ['orders = orders/app'] }, /USER@DATABASE/],
  ])('%j is refused, and no entry of it counts', (given, why) => {
    expect(settings.safeParse(given).error?.message).toMatch(why);
    expect(settingsOf(given)).toEqual({ rotate: [], sessions: [] });
  });
});

describe('the question', () => {
  it('is always asked, with the outage of every step', async () => {
    const plan = await open().plan();
    expect(plan).toMatchObject({ kind: 'plan', askBecause: [expect.any(String)] });
    if (plan.kind !== 'plan') return;
    expect(plan.steps.every(({ role }) => role === 'contain')).toBe(true);
    expect(plan.warnings).toHaveLength(plan.steps.length);
  });

  it('is not asked where nothing can be done', async () => {
    const at = open({ cluster: false, master: false }, {});
    for (const one of at.twin.region().rds.databases) one.parameterGroup = 'default.postgres17';
    const located = await evictDatabaseUser.locate?.(at.finding, awsFor(SCOPE), at.options());
    expect(located).toMatchObject({ ok: false, reason: expect.stringContaining('default one') });
  });

  it('is refused for a protected database', async () => {
    expect(await open().plan('fb-aaaaaaaaaaaa', true, ['orders'])).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('protected'),
    });
  });

  it.each([[''], ['a'.repeat(64)], ['root\u0000'], ['\u202etoor']])('has no target for %j', (user) => {
    expect(evictDatabaseUser.targetOf(parseFinding(finding(createTwin(SCOPE), true, user)))).toMatchObject({
      ok: false,
    });
  });
});
