/** VPC flow logs: what CloudTrail records of making and deleting one, and making another like it. */
import type { FlowLog } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import type { Aws } from '../../../core/aws/client.ts';
import { allPages } from '../../../core/aws/pages.ts';
import { FirebreakError } from '../../../core/errors.ts';
import type { Change } from '../../../core/journal/playbook.ts';
import { isJsonObject, type Json, type JsonObject, own } from '../../../core/json.ts';
import type { PastCall } from './history.ts';

const RESOURCE_TYPES: Readonly<Record<string, 'VPC' | 'Subnet' | 'NetworkInterface'>> = {
  vpc: 'VPC',
  subnet: 'Subnet',
  eni: 'NetworkInterface',
};

/** What makes a flow log the one that was there: where it listens and where it writes. */
export const flowLogSpec = z.object({
  resourceId: z.string().regex(/^(vpc|subnet|eni)-[0-9a-f]{8,17}$/),
  trafficType: z.enum(['ACCEPT', 'REJECT', 'ALL']),
  destinationType: z.enum(['cloud-watch-logs', 's3', 'kinesis-data-firehose']),
  /** ARN of a bucket or stream; null for a log group. */
  destination: z.string().nullable(),
  logGroup: z.string().nullable(),
  roleArn: z.string().nullable(),
  format: z.string().nullable(),
  interval: z.number().nullable(),
  // Absent in what earlier releases planned.
  crossAccountRole: z.exactOptional(z.string().nullable()),
  /** File format and folders of a log in S3. */
  destinationOptions: z.exactOptional(
    z
      .object({
        FileFormat: z.exactOptional(z.enum(['plain-text', 'parquet'])),
        HiveCompatiblePartitions: z.exactOptional(z.boolean()),
        PerHourPartition: z.exactOptional(z.boolean()),
      })
      .nullable(),
  ),
});
export type FlowLogSpec = z.infer<typeof flowLogSpec>;

/** EC2's query calls stand in CloudTrail as XML turned into JSON: one item is no list, text can sit in `content`. */
function texts(value: Json | undefined): readonly string[] {
  if (value === undefined || value === null) return [];
  if (Array.isArray(value)) return value.flatMap((item) => texts(item as Json));
  if (isJsonObject(value)) return texts(value['content'] ?? value['item']);
  return [String(value)];
}

const member = (request: JsonObject, name: string, key: string): Json | undefined => {
  const inner = own(request, name);
  return isJsonObject(inner) ? inner[key] : undefined;
};

/** The options of the call; null where it has none. */
function optionsOf(request: JsonObject): JsonObject | null {
  const given = member(request, 'CreateFlowLogsRequest', 'DestinationOptions');
  if (!isJsonObject(given)) return null;
  const text = (key: string): string | undefined => texts(given[key])[0];
  const [FileFormat, hive, hourly] = [
    text('FileFormat'),
    text('HiveCompatiblePartitions'),
    text('PerHourPartition'),
  ];
  return {
    ...(FileFormat === undefined ? {} : { FileFormat }),
    ...(hive === undefined ? {} : { HiveCompatiblePartitions: hive === 'true' }),
    ...(hourly === undefined ? {} : { PerHourPartition: hourly === 'true' }),
  };
}

/** Returns the ids of the flow logs that a call deleted. */
export const flowLogsDeletedBy = ({ request }: Pick<PastCall, 'request'>): readonly string[] =>
  texts(member(request, 'DeleteFlowLogsRequest', 'FlowLogId')).filter((id) => /^fl-[0-9a-f]{8,17}$/.test(id));

/** What the call made, by the id of the flow log. The order of resources and of ids is the same [M-LAB]. */
export function flowLogsMadeBy({
  request,
  response,
}: Pick<PastCall, 'request' | 'response'>): ReadonlyMap<string, FlowLogSpec> {
  const text = (key: string): string | null =>
    texts(member(request, 'CreateFlowLogsRequest', key))[0] ?? null;
  const resources = texts(member(request, 'CreateFlowLogsRequest', 'ResourceId'));
  const ids = texts(member(response, 'CreateFlowLogsResponse', 'flowLogIdSet'));
  if (ids.length !== resources.length) return new Map();
  return new Map(
    ids.flatMap((id, index) => {
      const interval = Number(text('MaxAggregationInterval') ?? Number.NaN);
      const spec = flowLogSpec.safeParse({
        resourceId: resources[index],
        trafficType: text('TrafficType') ?? 'ALL',
        destinationType: text('LogDestinationType') ?? 'cloud-watch-logs',
        destination: text('LogDestination'),
        logGroup: text('LogGroupName'),
        roleArn: text('DeliverLogsPermissionArn'),
        format: text('LogFormat'),
        interval: Number.isNaN(interval) ? null : interval,
        crossAccountRole: text('DeliverCrossAccountRole'),
        destinationOptions: optionsOf(request),
      });
      return spec.success ? [[id, spec.data] as const] : [];
    }),
  );
}

