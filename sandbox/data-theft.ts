/** The stolen password of a database, read from a Tor exit, and the stolen key of an administrator that shares its snapshot. */
import { arn } from '../core/aws/arn.ts';
import type { JsonObject } from '../core/json.ts';
import { act } from './attacker.ts';
import type { TwinGroup } from './twin/state.ts';
import type { AccountTwin } from './twin/twin.ts';
import { findingOn, THIEF_IP } from './worlds.ts';

/** Identifiers, not secrets. */
const STOLEN_KEY = 'AKIAFIREBREAKDEMO003';
const ADMIN = 'database-admin';
const CLUSTER = 'customers';
const MASTER = 'postgres';
const APPLICATION = 'shop';
const SNAPSHOT = 'customers-nightly';
const THIEVES_ACCOUNT = '444455556666';
const VERSION = '00000000-0000-4000-8000-000000000001';
const LOGIN = 'firebreak/customers';

/** What policy.yml has to say of the cluster, so that sessions can be ended. */
export const EVICTION_SETTINGS = { rotate: [], sessions: [`${CLUSTER} = ${LOGIN}`] };

interface DataTheftWorld {
  /** What arrives, in that order. */
  readonly events: readonly [JsonObject, JsonObject];
  /** What the thief can use now, one line each; then what an application needs. */
  show(): {
    readonly theft: readonly (readonly [what: string, usable: boolean])[];
    readonly application: boolean;
  };
}

