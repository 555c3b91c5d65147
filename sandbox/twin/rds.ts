/** RDS instances and Aurora clusters, as far as playbooks change them. */
import { arn } from '../../core/aws/arn.ts';
import { awsError } from '../aws-error.ts';
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
}
/** This service's part of a Region. */
export interface TwinRds {
  databases: TwinDatabase[];
  snapshots: { id: string; of: string; sharedWith?: string[] }[];
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
  };
}

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
  const wanted = call.input['VpcSecurityGroupIds'] as string[];
  const unknown = wanted.find((group) => !call.region.groups.some(({ GroupId }) => GroupId === group));
  if (unknown) throw awsError('InvalidParameterValue', `Invalid security group, groupId= ${unknown}`);
  database.groups = [...wanted];
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
  const found = call.region.rds.snapshots.filter((one) => one.id === id);
  if (found.length === 0) throw awsError(error, `${String(id)} not found.`, 404);
  return found;
}

export const rds: Readonly<Record<string, Answers>> = {
  RDS: {
    ...rdsSharing,
    DescribeDBInstances: (call) => {
      const database = databaseOf(call, call.input['DBInstanceIdentifier'], false);
      const { id, VpcId, PubliclyAccessible, clusterId } = database;
      return {
        DBInstances: [
          {
            ...described(call, database),
            DBInstanceIdentifier: id,
            DBSubnetGroup: { VpcId },
            PubliclyAccessible,
            ...(clusterId === null ? {} : { DBClusterIdentifier: clusterId }),
          },
        ],
      };
    },
    DescribeDBClusters: (call) => {
      const database = databaseOf(call, call.input['DBClusterIdentifier'], true);
      const members = call.region.rds.databases.filter(({ clusterId }) => clusterId === database.id);
      return {
        DBClusters: [
          {
            ...described(call, database),
            DBClusterIdentifier: database.id,
            DBClusterMembers: members.map(({ id }) => ({ DBInstanceIdentifier: id })),
          },
        ],
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
        ({ of }) => ({ DBInstanceIdentifier: of }),
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
