import { z } from 'zod';
import { arn } from '../../../core/aws/arn.ts';
import { defineInverse, valueIn } from '../../common/changes/inverse.ts';

const ALARMS = 'arn:${Partition}:cloudwatch:${Region}:${Account}:alarm:*';

/** An alarm notifies again; it went on to be evaluated. Its calls name alarms as alarmNames [M-LAB]. */
export const alarmActions = defineInverse({
  id: 'alarm-actions',
  danger: 'blinds',
  calls: {
    source: 'monitoring.amazonaws.com',
    names: ['DisableAlarmActions'],
    alsoTold: ['EnableAlarmActions'],
  },
  does: 'an alarm whose actions were disabled notifies again',
  // A name may hold any character; what a record could not be trusted to say is left to people.
  resource: z.strictObject({ alarm: z.string().regex(/^[\w./#@:()+= -]{1,255}$/) }),
  value: z.boolean().nullable(),
  effects({ name, request }) {
    const given = valueIn(request, 'alarmNames');
    return (Array.isArray(given) ? given : []).map((alarm) => ({
      ...{ resource: { alarm }, left: name === 'EnableAlarmActions', guess: true },
    }));
  },
  listedAs: ({ alarm }) => alarm,
  recorded: {
    of: ({ alarm }) => ({ type: 'AWS::CloudWatch::Alarm', name: alarm }),
    value: ({ configuration }) => valueIn(configuration, 'actionsEnabled'),
  },
  names: ({ scope }, { alarm }) => [arn(scope, 'cloudwatch', `alarm:${alarm}`), alarm],
  says: ({ alarm }) => `Let alarm ${alarm} notify again`,
  async read(aws, { alarm }) {
    const { client, api } = await aws.cloudWatch();
    const asked = { AlarmNames: [alarm], AlarmTypes: [...KINDS] };
    const { MetricAlarms = [], CompositeAlarms = [] } = await client.send(
      new api.DescribeAlarmsCommand(asked),
    );
    return [...MetricAlarms, ...CompositeAlarms][0]?.ActionsEnabled ?? null;
  },
  async put(aws, { alarm }, to) {
    const { client, api } = await aws.cloudWatch();
    const named = { AlarmNames: [alarm] };
    await (to === true
      ? client.send(new api.EnableAlarmActionsCommand(named))
      : client.send(new api.DisableAlarmActionsCommand(named)));
  },
  never: ({ alarm }, wanted, { by }) =>
    by === 'reversal' && wanted !== true ? `alarm ${alarm} notified no one before` : undefined,
  remains: ({ alarm }) => [
    `what alarm ${alarm} went through meanwhile notified no one; its actions are taken again at its next change of state`,
  ],
  permissions: {
    read: [{ actions: ['cloudwatch:DescribeAlarms'], resources: [ALARMS], why: 'whether an alarm notifies' }],
    write: [
      {
        actions: ['cloudwatch:EnableAlarmActions'],
        resources: [ALARMS],
        why: 'alarms notify again',
        worst: 'lets alarms act that their owner silenced',
      },
    ],
    undo: [
      {
        actions: ['cloudwatch:DisableAlarmActions'],
        resources: [ALARMS],
        why: 'silences an alarm again, which two people must want',
        worst: 'silences every alarm of the account',
      },
    ],
  },
  words: {
    setting: 'Actions of an alarm',
    why: 'it notifies no one without them',
    values: { true: 'notifies', false: 'notifies no one' },
  },
  example: { eventName: 'DisableAlarmActions', requestParameters: { alarmNames: ['root-login'] } },
});

const KINDS = ['CompositeAlarm', 'MetricAlarm'] as const;
