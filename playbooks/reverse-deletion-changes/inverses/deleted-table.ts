import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';

/** With point-in-time recovery DynamoDB keeps a backup of a deleted table for 35 days. */
export const deletedTable = defineByHand({
  id: 'deleted-table',
  danger: 'destroys',
  calls: { source: 'dynamodb.amazonaws.com', names: ['DeleteTable'] },
  does: 'restore the backup that DynamoDB makes of a deleted table that had point-in-time recovery; without it the table is gone',
  next(call) {
    const table = textIn(call.request, 'tableName') ?? '';
    // A name, or an ARN that ends with it.
    const [, name] = /(?:^|:table\/)([\w.-]{3,255})$/.exec(table) ?? [];
    const command = awsCommand('dynamodb list-backups', {
      ...{ region: call.region, 'table-name': name, 'backup-type': 'SYSTEM' },
    });
    return command === undefined
      ? undefined
      : { what: `table ${name} was deleted (${said(call)})`, next: command };
  },
  example: { eventName: 'DeleteTable', requestParameters: { tableName: 'orders' } },
});
