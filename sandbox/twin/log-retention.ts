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
    // A world without channels at all does not say whether it has one.
    const { channels } = call.region;
    if (recording && channels && Object.keys(channels).length === 0)
      throw awsError('NoAvailableDeliveryChannelException', 'Delivery channel is not available to start.');
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

function channelOf({ region }: TwinCall, asked: unknown) {
  const name = String([asked].flat()[0]);
  const { channels = {} } = region;
  if (channels[name] === undefined)
    throw awsError(
      'NoSuchDeliveryChannelException',
      `Cannot find delivery channel with specified name '${name}'.`,
    );
  return { channels, name };
}

/** AWS Config shows the strategy that a group stands for. */
function shownGroup(given: object = { allSupported: true }): object {
  const {
    allSupported = false,
    recordingStrategy,
    ...rest
  } = given as {
    allSupported?: boolean;
    recordingStrategy?: object;
  };
  const useOnly = allSupported ? 'ALL_SUPPORTED_RESOURCE_TYPES' : 'INCLUSION_BY_RESOURCE_TYPES';
  return {
    ...{ includeGlobalResourceTypes: false, resourceTypes: [], allSupported, ...rest },
    recordingStrategy: recordingStrategy ?? { useOnly },
  };
}

export const configRecorders: Answers = {
  DescribeConfigurationRecorderStatus: (call) => {
    const { recorders, name } = recorderOf(call);
    return { ConfigurationRecordersStatus: [{ name, recording: recorders[name] }] };
  },
  DescribeConfigurationRecorders: (call) => {
    const { name } = recorderOf(call);
    return { ConfigurationRecorders: [{ name, ...call.region.recorderSettings?.[name] }] };
  },
  PutConfigurationRecorder: ({ region, input }) => {
    const { name, ...given } = input['ConfigurationRecorder'] as { name: string; recordingGroup?: object };
    region.recorders ??= {};
    if (region.recorders[name] === undefined && Object.keys(region.recorders).length > 0)
      throw awsError(
        'MaxNumberOfConfigurationRecordersExceededException',
        'Failed to put configuration recorder because the maximum number of 1 is reached.',
      );
    region.recorders[name] ??= false;
    region.recorderSettings ??= {};
    region.recorderSettings[name] = {
      ...{ recordingMode: { recordingFrequency: 'CONTINUOUS' }, ...given },
      recordingGroup: shownGroup(given.recordingGroup),
    };
    return {};
  },
  DeleteConfigurationRecorder: (call) => {
    const { recorders, name } = recorderOf(call);
    delete recorders[name];
    delete call.region.recorderSettings?.[name];
    return {};
  },
  DescribeDeliveryChannels: (call) => {
    const { channels, name } = channelOf(call, call.input['DeliveryChannelNames']);
    return { DeliveryChannels: [channels[name]] };
  },
  PutDeliveryChannel: ({ region, input }) => {
    const channel = input['DeliveryChannel'] as { name: string };
    region.channels ??= {};
    if (Object.keys(region.recorders ?? {}).length === 0)
      throw awsError('NoAvailableConfigurationRecorderException', 'Configuration recorder is not available.');
    if (region.channels[channel.name] === undefined && Object.keys(region.channels).length > 0)
      throw awsError(
        'MaxNumberOfDeliveryChannelsExceededException',
        'Failed to put delivery channel because the maximum number of 1 is reached.',
      );
    region.channels[channel.name] = channel;
    return {};
  },
  DeleteDeliveryChannel: (call) => {
    const { channels, name } = channelOf(call, call.input['DeliveryChannelName']);
    if (Object.values(call.region.recorders ?? {}).includes(true))
      throw awsError(
        'LastDeliveryChannelDeleteFailedException',
        `Failed to delete last specified delivery channel with name '${name}', because there is a running configuration recorder.`,
      );
    delete channels[name];
    return {};
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
