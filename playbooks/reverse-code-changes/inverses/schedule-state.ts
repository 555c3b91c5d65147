import { z } from 'zod';
import { arn } from '../../../core/aws/arn.ts';
import type { Aws } from '../../../core/aws/client.ts';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import { unlessGone } from '../../common/unless-gone.ts';
import { SCHEDULER, SCHEDULES, type Schedule, schedule, scheduleIn, scheduleText } from '../schedules.ts';

const ENABLED = 'ENABLED';
const DISABLED = 'DISABLED';

/** A schedule that was made or rewritten starts nothing any longer. UpdateSchedule replaces all of it, so all of it is read first. */
export const scheduleState = defineInverse({
  id: 'schedule-state',
  danger: 'persists',
  calls: { source: SCHEDULER, names: ['CreateSchedule', 'UpdateSchedule'] },
  does: 'a schedule that was made or rewritten is disabled; what it starts stays as it is',
  resource: schedule,
  value: z.enum([ENABLED, DISABLED]).nullable(),
  effects({ request }) {
    const left = textIn(request, 'state') ?? ENABLED;
    // What was written runs as the attacker wrote it, so that it is not enabled again however it was before.
    return left === DISABLED ? [] : [{ resource: scheduleIn(request), left, before: DISABLED }];
  },
  coarse: true,
  listedAs: (of) => of.schedule,
  names: ({ scope }, of) => [arn(scope, 'scheduler', `schedule/${of.group}/${of.schedule}`), of.schedule],
  says: (of, wanted) => `${wanted === DISABLED ? 'Disable' : 'Enable'} ${scheduleText(of)}`,
  async read(aws, of) {
    const live = await unlessGone(liveSchedule(aws, of));
    return live ? (live.State ?? ENABLED) : null;
  },
  async put(aws, of, to) {
    if (to === null) throw new Error('a schedule is never deleted');
    const { client, api } = await aws.scheduler();
    const { Target, ScheduleExpression, FlexibleTimeWindow, StartDate, ...live } = await liveSchedule(
      aws,
      of,
    );
    const { ScheduleExpressionTimezone, EndDate, Description, KmsKeyArn, ActionAfterCompletion } = live;
    await client.send(
      new api.UpdateScheduleCommand({
        ...{ GroupName: of.group, Name: of.schedule, State: to },
        ...{ Target, ScheduleExpression, FlexibleTimeWindow, ScheduleExpressionTimezone, EndDate },
        ...{ Description, KmsKeyArn, ActionAfterCompletion },
        // Scheduler takes no start that has passed [M-LAB], and such a one keeps nothing from running.
        ...(StartDate && StartDate > new Date() ? { StartDate } : {}),
      }),
    );
  },
  remains: (of) => [
    `${scheduleText(of)} is there, disabled: delete it, or write it again from your template if it was yours`,
  ],
  permissions: {
    read: [{ actions: ['scheduler:GetSchedule'], resources: [SCHEDULES], why: 'whether a schedule runs' }],
    write: [
      {
        actions: ['scheduler:UpdateSchedule'],
        resources: [SCHEDULES],
        why: 'a schedule that the principal made or rewrote is disabled',
        worst: 'lets any schedule call what a role that trusts EventBridge Scheduler may call, or nothing',
      },
      {
        actions: ['iam:PassRole'],
        resources: ['arn:${Partition}:iam::${Account}:role/*'],
        condition: { StringEquals: { 'iam:PassedToService': SCHEDULER } },
        why: 'UpdateSchedule takes the whole schedule, its role included, to disable it',
        worst: 'gives any schedule a role that trusts EventBridge Scheduler',
      },
    ],
  },
  words: { setting: 'Schedule', why: 'it calls what the principal chose, at the times that it chose' },
  example: {
    eventName: 'CreateSchedule',
    requestParameters: { name: 'refresh', groupName: 'default', scheduleExpression: 'rate(5 minutes)' },
  },
});

async function liveSchedule(aws: Aws, { group, schedule: name }: Schedule) {
  const { client, api } = await aws.scheduler();
  return client.send(new api.GetScheduleCommand({ GroupName: group, Name: name }));
}
