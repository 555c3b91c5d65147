/** Log groups as a whole, the filters that count and send their logs, and the alarms that count on them. */
import { awsError } from '../aws-error.ts';
import type { Answers, TwinCall } from './twin.ts';

/** Key and class of a group, and its filters by their names. */
interface TwinGroupFilters {
  kmsKeyId?: string;
  logGroupClass?: string;
  metric: Record<string, object>;
  subscription: Record<string, object>;
}
export type TwinLogFilters = Record<string, TwinGroupFilters>;

const missing = (what: string): Error =>
  awsError('ResourceNotFoundException', `The specified ${what} does not exist.`);

function groupOf({ region, input }: TwinCall): TwinGroupFilters {
  const name = String(input['logGroupName']);
  if (region.logGroups?.[name] === undefined) throw missing('log group');
  region.logFilters ??= {};
  region.logFilters[name] ??= { metric: {}, subscription: {} };
  return region.logFilters[name];
}

/** The three calls about one sort of filter. */
function filters(noun: 'MetricFilter' | 'SubscriptionFilter', most: number): Answers {
  const sort = noun === 'MetricFilter' ? 'metric' : 'subscription';
  const defaults = noun === 'MetricFilter' ? {} : { distribution: 'ByLogStream' };
  const list = `${sort}Filters`;
  return {
    [`Put${noun}`]: (call) => {
      const { logGroupName: _group, filterName, ...given } = call.input;
      const all = groupOf(call)[sort];
      const name = String(filterName);
      if (all[name] === undefined && Object.keys(all).length >= most)
        throw awsError('LimitExceededException', 'Resource limit exceeded.');
      all[name] = { applyOnTransformedLogs: false, ...defaults, ...given };
      return {};
    },
    [`Delete${noun}`]: (call) => {
      const all = groupOf(call)[sort];
      const name = String(call.input['filterName']);
      if (all[name] === undefined) throw missing(sort === 'metric' ? 'metric filter' : 'subscription filter');
      delete all[name];
      return {};
    },
    [`Describe${noun}s`]: (call) => {
      const { logGroupName, filterNamePrefix } = call.input;
      return {
        [list]: Object.entries(groupOf(call)[sort])
          .filter(([name]) => name.startsWith(String(filterNamePrefix ?? '')))
          .map(([filterName, given]) => ({ filterName, logGroupName, creationTime: 0, ...given })),
      };
    },
  };
}

export const logFilters: Answers = {
  ...filters('MetricFilter', 100),
  ...filters('SubscriptionFilter', 2),
  CreateLogGroup: ({ region, input }) => {
    const name = String(input['logGroupName']);
    region.logGroups ??= {};
    if (region.logGroups[name] !== undefined)
      throw awsError('ResourceAlreadyExistsException', 'The specified log group already exists');
    region.logGroups[name] = null;
    const { kmsKeyId, logGroupClass = 'STANDARD' } = input as { kmsKeyId?: string; logGroupClass?: string };
    region.logFilters ??= {};
    region.logFilters[name] = {
      ...{ metric: {}, subscription: {}, logGroupClass },
      ...(kmsKeyId === undefined ? {} : { kmsKeyId }),
    };
    return {};
  },
  DeleteLogGroup: (call) => {
    groupOf(call);
    const { logGroups = {}, logFilters: all = {} } = call.region;
    const name = String(call.input['logGroupName']);
    delete logGroups[name];
    delete all[name];
    return {};
  },
};

const acts =
  (on: boolean) =>
  ({ region, input }: TwinCall): object => {
    // A name that no alarm has is no error.
    for (const name of input['AlarmNames'] as string[])
      if (region.alarms?.[name] !== undefined) region.alarms[name] = on;
    return {};
  };

export const alarms: Answers = {
  DescribeAlarms: ({ region, input }) => ({
    MetricAlarms: (input['AlarmNames'] as string[]).flatMap((AlarmName) =>
      region.alarms?.[AlarmName] === undefined
        ? []
        : [{ AlarmName, ActionsEnabled: region.alarms[AlarmName] }],
    ),
    CompositeAlarms: [],
  }),
  EnableAlarmActions: acts(true),
  DisableAlarmActions: acts(false),
};
