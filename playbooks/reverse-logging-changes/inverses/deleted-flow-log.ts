import type { FlowLog } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import { arn } from '../../../core/aws/arn.ts';
import { awsErrorName } from '../../../core/errors.ts';
import { type Json, toJson } from '../../../core/json.ts';
import { defineInverse } from '../../common/changes/inverse.ts';
import {
  FLOW_LOG_RIGHTS,
  FLOW_LOG_TAG,
  type FlowLogSpec,
  flowLogSpec,
  flowLogsDeletedBy,
  flowLogsMadeBy,
  flowLogsWith,
  makeFlowLog,
} from '../../common/logging/flow-log.ts';

/** What makes it the one that was there: what EC2 adds of itself does not count. */
const value = z.custom<Json>((given) => given === null || flowLogSpec.safeParse(given).success);
const specOf = (given: Json): FlowLogSpec | null => flowLogSpec.nullable().parse(given);

/** A flow log like the deleted one is made. It has another id, and the id of the deleted one as its mark. */
export const deletedFlowLog = defineInverse({
  id: 'deleted-flow-log',
  danger: 'blinds',
  calls: { source: 'ec2.amazonaws.com', names: ['DeleteFlowLogs', 'CreateFlowLogs'] },
  does: 'a flow log like the deleted one is made, where CloudTrail shows how that was made; one that was made stays',
  resource: z.strictObject({ flowLog: z.string().regex(/^fl-[0-9a-f]{8,17}$/) }),
  value,
  effects(call) {
    if (call.name === 'DeleteFlowLogs')
      return flowLogsDeletedBy(call).map((flowLog) => ({ resource: { flowLog }, left: null }));
    return [...flowLogsMadeBy(call)].map(([flowLog, spec]) => {
      const left = toJson(spec);
      return { resource: { flowLog }, left, guess: left };
    });
  },
  listedAs: ({ flowLog }) => flowLog,
  names: ({ scope }, { flowLog }) => [arn(scope, 'ec2', 'vpc-flow-log/*'), flowLog],
  says({ flowLog }, wanted) {
    const spec = specOf(wanted);
    const to = spec?.destination ?? spec?.logGroup ?? spec?.destinationType;
    return `Make a flow log of ${spec?.resourceId} like ${flowLog} (${spec?.trafficType} to ${to})`;
  },
  async read(aws, { flowLog }) {
    const [there] = await flowLogsWith(aws, 'flow-log-id', flowLog);
    const [again] = there ? [there] : await flowLogsWith(aws, `tag:${FLOW_LOG_TAG}`, flowLog);
    return again ? toJson(flowLogSpec.parse(shownOf(again))) : null;
  },
  async put(aws, { flowLog }, to) {
    const spec = specOf(to);
    const made = await flowLogsWith(aws, `tag:${FLOW_LOG_TAG}`, flowLog);
    if (spec === null) {
      const { client, api } = await aws.ec2();
      const FlowLogIds = made.map(({ FlowLogId = '' }) => FlowLogId);
      if (FlowLogIds.length === 0) return 'absent';
      await client.send(new api.DeleteFlowLogsCommand({ FlowLogIds }));
      return undefined;
    }
    try {
      await makeFlowLog(aws, spec, { [FLOW_LOG_TAG]: flowLog });
    } catch (error) {
      // A lost answer of this very call.
      const again = await flowLogsWith(aws, `tag:${FLOW_LOG_TAG}`, flowLog);
      if (awsErrorName(error) !== 'FlowLogAlreadyExists' || again.length === 0) throw error;
    }
    return undefined;
  },
  same(a, b) {
    const [one, other] = [specOf(a), specOf(b)];
    if (one === null || other === null) return one === other;
    return (
      one.resourceId === other.resourceId &&
      one.trafficType === other.trafficType &&
      one.destinationType === other.destinationType &&
      alike(one.destination, other.destination) &&
      alike(one.logGroup, other.logGroup)
    );
  },
  never: ({ flowLog }, to, { by }) =>
    by === 'reversal' && to === null ? `flow log ${flowLog} was not there before` : undefined,
  remains: ({ flowLog }) => [`the traffic that ${flowLog} would have logged meanwhile was not logged`],
  permissions: {
    read: [
      {
        // No resource level.
        actions: ['ec2:DescribeFlowLogs'],
        resources: ['*'],
        why: 'whether a flow log is there, and the one that was made in its place',
      },
    ],
    ...FLOW_LOG_RIGHTS,
  },
  words: { setting: 'VPC flow log', why: 'traffic is not logged without it' },
  example: {
    eventName: 'DeleteFlowLogs',
    requestParameters: { DeleteFlowLogsRequest: { FlowLogId: { tag: 1, content: 'fl-0123456789abcdef0' } } },
  },
});

/** EC2 shows the ARN of a log group as the destination of a log that was made with its name. */
const alike = (a: string | null, b: string | null): boolean => a === null || b === null || a === b;

const shownOf = (log: FlowLog) => ({
  resourceId: log.ResourceId,
  trafficType: log.TrafficType,
  destinationType: log.LogDestinationType ?? 'cloud-watch-logs',
  destination: log.LogDestination ?? null,
  logGroup: log.LogGroupName ?? null,
  roleArn: log.DeliverLogsPermissionArn ?? null,
  format: log.LogFormat ?? null,
  interval: log.MaxAggregationInterval ?? null,
});