export function dataTheftWorld(twin: AccountTwin): DataTheftWorld {
  const { scope, state } = twin;
  const now = Date.now();
  const region = twin.region(scope.region);
  const group = groupOf(twin);
  const secretOf = (name: string) => ({
    ...{ name, arn: arn(scope, 'secretsmanager', `secret:${name}-a1B2c3`), rotator: null },
    versions: { [VERSION]: ['AWSCURRENT'] },
  });
  const [master, login] = [secretOf(`rds!cluster-${CLUSTER}`), secretOf(LOGIN)];
  region.rotatedSecrets = [...(region.rotatedSecrets ?? []), master, login];
  const common = {
    VpcId: group.VpcId,
    groups: [group.GroupId],
    PubliclyAccessible: true,
    Tags: { team: 'shop' },
  };
  const instance = `${CLUSTER}-1`;
  const Engine = 'aurora-postgresql';
  region.rds.parameterGroups = [
    ...(region.rds.parameterGroups ?? []),
    { name: `${CLUSTER}-parameters`, cluster: true, set: {} },
  ];
  const cluster = {
    ...{ ...common, id: CLUSTER, cluster: true, clusterId: null, Engine, MasterUsername: MASTER },
    ...{ dataApi: true, secret: master.arn, parameterGroup: `${CLUSTER}-parameters` },
    restorableUntil: new Date(now - 300_000).toISOString(),
    sessions: [
      { id: 66, user: MASTER },
      { id: 71, user: APPLICATION },
    ],
  };
  region.rds.databases.push({ ...common, id: instance, cluster: false, Engine, clusterId: CLUSTER }, cluster);
  region.rds.snapshots.push({ id: SNAPSHOT, of: CLUSTER });
  state.users[ADMIN] = {
    ...{ UserName: ADMIN, Path: '/', UserId: 'AIDAFIREBREAKDEMO0003', Tags: [], inline: {}, attached: {} },
    ...{ groups: [], console: false, mfa: [] },
    keys: [
      {
        ...{ AccessKeyId: STOLEN_KEY, Status: 'Active' },
        CreateDate: '2024-03-01T09:00:00.000Z',
        lastService: 'rds',
      },
    ],
  };
  const thief = { accessKeyId: STOLEN_KEY, principalId: 'AIDAFIREBREAKDEMO0003', userName: ADMIN };
  act(twin, thief, {
    ...{ service: 'RDS', operation: 'ModifyDBClusterSnapshotAttribute', at: new Date(now - 240_000) },
    input: {
      ...{ DBClusterSnapshotIdentifier: SNAPSHOT, AttributeName: 'restore' },
      ValuesToAdd: [THIEVES_ACCOUNT],
    },
    record: {
      request: {
        ...{ dBClusterSnapshotIdentifier: SNAPSHOT, attributeName: 'restore' },
        valuesToAdd: [THIEVES_ACCOUNT],
      },
      response: {},
    },
  });
  const seen = { updatedAt: new Date(now - 600_000) };
  const theft = findingOn(twin, {
    ...{ ...seen, seed: `demo database ${now}`, type: 'Exfiltration:RDS/TorIPCaller', severity: 8 },
    resource: {
      resourceType: 'RDSDBInstance',
      rdsDbInstanceDetails: {
        ...{ dbInstanceIdentifier: instance, dbClusterIdentifier: CLUSTER, engine: 'Aurora PostgreSQL' },
      },
      rdsDbUserDetails: { user: MASTER, database: CLUSTER, application: 'pg_dump' },
    },
    action: {
      actionType: 'RDS_LOGIN_ATTEMPT',
      rdsLoginAttemptAction: { remoteIpDetails: { ipAddressV4: THIEF_IP } },
    },
  });
  const share = findingOn(twin, {
    ...{ ...seen, seed: `demo share ${now}`, type: 'Exfiltration:IAMUser/AnomalousBehavior', severity: 8 },
    resource: {
      resourceType: 'AccessKey',
      accessKeyDetails: {
        ...{ userType: 'IAMUser', userName: ADMIN, accessKeyId: STOLEN_KEY },
        principalId: thief.principalId,
      },
    },
  });
  return {
    events: [theft, share],
    show() {
      const live = region.rds.databases.find(({ id }) => id === CLUSTER);
      const open = (user: string) => live?.sessions?.some((one) => one.user === user) === true;
      const path = region.groups.some(
        ({ GroupId, rules }) =>
          live?.groups.includes(GroupId) === true &&
          rules.some(({ IsEgress, CidrIpv4 }) => !IsEgress && CidrIpv4 === '0.0.0.0/0'),
      );
      const shared = region.rds.snapshots.find(({ id }) => id === SNAPSHOT)?.sharedWith ?? [];
      return {
        theft: [
          [`login to ${CLUSTER} from ${THIEF_IP}, a Tor exit`, path],
          [`the stolen password of ${MASTER}`, master.versions[VERSION]?.includes('AWSCURRENT') === true],
          [`the session of ${MASTER} that reads the data`, open(MASTER)],
          [`key ${STOLEN_KEY} of ${ADMIN}`, state.users[ADMIN]?.keys[0]?.Status === 'Active'],
          [`snapshot ${SNAPSHOT}, restored in ${THIEVES_ACCOUNT}`, shared.includes(THIEVES_ACCOUNT)],
        ],
        application: open(APPLICATION),
      };
    },
  };
}

/** The application's group is let in, and so is the world. */
function groupOf(twin: AccountTwin): TwinGroup {
  const VpcId = twin.nextId('vpc');
  const application = twin.nextId('sg');
  const port = { IsEgress: false, IpProtocol: 'tcp', FromPort: 5432, ToPort: 5432 };
  const group: TwinGroup = {
    ...{ GroupId: twin.nextId('sg'), GroupName: CLUSTER, VpcId, Description: 'the database', Tags: {} },
    rules: [
      {
        ...{ ...port, SecurityGroupRuleId: twin.nextId('sgr') },
        ReferencedGroupInfo: { GroupId: application },
      },
      { ...port, SecurityGroupRuleId: twin.nextId('sgr'), CidrIpv4: '0.0.0.0/0' },
    ],
  };
  twin.region(twin.scope.region).groups.push(
    {
      ...{ GroupId: application, GroupName: APPLICATION, VpcId, Description: 'the application', Tags: {} },
      rules: [],
    },
    group,
  );
  return group;
}
