import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';
import { groupName, LOGS } from '../../common/logging/log-group.ts';

/** Logs that were deleted are gone; CloudWatch Logs keeps no copy. */
export const deletedLogs = defineByHand({
  id: 'deleted-logs',
  danger: 'blinds',
  calls: { source: LOGS, names: ['DeleteLogGroup', 'DeleteLogStream'] },
  does: 'deleted logs are gone: look for an export, or where a subscription sent them',
  next(call) {
    const group = groupName.safeParse(textIn(call.request, 'logGroupName')).data;
    if (group === undefined) return undefined;
    const exports = awsCommand('logs describe-export-tasks', {
      region: call.region,
      'status-code': 'COMPLETED',
    });
    return {
      what: `logs of group ${group} were deleted (${said(call)}) and are gone`,
      next: `look for an export in S3, and for a copy where its subscription sent it: ${exports}`,
    };
  },
  example: { eventName: 'DeleteLogGroup', requestParameters: { logGroupName: '/aws/cloudtrail' } },
});
