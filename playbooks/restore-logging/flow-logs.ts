/**
 * VPC flow logs that were deleted. A deleted flow log cannot be brought back; another one like it can be made, from the
 * call that first made it, while CloudTrail remembers that (90 days).
 */
import { createHash } from 'node:crypto';
import type { FlowLog } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import type {
  Plan,
  PlanOptions,
  Proof,
  StepContext,
  StepOf,
  StepViewOf,
} from '../../core/journal/playbook.ts';
import { sameJson } from '../../core/json.ts';
import {
  FLOW_LOG_TAG,
  type FlowLogSpec,
  flowLogSpec,
  flowLogsDeletedBy,
  flowLogsMadeBy,
  flowLogsWith,
  makeFlowLog,
} from '../common/logging/flow-log.ts';
import { partOfAttack, pastCalls } from '../common/logging/history.ts';
import { defineSubject } from '../common/logging/subject.ts';
import { type LoggingFacts, type LoggingTarget, loggingFacts } from '../common/logging/target.ts';
import { protectedBy } from '../common/protected.ts';
import { damaged, stepKind } from '../common/step-kind.ts';

const goneSchema = z.object({ id: z.string(), spec: flowLogSpec.nullable() });
const flowLogsState = z.object({ gone: z.array(goneSchema), unread: z.string().nullable() });
type FlowLogsState = z.infer<typeof flowLogsState>;

async function read(target: LoggingTarget, aws: Aws): Promise<FlowLogsState> {
  const [deletes, creates] = await Promise.all([
    pastCalls(aws, ['DeleteFlowLogs']),
    pastCalls(aws, ['CreateFlowLogs']),
  ]);
  if ('unread' in deletes) return { gone: [], unread: deletes.unread };
  const ids = deletes.filter((call) => partOfAttack(call, target.facts)).flatMap(flowLogsDeletedBy);
  // A flow log that the attacker created and deleted would be restored as theirs.
  const owned = 'unread' in creates ? [] : creates.filter((call) => !partOfAttack(call, target.facts));
  const made = new Map(owned.flatMap((call) => [...flowLogsMadeBy(call)]));
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

/** Flow logs of the resource that listen and write as wanted. */
async function alike(aws: Aws, spec: FlowLogSpec): Promise<readonly FlowLog[]> {
  const found = await flowLogsWith(aws, 'resource-id', spec.resourceId);
  return found.filter(
    (log) =>
      log.TrafficType === spec.trafficType &&
      (log.LogDestinationType ?? 'cloud-watch-logs') === spec.destinationType &&
      (spec.destination === null || log.LogDestination === spec.destination) &&
      (spec.logGroup === null || log.LogGroupName === spec.logGroup),
  );
}

const argsSchema = z.object({ spec: flowLogSpec, was: z.string() });

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
    const token = createHash('sha256').update(`${caseId}/${was}`).digest('hex').slice(0, 32);
    return makeFlowLog(aws, { ...known, ...spec }, { [FLOW_LOG_TAG]: caseId }, token);
  },
  async revert({ spec }, { aws, caseId }) {
    const own = (await alike(aws, spec)).filter(({ Tags = [] }) =>
      Tags.some(({ Key, Value }) => Key === FLOW_LOG_TAG && Value === caseId),
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
