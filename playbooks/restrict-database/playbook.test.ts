import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { awsFor } from '../../core/aws/client.ts';
import { parseFinding } from '../../core/finding/finding.ts';
import type { JsonObject } from '../../core/json.ts';
import type { TwinRule } from '../../sandbox/twin/state.ts';
import { type AccountTwin, createTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';
import {
  type Accounts,
  playbookProperties,
  SCOPE,
  scene,
  sceneDatabase,
} from '../../test/playbooks/properties.ts';
import { restrictDatabase } from './playbook.ts';

const SOURCE = '198.51.100.77';
type Peer = Pick<TwinRule, 'CidrIpv4' | 'CidrIpv6' | 'ReferencedGroupInfo'>;
interface World {
  readonly cluster: boolean;
  /** Ranges that let the source in; the first is always there. */
  readonly open: readonly string[];
  readonly others: readonly Peer[];
  /** The database has two groups of its own. */
  readonly two: boolean;
}

const accounts: Accounts<World> = {
  worlds: fc.record({
    cluster: fc.boolean(),
    open: fc.uniqueArray(fc.constantFrom('198.51.100.77/32', '198.51.100.0/24', '0.0.0.0/0'), {
      minLength: 1,
      maxLength: 3,
    }),
    others: fc.uniqueArray(
      fc.oneof(
        fc.constantFrom('10.0.0.0/8', '203.0.113.0/24', '198.51.101.0/24').map((CidrIpv4) => ({ CidrIpv4 })),
        fc.constant({ CidrIpv6: '2001:db8::/32' }),
        fc.constant({ ReferencedGroupInfo: { GroupId: 'sg-app' } }),
      ),
      { selector: (peer) => JSON.stringify(peer), maxLength: 5 },
    ),
    two: fc.boolean(),
  }),
  open(twin, world) {
    const region = twin.region();
    const ids = world.two ? ['sg-one', 'sg-two'] : ['sg-one'];
    for (const GroupId of ids) {
      const peers = [...world.open.map((CidrIpv4): Peer => ({ CidrIpv4 })), ...world.others];
      const rules = peers.map(
        (peer, index): TwinRule => ({
          SecurityGroupRuleId: `sgr-${GroupId}-${index}`,
          IsEgress: false,
          IpProtocol: 'tcp',
          FromPort: 5432,
          ToPort: 5432,
          ...peer,
        }),
      );
      region.groups.push({ GroupId, GroupName: GroupId, VpcId: 'vpc-1', Description: '', Tags: {}, rules });
    }
    const common = { VpcId: 'vpc-1', groups: ids, PubliclyAccessible: true, Tags: { team: 'orders' } };
    const { databases } = region.rds;
    const Engine = world.cluster ? 'aurora-mysql' : 'mysql';
    databases.push({
      ...common,
      id: 'orders-1',
      cluster: false,
      Engine,
      clusterId: world.cluster ? 'orders' : null,
    });
    if (world.cluster) databases.push({ ...common, id: 'orders', cluster: true, Engine, clusterId: null });
    return finding(twin, world.cluster);
  },
};
const finding = (twin: AccountTwin, cluster: boolean, ip = SOURCE, more: JsonObject = {}) =>
  findingOn(twin, {
    seed: 'rds',
    type: 'CredentialAccess:RDS/MaliciousIPCaller.SuccessfulLogin',
    resource: {
      resourceType: 'RDSDBInstance',
      rdsDbInstanceDetails: {
        dbInstanceIdentifier: 'orders-1',
        engine: cluster ? 'Aurora MySQL' : 'MySQL',
        ...(cluster ? { dbClusterIdentifier: 'orders' } : {}),
        ...more,
      },
      rdsDbUserDetails: { user: 'admin' },
    },
    action: {
      actionType: 'RDS_LOGIN_ATTEMPT',
      rdsLoginAttemptAction: { remoteIpDetails: { ipAddressV4: ip } },
    },
  });

playbookProperties(restrictDatabase, accounts);

const database = sceneDatabase('restrict-database-test');
const WORLD: World = {
  cluster: false,
  open: ['0.0.0.0/0'],
  others: [{ ReferencedGroupInfo: { GroupId: 'sg-app' } }, { CidrIpv4: '10.0.0.0/8' }],
  two: false,
};
const open = (world: Partial<World> = {}) =>
  scene(database(), restrictDatabase, accounts, { ...WORLD, ...world });
const raise = (why: string): never => {
  throw new Error(why);
};
const rulesInFront = (at: ReturnType<typeof open>) => {
  const region = at.twin.region();
  const [target] = region.rds.databases.filter(
    ({ cluster }) => cluster === (at.target.kind === 'rds-cluster'),
  );
  return region.groups
    .filter(({ GroupId }) => target?.groups.includes(GroupId))
    .flatMap(({ rules }) =>
      rules.map((rule) => rule.CidrIpv4 ?? rule.CidrIpv6 ?? rule.ReferencedGroupInfo?.GroupId),
    );
};

describe('what RDS takes of a cluster alone', () => {
  /** A cluster with a name as CDK makes them. */
  function longCluster(Engine: string, engine: string) {
    const LONG = 'productionstack-ordersdatabasecluster5f2a9c1e-1kq7w9x3m5n8p2';
    const at = scene(
      database(),
      restrictDatabase,
      {
        ...accounts,
        open(twin, world) {
          accounts.open(twin, world);
          const { databases } = twin.region().rds;
          for (const one of databases) {
            one.Engine = Engine;
            if (one.cluster) one.id = LONG;
            else one.clusterId = LONG;
          }
          return finding(twin, true, SOURCE, { engine, dbClusterIdentifier: LONG });
        },
      },
      { ...WORLD, cluster: true },
    );
    return { ...at, LONG };
  }

  it.each([
    ['aurora-mysql', 'Aurora MySQL'],
    ['postgres', 'PostgreSQL'],
  ])('closes a cluster of %s and snapshots it, whatever the length of its name', async (Engine, engine) => {
    const at = longCluster(Engine, engine);
    const { steps } = await at.contain();
    expect(steps.filter(({ status }) => status !== 'done')).toEqual([]);
    expect(rulesInFront(at).sort()).toEqual(['10.0.0.0/8', 'sg-app']);
    expect(at.twin.region().rds.snapshots).toMatchObject([{ of: at.LONG }]);
    expect((await at.undo()).kind).toBe('undone');
  });

  it('snapshots it under a name that fits, also where an earlier release planned a longer one', async () => {
    const at = longCluster('aurora-mysql', 'Aurora MySQL');
    const plan = await at.plan();
    if (plan.kind !== 'plan') throw new Error(plan.reason);
    const [planned] = plan.steps.filter(({ kind }) => kind === 'snapshot');
    const caseId = 'fb-aaaaaaaaaaaa';
    const context = {
      aws: awsFor(at.target),
      target: at.target,
      caseId,
      outputs: {},
      now: () => new Date(at.clock.at),
    };
    const args = { ...planned?.args, snapshotId: `firebreak-${caseId}-${at.LONG}` };
    expect(args.snapshotId.length).toBeGreaterThan(63);
    await restrictDatabase.kinds['snapshot']?.apply(args, context, null, 'taken');
    expect(at.twin.region().rds.snapshots.map(({ id }) => id)).toEqual([planned?.args['snapshotId']]);
  });

  it('refuses a database of RDS Custom, whose security groups RDS does not change', async () => {
    const at = scene(
      database(),
      restrictDatabase,
      {
        ...accounts,
        open(twin, world) {
          const found = accounts.open(twin, world);
          for (const one of twin.region().rds.databases) one.Engine = 'custom-oracle-ee';
          return found;
        },
      },
      WORLD,
    );
    expect(await at.plan()).toMatchObject({ kind: 'refused', reason: expect.stringContaining('RDS Custom') });
  });
});

describe('the group in front of the database', () => {
  it('keeps every rule but those that let the source in, on a group of its own', async () => {
    const at = open();
    const plan = await at.plan();
    await at.contain();
    expect(rulesInFront(at).sort()).toEqual(['10.0.0.0/8', 'sg-app']);
    expect(at.twin.region().groups.find(({ GroupId }) => GroupId === 'sg-one')?.rules).toHaveLength(3);
    expect(at.twin.region().rds.snapshots).toMatchObject([{ of: 'orders-1' }]);
    expect(plan).toMatchObject({
      kind: 'plan',
      warnings: [
        expect.stringContaining('everybody in 0.0.0.0/0 is locked out'),
        expect.stringContaining('automatic backups are off'),
      ],
      residual: [expect.stringContaining('go on'), expect.stringContaining('admin')],
    });
  });

  it('lets out what the groups let out', async () => {
    const at = open();
    const egress: TwinRule = {
      SecurityGroupRuleId: 'sgr-out',
      IsEgress: true,
      IpProtocol: 'tcp',
      FromPort: 443,
      ToPort: 443,
      CidrIpv4: '10.0.0.0/8',
    };
    at.twin.region().groups[0]?.rules.push(egress);
    await at.contain();
    const copy = at.twin.region().groups.find(({ GroupId }) => GroupId !== 'sg-one');
    expect(copy?.rules.filter(({ IsEgress }) => IsEgress)).toMatchObject([
      { FromPort: 443, CidrIpv4: '10.0.0.0/8' },
    ]);
  });

  it('loses what someone adds to it before it is finished', async () => {
    const at = open();
    const copyOf = () => at.twin.region().groups.find(({ GroupId }) => GroupId !== 'sg-one');
    for (let pass = 0; copyOf() === undefined && pass < 9; pass++) {
      at.twin.killAfter(1);
      await expect(at.contain()).rejects.toThrow('killed');
      at.clock.at += 600_000;
    }
    copyOf()?.rules.push({
      SecurityGroupRuleId: 'sgr-stray',
      IsEgress: false,
      IpProtocol: '-1',
      FromPort: -1,
      ToPort: -1,
      CidrIpv4: '0.0.0.0/0',
    });
    await at.contain();
    expect(copyOf()?.rules.map(({ SecurityGroupRuleId }) => SecurityGroupRuleId)).not.toContain('sgr-stray');
    expect(rulesInFront(at)).not.toContain('0.0.0.0/0');
  });

  it('waits where an endpoint of EC2 does not know the new group, or does not show its rule yet', async () => {
    const at = open();
    for (const call of ['RevokeSecurityGroupEgress', 'AuthorizeSecurityGroupIngress'])
      at.twin.failNext(call, 'InvalidGroup.NotFound', 1);
    const answer = at.twin.answer.bind(at.twin);
    let late = false;
    at.twin.answer = async (call) => {
      const output = await answer(call);
      late ||= call.operation === 'CreateSecurityGroup';
      if (!late || call.operation !== 'DescribeSecurityGroupRules') return output;
      late = false;
      at.twin.answer = answer;
      return { SecurityGroupRules: [] };
    };
    await at.contain();
    expect(rulesInFront(at).sort()).toEqual(['10.0.0.0/8', 'sg-app']);
  });

  it.each([false, true])(
    'takes no snapshot of another database for its own (cluster: %s)',
    async (cluster) => {
      const at = open({ cluster });
      const { steps: planned } = await at
        .plan()
        .then((plan) => (plan.kind === 'plan' ? plan : raise(plan.reason)));
      const id = String(planned.find(({ kind }) => kind === 'snapshot')?.args['snapshotId']);
      at.twin.region().rds.snapshots.push({ id, of: 'of-the-attacker' });
      const { steps } = await at.contain();
      expect(steps.flatMap(({ id, status }) => (status === 'done' ? [] : [[id, status]]))).toEqual([
        ['snapshot', 'failed'],
      ]);
      expect(steps.find(({ id }) => id === 'snapshot')?.note).toContain('AlreadyExists');
      expect(rulesInFront(at).sort()).toEqual(['10.0.0.0/8', 'sg-app']);
    },
  );

  it('is put on the cluster for Aurora, never on a member', async () => {
    const at = open({ cluster: true });
    await at.contain();
    const operations = at.twin.calls.map(({ operation }) => operation);
    expect(operations).toContain('ModifyDBCluster');
    expect(operations).not.toContain('ModifyDBInstance');
    expect(rulesInFront(at).sort()).toEqual(['10.0.0.0/8', 'sg-app']);
  });

  it('is not proven while the association is on its way, nor when someone opens it again', async () => {
    const at = open();
    await at.contain();
    expect(await at.prove()).toMatchObject({ proven: false, next: 'wait' });
    await at.prove();
    expect(await at.prove()).toMatchObject({ proven: true });
    const group = at.twin.region().groups.find(({ GroupName }) => GroupName.startsWith('firebreak-database'));
    group?.rules.push({
      SecurityGroupRuleId: 'sgr-new',
      IsEgress: false,
      IpProtocol: '-1',
      FromPort: -1,
      ToPort: -1,
      CidrIpv4: '0.0.0.0/0',
    });
    expect(await at.prove()).toMatchObject({ proven: false, next: 'recontain' });
  });

  it('asks where clients are let out to the replaced groups by name', async () => {
    const at = open();
    at.twin.region().groups.push({
      GroupId: 'sg-app',
      GroupName: 'application',
      VpcId: 'vpc-1',
      Description: '',
      Tags: {},
      rules: [
        {
          SecurityGroupRuleId: 'sgr-out',
          IsEgress: true,
          IpProtocol: 'tcp',
          FromPort: 5432,
          ToPort: 5432,
          ReferencedGroupInfo: { GroupId: 'sg-one' },
        },
      ],
    });
    expect(await at.plan()).toMatchObject({ kind: 'plan', askBecause: [expect.stringContaining('sg-app')] });
  });
});

describe('other ways to the database', () => {
  const proxy = (targets: string[]) => ({
    ...{ name: 'orders-proxy', resourceId: 'prx-0abc', VpcId: 'vpc-1', groups: ['sg-proxy'] },
    targets,
  });

  it.each([
    [false, 'orders-1'],
    [true, 'orders'],
    [true, 'orders-1'],
  ])('names the proxy that leads to it, and its groups (cluster: %s, by %s)', async (cluster, target) => {
    const at = open({ cluster });
    at.twin.region().rds.proxies = [proxy([target]), { ...proxy(['billing']), name: 'of-another' }];
    const plan = await at.plan();
    expect(plan).toMatchObject({
      kind: 'plan',
      residual: expect.arrayContaining([expect.stringContaining('RDS Proxy orders-proxy (sg-proxy)')]),
    });
    expect(JSON.stringify(plan)).not.toContain('of-another');
  });

  it('names the proxy in the refusal where no range lets the source in', async () => {
    const at = open({ open: ['203.0.113.9/32'] });
    at.twin.region().rds.proxies = [proxy(['orders-1'])];
    expect(await at.plan()).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('RDS Proxy orders-proxy'),
      followUps: ['evict-database-user', 'deny-database-logins'],
      alternative: expect.stringContaining('groups of the proxy'),
    });
  });

  it('closes the path also where a member role may not list proxies, and says so', async () => {
    const at = open();
    at.twin.failNext('DescribeDBProxies', 'AccessDenied', 1);
    expect(await at.plan()).toMatchObject({
      kind: 'plan',
      residual: expect.arrayContaining([expect.stringContaining('could not be listed (AccessDenied')]),
    });
  });

  it('names read replicas, which are databases of their own', async () => {
    const at = open();
    const [one] = at.twin.region().rds.databases;
    if (one) one.replicas = ['orders-replica'];
    expect(await at.plan()).toMatchObject({
      residual: expect.arrayContaining([expect.stringContaining('read replica orders-replica')]),
    });
  });

  it('notes the time that a copy can be restored to, or that there is none', async () => {
    const at = open();
    expect(await at.plan()).toMatchObject({
      warnings: expect.arrayContaining([expect.stringContaining('automatic backups are off')]),
    });
    const [one] = at.twin.region().rds.databases;
    if (one) one.restorableUntil = '2026-11-24T07:55:00.000Z';
    const plan = await at.plan();
    expect(JSON.stringify(plan)).not.toContain('automatic backups are off');
    expect(plan).toMatchObject({
      blastRadius: { detail: expect.arrayContaining([expect.stringContaining('2026-11-24T07:55:00.000Z')]) },
    });
    const evidence = await restrictDatabase.evidence?.(at.target, awsFor(at.target));
    expect(evidence).toMatchObject({ database: { restorableUntil: '2026-11-24T07:55:00.000Z' } });
  });
});

