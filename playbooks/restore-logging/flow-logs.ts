/**
 * VPC flow logs that were deleted. A deleted flow log cannot be brought back; another one like it can be made, from the
 * call that first made it, while CloudTrail remembers that (90 days).
 */
import { createHash } from 'node:crypto';
import type { FlowLog } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { allPages } from '../../core/aws/pages.ts';
import { FirebreakError } from '../../core/errors.ts';
import type {
  Plan,
  PlanOptions,
  Proof,
  StepContext,
  StepOf,
  StepViewOf,
} from '../../core/journal/playbook.ts';
import { isJsonObject, type Json, type JsonObject, own, sameJson } from '../../core/json.ts';
import { type PastCall, partOfAttack, pastCalls } from '../common/logging/history.ts';
import { defineSubject } from '../common/logging/subject.ts';
import { type LoggingFacts, type LoggingTarget, loggingFacts } from '../common/logging/target.ts';
import { protectedBy } from '../common/protected.ts';
import { damaged, stepKind } from '../common/step-kind.ts';

const CASE_TAG = 'firebreak:case';
const RESOURCE_TYPES: Readonly<Record<string, 'VPC' | 'Subnet' | 'NetworkInterface'>> = {
  vpc: 'VPC',
  subnet: 'Subnet',
  eni: 'NetworkInterface',
};

