/** VPC flow logs. One that writes to the same place as another of its resource is refused, as EC2 does. */
import { awsError } from '../aws-error.ts';
import { filtered } from './filters.ts';
import { ec2Pages, paged } from './pages.ts';
import type { Answers } from './twin.ts';

export interface TwinFlowLog {
  FlowLogId: string;
  ResourceId: string;
  TrafficType: string;
  LogDestinationType: string;
  LogDestination?: string;
  LogGroupName?: string;
  DeliverLogsPermissionArn?: string;
  LogFormat?: string;
  MaxAggregationInterval?: number;
  DeliverCrossAccountRole?: string;
  /** Of logs in S3 alone. */
  DestinationOptions?: {
    FileFormat?: string;
    HiveCompatiblePartitions?: boolean;
    PerHourPartition?: boolean;
  };
  DeliverLogsStatus?: 'SUCCESS' | 'FAILED';
  DeliverLogsErrorMessage?: string;
  Tags: { Key: string; Value: string }[];
}

type Made = Omit<TwinFlowLog, 'FlowLogId' | 'ResourceId' | 'Tags'>;

export const flowLogs: Answers = {
  DescribeFlowLogs: (call) => {
    const found = filtered(
      call.region.flowLogs,
      call.input,
      ({ FlowLogId, ResourceId }) => ({ 'flow-log-id': FlowLogId, 'resource-id': ResourceId }),
      ({ Tags }) => Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value])),
    );
    return paged(call, found, {
      ...ec2Pages,
      list: 'FlowLogs',
      show: (log) => ({ ...log, FlowLogStatus: 'ACTIVE' }),
    });
  },
  CreateFlowLogs: (call) => {
    const { ResourceIds, ResourceType: _type, ClientToken: _token, TagSpecifications, ...rest } = call.input;
    const [tags] = (TagSpecifications ?? []) as { Tags: TwinFlowLog['Tags'] }[];
    const made: Made = {
      LogDestinationType: 'cloud-watch-logs',
      ...(rest as Partial<Made>),
      TrafficType: String(rest['TrafficType']),
    };
    if (made.DestinationOptions && made.LogDestinationType !== 's3')
      throw awsError('InvalidParameter', 'DestinationOptions is supported for the destination type s3 only');
    const ids: string[] = [];
    for (const ResourceId of ResourceIds as string[]) {
      const twice = call.region.flowLogs.some(
        (log) =>
          log.ResourceId === ResourceId &&
          log.LogDestination === made.LogDestination &&
          log.LogGroupName === made.LogGroupName,
      );
      if (twice)
        throw awsError(
          'FlowLogAlreadyExists',
          'Error. There is an existing Flow Log with the same configuration',
        );
      const FlowLogId = call.nextId('fl');
      call.region.flowLogs.push({ FlowLogId, ResourceId, ...made, Tags: tags?.Tags ?? [] });
      ids.push(FlowLogId);
    }
    return { FlowLogIds: ids, Unsuccessful: [] };
  },
  DeleteFlowLogs: ({ region, input }) => {
    const ids = input['FlowLogIds'] as string[];
    region.flowLogs = region.flowLogs.filter(({ FlowLogId }) => !ids.includes(FlowLogId));
    return { Unsuccessful: [] };
  },
};
