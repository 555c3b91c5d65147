import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';

const NAME = /^[\w.-]{1,64}$/;

/** UpdateSchedule takes the whole schedule with its role, which Firebreak does not pass. */
export const changedSchedule = defineByHand({
  id: 'changed-schedule',
  danger: 'persists',
  calls: { source: 'scheduler.amazonaws.com', names: ['CreateSchedule', 'UpdateSchedule'] },
  does: 'look at the schedule, and update it with State DISABLED',
  next(call) {
    const name = textIn(call.request, 'name') ?? '';
    const group = textIn(call.request, 'groupName') ?? 'default';
    if (!NAME.test(name) || !NAME.test(group)) return undefined;
    return {
      what: `schedule ${name} of group ${group} was made or changed (${said(call)}): disable it`,
      next: `${awsCommand('scheduler get-schedule', { region: call.region, name, 'group-name': group })}`,
    };
  },
  example: { eventName: 'CreateSchedule', requestParameters: { name: 'refresh', groupName: 'default' } },
});
