/** RDS instances and Aurora clusters, as far as playbooks change them. */
import { arn } from '../../core/aws/arn.ts';
import { awsError } from '../aws-error.ts';
import { madeUuid } from './made-id.ts';
import { moveInterface, operatorRds } from './operator-rds.ts';
import { rotate, secretOf } from './secrets.ts';
import { rdsSharing } from './sharing.ts';
import type { Answers, TwinCall } from './twin.ts';

interface TwinDatabase {
  id: string;
  cluster: boolean;
  Engine: string;
  VpcId: string;
  groups: string[];
  /** Of an instance: its cluster. */
  clusterId: string | null;
  PubliclyAccessible: boolean;
  Tags: Record<string, string>;
  /** Of one that an operator made. The twin has no DNS: its address. */
  endpoint?: string;
  subnetGroup?: string;
  /** By which IAM names it: `db-…` or `cluster-…`. */
  resourceId?: string;
  MasterUsername?: string;
  takesTokens?: boolean;
  /** The Data API answers for the cluster. */
  dataApi?: boolean;
  /** ARN of the secret in which RDS manages the master user's password. */
  secret?: string;
  parameterGroup?: string;
  /** ISO 8601; without it automatic backups are off. */
  restorableUntil?: string;
  replicas?: string[];
  /** Who is logged in, by the engine's id of the session. */
  sessions?: { id: number; user: string }[];
}
interface TwinParameterGroup {
  name: string;
  cluster: boolean;
  /** Values that someone set. */
  set: Record<string, string>;
}
interface TwinProxy {
  name: string;
  resourceId: string;
  VpcId: string;
  groups: string[];
  /** Ids of the databases that it leads to. */
  targets: string[];
}
/** This service's part of a Region. */
export interface TwinRds {
  /** That an operator made; left out: none. */
  subnetGroups?: Record<string, { VpcId: string; SubnetId: string; Tags: Record<string, string> }>;
  databases: TwinDatabase[];
  snapshots: { id: string; of: string; sharedWith?: string[] }[];
  proxies?: TwinProxy[];
  parameterGroups?: TwinParameterGroup[];
}
export const emptyRds = (): TwinRds => ({ databases: [], snapshots: [] });

/** Describes that a change or a snapshot is still on its way for. No part of the state: time passes on its own. */
const moving = new WeakMap<TwinDatabase, { groups: number; backup: number }>();
const lookAt = (database: TwinDatabase) => {
  const found = moving.get(database) ?? { groups: 0, backup: 0 };
  moving.set(database, { groups: Math.max(0, found.groups - 1), backup: Math.max(0, found.backup - 1) });
  return found;
};

function databaseOf({ region }: TwinCall, id: unknown, cluster: boolean): TwinDatabase {
  const found = region.rds.databases.find((one) => one.id === id && one.cluster === cluster);
  if (found) return found;
  const name = cluster ? 'DBClusterNotFoundFault' : 'DBInstanceNotFound';
  throw awsError(name, `${String(id)} not found.`, 404);
}

/** The one that is asked for, or all of its kind. */
const asked = (call: TwinCall, name: string, cluster: boolean): readonly TwinDatabase[] =>
  call.input[name] === undefined
    ? call.region.rds.databases.filter((one) => one.cluster === cluster)
    : [databaseOf(call, call.input[name], cluster)];

function described(call: TwinCall, database: TwinDatabase): object {
  const { groups, backup } = lookAt(database);
  return {
    Engine: database.Engine,
    VpcSecurityGroups: database.groups.map((VpcSecurityGroupId) => ({
      VpcSecurityGroupId,
      Status: groups > 0 ? 'adding' : 'active',
    })),
    [database.cluster ? 'Status' : 'DBInstanceStatus']: backup > 0 ? 'backing-up' : 'available',
    [database.cluster ? 'DBClusterArn' : 'DBInstanceArn']: arn(
      call.scope,
      'rds',
      `${database.cluster ? 'cluster' : 'db'}:${database.id}`,
    ),
    TagList: Object.entries(database.Tags).map(([Key, Value]) => ({ Key, Value })),
    MasterUsername: database.MasterUsername ?? 'postgres',
    IAMDatabaseAuthenticationEnabled: database.takesTokens === true,
    ...(database.secret === undefined
      ? {}
      : { MasterUserSecret: { SecretArn: database.secret, SecretStatus: 'active' } }),
    ...(database.restorableUntil === undefined
      ? {}
      : { LatestRestorableTime: new Date(database.restorableUntil) }),
  };
}

