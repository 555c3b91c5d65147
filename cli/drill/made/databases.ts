/** RDS: databases, their snapshots and subnet groups. */

import {
  DeleteDBInstanceCommand,
  DeleteDBSnapshotCommand,
  DeleteDBSubnetGroupCommand,
  DescribeDBSubnetGroupsCommand,
  ListTagsForResourceCommand as ListDatabaseTagsCommand,
} from '@aws-sdk/client-rds';
import { DRILL_PREFIX as PREFIX } from '../../../core/incident/drill.ts';
import { drillIn, each, found, type Kind, ofName, unlessGone } from './kind.ts';

/** That restrict-database made as evidence. */
export const databaseSnapshot: Kind = {
  async find(aws) {
    const { client, api } = await aws.rds();
    const { DBSnapshots = [] } = await client.send(
      new api.DescribeDBSnapshotsCommand({ SnapshotType: 'manual' }),
    );
    return DBSnapshots.flatMap(({ DBSnapshotIdentifier, DBInstanceIdentifier = '' }) =>
      ofName(DBInstanceIdentifier).flatMap(({ drill }) => found(DBSnapshotIdentifier, drill)),
    );
  },
  async remove(aws, id) {
    const { client } = await aws.rds();
    await unlessGone(() => client.send(new DeleteDBSnapshotCommand({ DBSnapshotIdentifier: id })));
  },
};

export const database: Kind = {
  async find(aws) {
    const { client, api } = await aws.rds();
    const { DBInstances = [] } = await client.send(new api.DescribeDBInstancesCommand({}));
    return DBInstances.flatMap(({ DBInstanceIdentifier = '', DBInstanceStatus, TagList }) =>
      DBInstanceStatus === 'deleting' || !DBInstanceIdentifier.startsWith(PREFIX)
        ? []
        : found(DBInstanceIdentifier, drillIn(TagList)),
    );
  },
  async remove(aws, id) {
    const { client } = await aws.rds();
    await unlessGone(() =>
      client.send(
        new DeleteDBInstanceCommand({
          ...{ DBInstanceIdentifier: id, SkipFinalSnapshot: true, DeleteAutomatedBackups: true },
        }),
      ),
    );
  },
};

export const subnetGroup: Kind = {
  async find(aws) {
    const { client } = await aws.rds();
    const { DBSubnetGroups } = await client.send(new DescribeDBSubnetGroupsCommand({}));
    return each(
      DBSubnetGroups?.filter(({ DBSubnetGroupName }) => DBSubnetGroupName?.startsWith(PREFIX)),
      async ({ DBSubnetGroupName, DBSubnetGroupArn }) => {
        const { TagList } = await client.send(
          new ListDatabaseTagsCommand({ ResourceName: DBSubnetGroupArn }),
        );
        return found(DBSubnetGroupName, drillIn(TagList));
      },
    );
  },
  async remove(aws, id) {
    const { client } = await aws.rds();
    await unlessGone(() => client.send(new DeleteDBSubnetGroupCommand({ DBSubnetGroupName: id })));
  },
};