describe('refused, with the action that works', () => {
  it.each([
    [
      'no range lets the source in',
      { open: ['203.0.113.9/32'] },
      /no address range .* lets 198\.51\.100\.77 in/,
    ],
    [
      'it has too many rules',
      { others: Array.from({ length: 61 }, (_, n) => ({ CidrIpv4: `10.${n}.0.0/16` })) },
      /62 rules/,
    ],
  ])('%s', async (_name, world, reason) => {
    expect(await open(world).plan()).toMatchObject({
      kind: 'refused',
      reason: expect.stringMatching(reason),
    });
  });

  it('a protected database', async () => {
    const plan = await open().plan('fb-aaaaaaaaaaaa', true, ['orders-*']);
    expect(plan).toMatchObject({ kind: 'refused', reason: expect.stringContaining('protected') });
  });

  it('a member of Aurora that the finding does not call one', async () => {
    const at = open();
    const [one] = at.twin.region().rds.databases;
    if (one) Object.assign(one, { Engine: 'aurora-mysql', clusterId: 'orders' });
    expect(await at.plan()).toMatchObject({
      kind: 'refused',
      reason: expect.stringContaining('belong to the cluster'),
    });
  });

  it('a second source on a database that is restricted for another one', async () => {
    const at = open({ open: ['198.51.100.77/32'], others: [{ CidrIpv4: '203.0.113.0/24' }] });
    await at.contain();
    const other = restrictDatabase.targetOf(parseFinding(finding(at.twin, false, '203.0.113.5')));
    if (!other.ok) throw new Error(other.reason);
    const { awsFor } = await import('../../core/aws/client.ts');
    const plan = restrictDatabase.plan(
      await restrictDatabase.read(other.target, awsFor(SCOPE)),
      other.target,
      {
        caseId: 'fb-aaaaaaaaaaaa',
        now: new Date(0),
        settings: {},
        protectedArns: [],
        approved: true,
      },
    );
    expect(plan).toMatchObject({ kind: 'refused', alternative: expect.stringContaining('203.0.113.0/24') });
  });

  it('a database that is gone', async () => {
    const at = open();
    at.twin.region().rds.databases = [];
    await expect(at.plan()).rejects.toMatchObject({ code: 'ResourceNotFound' });
  });
});

describe('the target', () => {
  const choose = (details: object) =>
    restrictDatabase.targetOf(
      parseFinding(
        findingOn(createTwin(SCOPE), {
          seed: 't',
          type: 'Discovery:RDS/TorIPCaller',
          resource: { resourceType: 'RDSDBInstance', rdsDbInstanceDetails: { ...details } },
        }),
      ),
    );
  it.each([
    [{}],
    [{ dbInstanceIdentifier: '../x' }],
    [{ dbInstanceIdentifier: 7.5 }],
    [{ dbInstanceIdentifier: '' }],
  ])('is none in %j', (details) => {
    expect(choose(details).ok).toBe(false);
  });
  it('is the cluster of a Multi-AZ DB cluster as well: RDS changes no member of one', () => {
    expect(
      choose({ dbInstanceIdentifier: 'a', engine: 'mysql', dbClusterIdentifier: 'multi-az' }),
    ).toMatchObject({ ok: true, target: { kind: 'rds-cluster', id: 'multi-az', facts: { instance: 'a' } } });
  });
});
