/** What is recorded and for how long: recorders of AWS Config, and the retention of log groups. */
import { awsError } from '../aws-error.ts';
import type { Answers, TwinCall } from './twin.ts';

/** Whether each recorder records, by its name. */
export type TwinRecorders = Record<string, boolean>;
/** Days by the name of the log group; null: kept forever. */
export type TwinLogGroups = Record<string, number | null>;

function recorderOf({ region, input }: TwinCall): {
  readonly recorders: TwinRecorders;
  readonly name: string;
} {
  const [first] = [input['ConfigurationRecorderNames'] ?? input['ConfigurationRecorderName']].flat();
  const { recorders = {} } = region;
  if (recorders[String(first)] === undefined)
    throw awsError(
      'NoSuchConfigurationRecorderException',
      `Cannot find configuration recorder ${String(first)}.`,
    );
  return { recorders, name: String(first) };
}

/** Key and class, without the filters. */
const classOf = ({
  kmsKeyId,
  logGroupClass = 'STANDARD',
}: {
  kmsKeyId?: string;
  logGroupClass?: string;
} = {}) => ({
  ...{ logGroupClass, ...(kmsKeyId === undefined ? {} : { kmsKeyId }) },
});

const records =
  (recording: boolean) =>
  (call: TwinCall): object => {
    const { recorders, name } = recorderOf(call);
    recorders[name] = recording;
    return {};
  };

function keeps(call: TwinCall, days: number | null): object {
  const { logGroups = {} } = call.region;
  const name = String(call.input['logGroupName']);
  if (logGroups[name] === undefined)
    throw awsError('ResourceNotFoundException', 'The specified log group does not exist.');
  logGroups[name] = days;
  return {};
}

export const configRecorders: Answers = {
  DescribeConfigurationRecorderStatus: (call) => {
    const { recorders, name } = recorderOf(call);
    return { ConfigurationRecordersStatus: [{ name, recording: recorders[name] }] };
  },
  StartConfigurationRecorder: records(true),
  StopConfigurationRecorder: records(false),
};

export const logRetention: Answers = {
  DescribeLogGroups: ({ region, input }) => ({
    logGroups: Object.entries(region.logGroups ?? {})
      .filter(([name]) => name.startsWith(String(input['logGroupNamePrefix'])))
      .map(([logGroupName, days]) => ({
        ...{ logGroupName, ...(days === null ? {} : { retentionInDays: days }) },
        ...classOf(region.logFilters?.[logGroupName]),
      })),
  }),
  PutRetentionPolicy: (call) => keeps(call, Number(call.input['retentionInDays'])),
  DeleteRetentionPolicy: (call) => keeps(call, null),
};