/** What makes a flow log the one that was there: where it listens and where it writes. */
const specSchema = z.object({
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
type Spec = z.infer<typeof specSchema>;

const goneSchema = z.object({ id: z.string(), spec: specSchema.nullable() });
const flowLogsState = z.object({ gone: z.array(goneSchema), unread: z.string().nullable() });
type FlowLogsState = z.infer<typeof flowLogsState>;

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

const deletedBy = ({ request }: PastCall): readonly string[] =>
  texts(member(request, 'DeleteFlowLogsRequest', 'FlowLogId')).filter((id) => /^fl-[0-9a-f]{8,17}$/.test(id));

/** What the call made, by the id of the flow log. The order of resources and of ids is the same [M-LAB]. */
function madeBy({ request, response }: PastCall): ReadonlyMap<string, Spec> {
  const text = (key: string): string | null =>
    texts(member(request, 'CreateFlowLogsRequest', key))[0] ?? null;
  const resources = texts(member(request, 'CreateFlowLogsRequest', 'ResourceId'));
  const ids = texts(member(response, 'CreateFlowLogsResponse', 'flowLogIdSet'));
  if (ids.length !== resources.length) return new Map();
  return new Map(
    ids.flatMap((id, index) => {
      const interval = Number(text('MaxAggregationInterval') ?? Number.NaN);
      const spec = specSchema.safeParse({
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

async function read(target: LoggingTarget, aws: Aws): Promise<FlowLogsState> {
  const [deletes, creates] = await Promise.all([
    pastCalls(aws, ['DeleteFlowLogs']),
    pastCalls(aws, ['CreateFlowLogs']),
  ]);
  if ('unread' in deletes) return { gone: [], unread: deletes.unread };
  const ids = deletes.filter((call) => partOfAttack(call, target.facts)).flatMap(deletedBy);
  // A flow log that the attacker created and deleted would be restored as theirs.
  const owned = 'unread' in creates ? [] : creates.filter((call) => !partOfAttack(call, target.facts));
  const made = new Map(owned.flatMap((call) => [...madeBy(call)]));
  return { gone: [...new Set(ids)].map((id) => ({ id, spec: made.get(id) ?? null })), unread: null };
}

function plan(
  { gone, unread }: FlowLogsState,
  target: LoggingTarget,
  { protectedArns }: PlanOptions,
): Plan<StepOf<typeof KINDS>> {
  const known = gone.flatMap(({ id, spec }) => (spec === null ? [] : [{ id, spec }]));
  const unknown = gone.filter(({ spec }) => spec === null).map(({ id }) => id);
  const shielded = known.find(({ id, spec }) => protectedBy([id, spec.resourceId], protectedArns));
  if (shielded !== undefined) {
    return refused(`${shielded.id} of ${shielded.spec.resourceId} is protected by policy.yml`);
  }
  if (known.length === 0) {
    return refused(
      unread ??
        (unknown.length > 0
          ? `${unknown.join(', ')} were deleted, and CloudTrail's last 90 days do not show how they were made`
          : "CloudTrail's event history shows no flow log that the finding's principal deleted"),
    );
  }
  return {
    kind: 'plan',
    steps: known.map(
      ({ id, spec }): StepOf<typeof KINDS> => ({
        id: `flow-log:${id}`,
        kind: 'flow-log',
        role: 'contain',
        describe: `Make a flow log of ${spec.resourceId} like ${id} (${spec.trafficType} to ${spec.destination ?? spec.logGroup ?? spec.destinationType})`,
        args: { spec, was: id },
        before: null,
        after: 'there',
      }),
    ),
    blastRadius: {
      count: known.length,
      unit: 'flow logs',
      detail: known.map(({ id, spec }) => `${id} of ${spec.resourceId}`),
    },
    warnings: ['a flow log re-created has another id'],
    residual: [
      ...unknown.map(
        (id) => `${id} was deleted, and how it was made is not known: make it from your template`,
      ),
      'the traffic meanwhile was not logged',
    ],
    askBecause: [
      'flow logs are re-created from the calls that first made them: a person checks where they write',
    ],
    tags: {},
    arns: [target.display],
  };
}

const refused = (reason: string): Plan<never> => ({
  kind: 'refused',
  reason,
  alternative: 'Make the flow logs again from your template, and contain who deleted them.',
});

/** Flow logs of the resource that listen and write as wanted, ours first. */
async function alike(aws: Aws, spec: Spec): Promise<readonly FlowLog[]> {
  const { client, api } = await aws.ec2();
  const found = await allPages(async (NextToken) => {
    const page = await client.send(
      new api.DescribeFlowLogsCommand({
        Filter: [{ Name: 'resource-id', Values: [spec.resourceId] }],
        NextToken,
      }),
    );
    return { items: page.FlowLogs, next: page.NextToken };
  });
  return found.filter(
    (log) =>
      log.TrafficType === spec.trafficType &&
      (log.LogDestinationType ?? 'cloud-watch-logs') === spec.destinationType &&
      (spec.destination === null || log.LogDestination === spec.destination) &&
      (spec.logGroup === null || log.LogGroupName === spec.logGroup),
  );
}

const argsSchema = z.object({ spec: specSchema, was: z.string() });

const flowLog = stepKind(argsSchema, {
  value: z.literal('there').nullable(),
  // Undo deletes what carries the case, and what is made is looked up again.
  foreign: () => undefined,
  async read({ spec }, { aws }) {
    const [found] = await alike(aws, spec);
    return found ? { value: 'there', output: found.FlowLogId ?? null } : { value: null };
  },
  after: () => 'there',
  async apply({ spec, was }, { aws, caseId, target }) {
    const { gone } = await read({ ...target, facts: loggingFacts.parse(target.facts) }, aws);
    const known = gone.find(({ id }) => id === was)?.spec;
    if (!known || !sameJson(known, { ...known, ...spec }))
      throw damaged(`CloudTrail does not show that ${was} was such a flow log`, target.display);
    const { client, api } = await aws.ec2();
    const kind = spec.resourceId.slice(0, spec.resourceId.indexOf('-'));
    const { crossAccountRole, destinationOptions } = known;
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
        ClientToken: createHash('sha256').update(`${caseId}/${was}`).digest('hex').slice(0, 32),
        TagSpecifications: [{ ResourceType: 'vpc-flow-log', Tags: [{ Key: CASE_TAG, Value: caseId }] }],
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
  },
  async revert({ spec }, { aws, caseId }) {
    const own = (await alike(aws, spec)).filter(({ Tags = [] }) =>
      Tags.some(({ Key, Value }) => Key === CASE_TAG && Value === caseId),
    );
    if (own.length === 0) return { kept: 'the flow log that is there was made by someone else' };
    const { client, api } = await aws.ec2();
    await client.send(
      new api.DeleteFlowLogsCommand({ FlowLogIds: own.map(({ FlowLogId = '' }) => FlowLogId) }),
    );
    return 'reverted';
  },
});

const KINDS = { 'flow-log': flowLog };

/** There and delivering: a flow log whose role or bucket is gone stays ACTIVE and says FAILED of its delivery. */
async function verify(
  { aws }: StepContext<LoggingFacts>,
  steps: readonly StepViewOf<typeof KINDS>[],
): Promise<Proof> {
  const checks = await Promise.all(
    steps.map(async ({ id, args: { spec } }) => {
      const [found] = await alike(aws, spec);
      const failed = found?.DeliverLogsStatus === 'FAILED';
      const saw = found
        ? `${found.FlowLogId} of ${spec.resourceId} is ${found.FlowLogStatus ?? 'there'}${failed ? `, but cannot deliver: ${found.DeliverLogsErrorMessage ?? 'no reason given'}` : ''}`
        : `no flow log of ${spec.resourceId} like the deleted one is there`;
      return { id, ok: found !== undefined && !failed, saw };
    }),
  );
  const proven = checks.length > 0 && checks.every(({ ok }) => ok);
  return { proven, checks, residual: [], next: proven ? 'final' : 'wait' };
}

export const flowLogs = defineSubject({
  kind: 'vpc-flow-logs',
  state: flowLogsState,
  kinds: KINDS,
  read,
  plan,
  verify,
});