const proxiesOf = ({ region }: TwinCall): readonly TwinProxy[] => region.rds.proxies ?? [];

function modify(call: TwinCall, id: unknown, cluster: boolean): object {
  const database = databaseOf(call, id, cluster);
  if ((moving.get(database)?.backup ?? 0) > 0) {
    throw awsError(`InvalidDB${cluster ? 'ClusterStateFault' : 'InstanceState'}`, 'not available');
  }
  // Aurora, Multi-AZ DB clusters: what a member has belongs to its cluster.
  if (!cluster && database.clusterId !== null)
    throw awsError('InvalidParameterCombination', 'Modify the DB cluster that the instance belongs to.');
  if (/^custom-/.test(database.Engine))
    throw awsError('InvalidParameterCombination', 'RDS Custom does not take VPC security groups.');
  if (call.input['RotateMasterUserPassword'] === true) {
    if (database.secret === undefined)
      throw awsError('InvalidParameterCombination', 'The master user password is not managed by RDS.');
    rotate(secretOf(call.region, database.secret), madeUuid(call.nextId('version')));
    return {};
  }
  const { PubliclyAccessible, VpcSecurityGroupIds } = call.input;
  if (typeof PubliclyAccessible === 'boolean') database.PubliclyAccessible = PubliclyAccessible;
  if (VpcSecurityGroupIds === undefined) return {};
  const wanted = VpcSecurityGroupIds as string[];
  const unknown = wanted.find((group) => !call.region.groups.some(({ GroupId }) => GroupId === group));
  if (unknown) throw awsError('InvalidParameterValue', `Invalid security group, groupId= ${unknown}`);
  database.groups = [...wanted];
  moveInterface(call, database.id, wanted);
  moving.set(database, { groups: 2, backup: 0 });
  return {};
}

function snapshot(call: TwinCall, of: unknown, id: unknown, cluster: boolean): object {
  const database = databaseOf(call, of, cluster);
  if (!cluster && database.clusterId !== null)
    throw awsError(
      'InvalidParameterValue',
      'Take a snapshot of the DB cluster that the instance belongs to.',
    );
  // Letters, digits, single hyphens, none at the end; a cluster's are as short as its own id.
  if (!/^[a-z](-?[a-z0-9])*$/i.test(String(id)) || String(id).length > (cluster ? 63 : 255))
    throw awsError('InvalidParameterValue', `Invalid snapshot identifier: ${String(id)}`);
  if (call.region.rds.snapshots.some((one) => one.id === id))
    throw awsError('DBSnapshotAlreadyExists', 'the snapshot exists');
  call.region.rds.snapshots.push({ id: String(id), of: database.id });
  moving.set(database, { groups: moving.get(database)?.groups ?? 0, backup: 2 });
  return {};
}

function snapshots(call: TwinCall, id: unknown, error: string): TwinRds['snapshots'] {
  if (id === undefined) return call.region.rds.snapshots;
  const found = call.region.rds.snapshots.filter((one) => one.id === id);
  if (found.length === 0) throw awsError(error, `${String(id)} not found.`, 404);
  return found;
}

/** Parameters that playbooks read, as every engine has them here: off unless set. */
const PARAMETERS: Readonly<Record<string, string>> = {
  'rds.force_ssl': '0,1',
  require_secure_transport: 'OFF,ON',
};

