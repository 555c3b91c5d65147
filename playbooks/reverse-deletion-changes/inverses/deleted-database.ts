import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';

/** The call, the member of its record, and what lists the backups. */
const WAYS = [
  ['DeleteDBInstance', 'dBInstanceIdentifier', 'describe-db-instance-automated-backups'],
  ['DeleteDBCluster', 'dBClusterIdentifier', 'describe-db-cluster-automated-backups'],
  ['DeleteDBSnapshot', 'dBSnapshotIdentifier', ''],
  ['DeleteDBClusterSnapshot', 'dBClusterSnapshotIdentifier', ''],
] as const;

/** A final snapshot, retained backups or a copy in AWS Backup are what is left of a database. */
export const deletedDatabase = defineByHand({
  id: 'deleted-database',
  danger: 'destroys',
  calls: {
    source: 'rds.amazonaws.com',
    names: ['DeleteDBInstance', 'DeleteDBCluster', 'DeleteDBSnapshot', 'DeleteDBClusterSnapshot'],
  },
  does: 'restore from a final snapshot, from retained automated backups or from AWS Backup; without one it is gone',
  next(call) {
    const { name, region, request } = call;
    const [, member = '', command = ''] = WAYS.find(([one]) => one === name) ?? [];
    const id = textIn(request, member) ?? '';
    if (!/^[a-zA-Z][a-zA-Z0-9-]{0,254}$/.test(id)) return undefined;
    const what = `database or snapshot ${id} was deleted (${said(call)})`;
    if (command === '')
      return { what, next: 'A deleted snapshot is gone: look for a copy in AWS Backup or another account.' };
    const option = command.endsWith('cluster-automated-backups')
      ? 'db-cluster-identifier'
      : 'db-instance-identifier';
    return { what, next: `${awsCommand(`rds ${command}`, { region, [option]: id })}` };
  },
  example: {
    eventName: 'DeleteDBInstance',
    requestParameters: { dBInstanceIdentifier: 'orders', skipFinalSnapshot: true },
  },
});
