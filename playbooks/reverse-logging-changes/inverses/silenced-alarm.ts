import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand } from '../../common/changes/inverse.ts';

/** An alarm without actions notifies no one. */
export const silencedAlarm = defineByHand({
  id: 'silenced-alarm',
  danger: 'blinds',
  calls: { source: 'monitoring.amazonaws.com', names: ['DisableAlarmActions', 'DeleteAlarms'] },
  does: 'enable the actions of the alarms again; deleted ones are made from your template',
  next(call) {
    const given = call.request['alarmNames'];
    const names = (Array.isArray(given) ? given : []).flatMap((name) =>
      typeof name === 'string' ? [name] : [],
    );
    const command = awsCommand('cloudwatch enable-alarm-actions', {
      region: call.region,
      'alarm-names': names,
    });
    if (command === undefined) return undefined;
    if (call.name === 'DeleteAlarms')
      return {
        what: `${names.length} alarms were deleted (${said(call)})`,
        next: 'Make them again from your template.',
      };
    return { what: `${names.length} alarms notify no one (${said(call)})`, next: command };
  },
  example: { eventName: 'DisableAlarmActions', requestParameters: { alarmNames: ['root-login'] } },
});