function parameterGroup(call: TwinCall, cluster: boolean): TwinParameterGroup {
  const name = call.input[cluster ? 'DBClusterParameterGroupName' : 'DBParameterGroupName'];
  const { parameterGroups = [] } = call.region.rds;
  const found = parameterGroups.find((one) => one.name === name && one.cluster === cluster);
  if (found) return found;
  throw awsError('DBParameterGroupNotFound', `DBParameterGroup not found: ${String(name)}`, 404);
}

function parameters(call: TwinCall, cluster: boolean): object {
  const { set } = parameterGroup(call, cluster);
  const [filter] = (call.input['Filters'] ?? []) as { Values: string[] }[];
  const known = Object.entries(PARAMETERS).filter(([name]) => filter?.Values.includes(name) ?? true);
  return {
    Parameters: known.map(([ParameterName, AllowedValues]) => ({
      ...{ ParameterName, AllowedValues, IsModifiable: true, ApplyType: 'dynamic' },
      ParameterValue: set[ParameterName] ?? AllowedValues.split(',')[0],
      Source: Object.hasOwn(set, ParameterName) ? 'user' : 'engine-default',
    })),
  };
}

function setParameters(call: TwinCall, cluster: boolean, reset: boolean): object {
  const group = parameterGroup(call, cluster);
  if (group.name.startsWith('default.'))
    throw awsError('InvalidDBParameterGroupState', 'Default parameter groups cannot be modified.');
  const given = (call.input['Parameters'] ?? []) as { ParameterName: string; ParameterValue?: string }[];
  for (const { ParameterName, ParameterValue = '' } of given) {
    if (reset) delete group.set[ParameterName];
    else if (PARAMETERS[ParameterName]?.split(',').includes(ParameterValue))
      group.set[ParameterName] = ParameterValue;
    else throw awsError('InvalidParameterValue', `Invalid parameter value: ${ParameterValue}`);
  }
  return cluster ? { DBClusterParameterGroupName: group.name } : { DBParameterGroupName: group.name };
}

/** The statements that playbooks run, over the sessions of the cluster. */
function statement(call: TwinCall): object {
  const { resourceArn, secretArn, sql, parameters = [] } = call.input;
  const cluster = call.region.rds.databases.find(
    ({ id, cluster }) => cluster && arn(call.scope, 'rds', `cluster:${id}`) === resourceArn,
  );
  if (cluster?.dataApi !== true)
    throw awsError('BadRequestException', 'HttpEndpoint is not enabled for cluster');
  secretOf(call.region, secretArn);
  const [parameter] = parameters as { name: string; value: { stringValue?: string; longValue?: number } }[];
  const { stringValue: user, longValue: session } = parameter?.value ?? {};
  const { sessions = [] } = cluster;
  const records = (list: typeof sessions) => ({ records: list.map(({ id }) => [{ longValue: id }]) });
  const byUser = sessions.filter((one) => one.user === user);
  const text = String(sql);
  if (/^SELECT (pid|id) FROM /.test(text)) return records(byUser);
  if (/^SELECT pid, pg_terminate_backend\(pid\) FROM /.test(text)) {
    cluster.sessions = sessions.filter((one) => one.user !== user);
    return records(byUser);
  }
  if (/^CALL mysql\.rds_kill\(:id\)$/.test(text)) {
    cluster.sessions = sessions.filter(({ id }) => id !== session);
    return { numberOfRecordsUpdated: 0 };
  }
  throw new Error(`the twin does not run ${text}`);
}

