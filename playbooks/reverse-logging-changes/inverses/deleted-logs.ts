import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';

/** Logs that were deleted are gone; CloudWatch Logs keeps no copy. */
export const deletedLogs = defineByHand({
  id: 'deleted-logs',
  danger: 'blinds',
  calls: {
    source: 'logs.amazonaws.com',
    names: ['DeleteLogGroup', 'DeleteLogStream', 'DeleteSubscriptionFilter'],
  },
  does: 'deleted logs are gone: look for an export or a subscription, and make the group or filter again from your template',
  next(call) {
    const group = textIn(call.request, 'logGroupName') ?? '';
    if (!/^[\w./#-]{1,512}$/.test(group)) return undefined;
    if (call.name === 'DeleteSubscriptionFilter')
      return {
        what: `a subscription of log group ${group} was deleted (${said(call)}): what reads its logs gets none`,
        next: `${awsCommand('logs describe-subscription-filters', { region: call.region, 'log-group-name': group })}`,
      };
    return {
      what: `logs of group ${group} were deleted (${said(call)}) and are gone`,
      next: 'Look for an export in S3 or another account, and make the log group again from your template.',
    };
  },
  example: { eventName: 'DeleteLogGroup', requestParameters: { logGroupName: '/aws/cloudtrail' } },
});
