import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';
import { SCHEDULER, schedule, scheduleIn, scheduleText } from '../schedules.ts';

/** A record may hide what a schedule is given, so that it is not written again from one; nor is one enabled that no one looked at. */
export const changedSchedule = defineByHand({
  id: 'changed-schedule',
  danger: 'persists',
  calls: { source: SCHEDULER, names: ['DeleteSchedule', 'UpdateSchedule'] },
  does: 'a schedule that was deleted or disabled is made again, or enabled, once it was looked at',
  next(call) {
    const { name: event, region, request } = call;
    const of = schedule.safeParse(scheduleIn(request)).data;
    if (!of) return undefined;
    if (event === 'DeleteSchedule') {
      const attribute = `AttributeKey=ResourceName,AttributeValue=${of.schedule}`;
      return {
        what: `${scheduleText(of)} was deleted (${said(call)}): make it again from your template, or from the call that made it`,
        next: `${awsCommand('cloudtrail lookup-events', { region, 'lookup-attributes': attribute })}`,
      };
    }
    if (textIn(request, 'state') !== 'DISABLED') return undefined;
    const options = { region, name: of.schedule, 'group-name': of.group };
    return {
      what: `${scheduleText(of)} was rewritten and disabled (${said(call)}): look at it before you enable it`,
      next: `${awsCommand('scheduler get-schedule', options)}`,
    };
  },
  example: { eventName: 'DeleteSchedule', requestParameters: { name: 'nightly', groupName: 'default' } },
});
