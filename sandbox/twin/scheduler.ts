/** Schedules of EventBridge Scheduler. */
import { arn } from '../../core/aws/arn.ts';
import type { JsonObject } from '../../core/json.ts';
import { toJson } from '../../core/json.ts';
import { awsError } from '../aws-error.ts';
import type { Answers, TwinCall } from './twin.ts';

/** By `GROUP/NAME`: what was given, dates as text. */
export type TwinSchedules = Record<string, JsonObject>;

const keyOf = ({ input }: TwinCall): string => `${String(input['GroupName'] ?? 'default')}/${input['Name']}`;

function scheduleOf(call: TwinCall): JsonObject {
  const found = call.region.schedules?.[keyOf(call)];
  if (found) return found;
  throw awsError('ResourceNotFoundException', `Schedule ${String(call.input['Name'])} does not exist.`, 404);
}

const scheduleArn = (call: TwinCall): string => arn(call.scope, 'scheduler', `schedule/${keyOf(call)}`);

/** More than five minutes, says what the service answers. */
const LATE_MS = 5 * 60_000;

function written(call: TwinCall): object {
  const { region, input } = call;
  const { StartDate, Target } = input;
  if (StartDate instanceof Date && StartDate.getTime() < Date.now() - LATE_MS)
    throw awsError(
      'ValidationException',
      'The StartDate you specify cannot be earlier than 5 minutes ago.',
      400,
    );
  if (Target === undefined) throw awsError('ValidationException', 'Target is required.', 400);
  const { ClientToken: _token, Name: _name, GroupName: _group, ...given } = input;
  region.schedules ??= {};
  // What is left out is not kept.
  region.schedules[keyOf(call)] = {
    ...{ State: 'ENABLED', ActionAfterCompletion: 'NONE', ScheduleExpressionTimezone: 'UTC' },
    ...(toJson(given) as JsonObject),
  };
  return { ScheduleArn: scheduleArn(call) };
}

const dates = ({ StartDate, EndDate }: JsonObject): object => ({
  ...(typeof StartDate === 'string' ? { StartDate: new Date(StartDate) } : {}),
  ...(typeof EndDate === 'string' ? { EndDate: new Date(EndDate) } : {}),
});

export const scheduler: Readonly<Record<string, Answers>> = {
  Scheduler: {
    GetSchedule: (call) => {
      const schedule = scheduleOf(call);
      return {
        ...{ Arn: scheduleArn(call), Name: String(call.input['Name']) },
        GroupName: String(call.input['GroupName'] ?? 'default'),
        ...schedule,
        ...dates(schedule),
      };
    },
    CreateSchedule: (call) => {
      if (call.region.schedules?.[keyOf(call)])
        throw awsError(
          'ConflictException',
          `Schedule ${String(call.input['Name'])} already exists. Please choose a different name.`,
          409,
        );
      return written(call);
    },
    UpdateSchedule: (call) => {
      scheduleOf(call);
      return written(call);
    },
  },
};