export const rds: Readonly<Record<string, Answers>> = {
  RDSData: { ExecuteStatement: statement },
  RDS: {
    ...rdsSharing,
    ...operatorRds,
    DescribeDBParameters: (call) => parameters(call, false),
    DescribeDBClusterParameters: (call) => parameters(call, true),
    ModifyDBParameterGroup: (call) => setParameters(call, false, false),
    ModifyDBClusterParameterGroup: (call) => setParameters(call, true, false),
    ResetDBParameterGroup: (call) => setParameters(call, false, true),
    ResetDBClusterParameterGroup: (call) => setParameters(call, true, true),
    DescribeDBInstances: (call) => ({
      DBInstances: asked(call, 'DBInstanceIdentifier', false).map((database) => {
        const {
          id,
          VpcId,
          PubliclyAccessible,
          clusterId,
          endpoint,
          parameterGroup,
          replicas = [],
        } = database;
        return {
          ...described(call, database),
          DBInstanceIdentifier: id,
          DBSubnetGroup: { VpcId },
          PubliclyAccessible,
          DbiResourceId: database.resourceId ?? `db-${id.toUpperCase()}`,
          DBParameterGroups: [
            {
              DBParameterGroupName: parameterGroup ?? `default.${database.Engine}`,
              ParameterApplyStatus: 'in-sync',
            },
          ],
          ReadReplicaDBInstanceIdentifiers: replicas,
          ...(endpoint === undefined ? {} : { Endpoint: { Address: endpoint, Port: 5432 } }),
          ...(clusterId === null ? {} : { DBClusterIdentifier: clusterId }),
        };
      }),
    }),
    DescribeDBClusters: (call) => ({
      DBClusters: asked(call, 'DBClusterIdentifier', true).map((database) => {
        const members = call.region.rds.databases.filter(({ clusterId }) => clusterId === database.id);
        return {
          ...described(call, database),
          DBClusterIdentifier: database.id,
          DbClusterResourceId: database.resourceId ?? `cluster-${database.id.toUpperCase()}`,
          DBClusterParameterGroup: database.parameterGroup ?? `default.${database.Engine}`,
          HttpEndpointEnabled: database.dataApi === true,
          ReadReplicaIdentifiers: database.replicas ?? [],
          DBClusterMembers: members.map(({ id }) => ({
            ...{ DBInstanceIdentifier: id, DBClusterParameterGroupStatus: 'in-sync' },
          })),
        };
      }),
    }),
    DescribeDBProxies: (call) => ({
      DBProxies: proxiesOf(call).map(({ name, resourceId, VpcId, groups }) => ({
        ...{ DBProxyName: name, VpcId, VpcSecurityGroupIds: groups },
        DBProxyArn: arn(call.scope, 'rds', `db-proxy:${resourceId}`),
      })),
    }),
    DescribeDBProxyTargets: (call) => {
      const name = call.input['DBProxyName'];
      const proxy = proxiesOf(call).find((one) => one.name === name);
      if (!proxy) throw awsError('DBProxyNotFoundFault', `${String(name)} not found.`, 404);
      return {
        Targets: proxy.targets.map((id) => {
          const found = call.region.rds.databases.find((one) => one.id === id);
          return { RdsResourceId: id, Type: found?.cluster ? 'TRACKED_CLUSTER' : 'RDS_INSTANCE' };
        }),
      };
    },
    ModifyDBInstance: (call) => modify(call, call.input['DBInstanceIdentifier'], false),
    ModifyDBCluster: (call) => modify(call, call.input['DBClusterIdentifier'], true),
    CreateDBSnapshot: (call) =>
      snapshot(call, call.input['DBInstanceIdentifier'], call.input['DBSnapshotIdentifier'], false),
    CreateDBClusterSnapshot: (call) =>
      snapshot(call, call.input['DBClusterIdentifier'], call.input['DBClusterSnapshotIdentifier'], true),
    DescribeDBSnapshots: (call) => ({
      DBSnapshots: snapshots(call, call.input['DBSnapshotIdentifier'], 'DBSnapshotNotFound').map(
        ({ id, of }) => ({ DBSnapshotIdentifier: id, DBInstanceIdentifier: of }),
      ),
    }),
    DescribeDBClusterSnapshots: (call) => ({
      DBClusterSnapshots: snapshots(
        call,
        call.input['DBClusterSnapshotIdentifier'],
        'DBClusterSnapshotNotFoundFault',
      ).map(({ of }) => ({ DBClusterIdentifier: of })),
    }),
  },
};