/** Returns the flow logs that a filter of EC2 finds. */
export async function flowLogsWith(aws: Aws, Name: string, value: string): Promise<readonly FlowLog[]> {
  const { client, api } = await aws.ec2();
  return allPages(async (NextToken) => {
    const page = await client.send(
      new api.DescribeFlowLogsCommand({ Filter: [{ Name, Values: [value] }], NextToken }),
    );
    return { items: page.FlowLogs, next: page.NextToken };
  });
}

/** Makes a flow log with these tags. Returns its id. */
export async function makeFlowLog(
  aws: Aws,
  spec: FlowLogSpec,
  tags: Readonly<Record<string, string>>,
  token?: string,
): Promise<string | null> {
  const { client, api } = await aws.ec2();
  const kind = spec.resourceId.slice(0, spec.resourceId.indexOf('-'));
  const { crossAccountRole, destinationOptions } = spec;
  const { FlowLogIds = [], Unsuccessful = [] } = await client.send(
    new api.CreateFlowLogsCommand({
      ResourceIds: [spec.resourceId],
      ResourceType: RESOURCE_TYPES[kind],
      TrafficType: spec.trafficType,
      LogDestinationType: spec.destinationType,
      ...(spec.destination === null ? {} : { LogDestination: spec.destination }),
      ...(spec.logGroup === null ? {} : { LogGroupName: spec.logGroup }),
      ...(spec.roleArn === null ? {} : { DeliverLogsPermissionArn: spec.roleArn }),
      ...(spec.format === null ? {} : { LogFormat: spec.format }),
      ...(spec.interval === null ? {} : { MaxAggregationInterval: spec.interval }),
      ...(crossAccountRole ? { DeliverCrossAccountRole: crossAccountRole } : {}),
      ...(destinationOptions ? { DestinationOptions: destinationOptions } : {}),
      ...(token === undefined ? {} : { ClientToken: token }),
      TagSpecifications: [
        {
          ResourceType: 'vpc-flow-log',
          Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
        },
      ],
    }),
  );
  // CreateFlowLogs answers 200 with what it did not make inside.
  const [refusal] = Unsuccessful;
  if (refusal) {
    throw new FirebreakError('StepFailed', refusal.Error?.Message ?? 'EC2 made no flow log', {
      resource: spec.resourceId,
      next: 'See whether the destination and its role still exist, and make the flow log from your template.',
    });
  }
  return FlowLogIds[0] ?? null;
}

/** The mark of what Firebreak made: undo deletes no other flow log. */
export const FLOW_LOG_TAG = 'firebreak:case';

const FLOW_LOGS = 'arn:${Partition}:ec2:${Region}:${Account}:vpc-flow-log/*';

/** Rights to make flow logs again, and to delete those. */
export const FLOW_LOG_RIGHTS: Readonly<Record<'write' | 'undo', readonly Change[]>> = {
  write: [
    {
      actions: ['ec2:CreateFlowLogs'],
      resources: ['vpc-flow-log', 'vpc', 'subnet', 'network-interface'].map(
        (kind) => `arn:\${Partition}:ec2:\${Region}:\${Account}:${kind}/*`,
      ),
      why: 'makes deleted flow logs again',
      worst: 'copies the metadata of any traffic to a bucket of its choice',
    },
    {
      actions: ['ec2:CreateTags'],
      resources: [FLOW_LOGS],
      condition: { StringEquals: { 'ec2:CreateAction': 'CreateFlowLogs' } },
      why: 'their tag',
      worst: 'nothing beyond the flow logs themselves',
    },
    {
      // Flow logs that write to a bucket or a stream are set up through it, and ended through its opposite [M-LAB].
      actions: ['logs:CreateLogDelivery'],
      resources: ['*'],
      why: 'flow logs to a bucket or stream',
      worst: 'the deliveries cost',
    },
    {
      actions: ['iam:PassRole'],
      resources: ['arn:${Partition}:iam::${Account}:role/*'],
      condition: { StringEquals: { 'iam:PassedToService': 'vpc-flow-logs.amazonaws.com' } },
      why: 'the role under which a flow log wrote to its log group',
      worst: 'lets flow logs write as any role that trusts them',
    },
  ],
  undo: [
    {
      actions: ['ec2:DeleteFlowLogs'],
      resources: [FLOW_LOGS],
      condition: { Null: { 'aws:ResourceTag/firebreak:case': 'false' } },
      why: 'the flow logs that it made, by their tag',
      worst: 'deletes flow logs that carry the tag of a case',
    },
    {
      actions: ['logs:DeleteLogDelivery'],
      resources: ['*'],
      why: 'deliveries of its own flow logs',
      worst: 'ends any log delivery of the account',
    },
  ],
};
