import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';

/** CloudWatch keeps what an alarm was in its history, also when it is deleted. Who writes an alarm chooses whom it acts on. */
export const silencedAlarm = defineByHand({
  id: 'silenced-alarm',
  danger: 'blinds',
  calls: {
    source: 'monitoring.amazonaws.com',
    names: ['DeleteAlarms', 'PutCompositeAlarm', 'PutMetricAlarm', 'SetAlarmState'],
  },
  does: 'read what the alarm was from its history, which CloudWatch keeps for 30 days also of a deleted one, and put it again',
  next(call) {
    const given = call.request['alarmNames'] ?? [textIn(call.request, 'alarmName') ?? null];
    const names = (Array.isArray(given) ? given : []).flatMap((name) =>
      typeof name === 'string' && name !== '' ? [name] : [],
    );
    const commands = names.flatMap(
      (name) =>
        awsCommand('cloudwatch describe-alarm-history', {
          ...{ region: call.region, 'alarm-name': name },
          'history-item-type': call.name === 'SetAlarmState' ? 'StateUpdate' : 'ConfigurationUpdate',
        }) ?? [],
    );
    if (commands.length === 0) return undefined;
    const did = call.name === 'DeleteAlarms' ? 'deleted' : 'changed';
    return {
      what: `${commands.length === 1 ? 'an alarm was' : `${commands.length} alarms were`} ${did} (${said(call)})`,
      next: `see what it was, and put it again: ${commands.slice(0, 5).join('; ')}`,
    };
  },
  example: { eventName: 'DeleteAlarms', requestParameters: { alarmNames: ['root-login'] } },
});
