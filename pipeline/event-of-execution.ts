/**
 * The event of a finding that an execution of the respond workflow was started with, to start it again or to name it. That an
 * execution ended without success is an event of Step Functions, which names it by its ARN [M].
 */
import { executionArn, executionInput, executionName } from '../core/aws/executions.ts';
import { FirebreakError } from '../core/errors.ts';
import { type Finding, parseDetail } from '../core/finding/finding.ts';
import { parseScan } from '../core/finding/scan.ts';
import { type FollowUp, identityOf, incidentIdFor } from '../core/incident/incident.ts';
import type { JsonObject } from '../core/json.ts';
import { readIntake } from '../core/table/intake.ts';
import { type ChannelEnvelope, channelOf, storedDetail } from './channel.ts';
import { findingOf } from './plan-target.ts';
import type { Runtime } from './runtime.ts';

export interface StartedEvent {
  readonly envelope: ChannelEnvelope;
  /** Absent where the finding is kept elsewhere. */
  readonly detail?: JsonObject;
  readonly finding: Finding;
  /** Of the incident that it is about, which may not have been opened. */
  readonly incidentId: string;
}

/**
 * Returns the event, or undefined where the execution is not about one that must be decided: a canary, a simulation, a
 * drill, a proving read. Throws FindingInvalid where its input is not one that Firebreak starts executions with.
 */
export async function eventOfExecution(
  runtime: Runtime,
  execution: string,
): Promise<StartedEvent | undefined> {
  const { own, env, table } = runtime;
  if (execution !== executionArn(env.RESPOND_STATE_MACHINE_ARN, executionName(execution)))
    throw new FirebreakError('Refused', 'this is not an execution of the respond workflow', {
      resource: execution,
    });
  const envelope = channelOf(await executionInput(own, execution), execution);
  switch (envelope.channel) {
    case 'guardduty':
    case 'forwarded':
    case 'redrive':
      return { envelope, detail: envelope.detail, ...eventOf(parseDetail(envelope.detail)) };
    case 'scan': {
      const { detail } = parseScan(envelope.event, envelope.count);
      return { envelope, detail, ...eventOf(parseDetail(detail)) };
    }
    case 'intake':
      return { envelope, ...eventOf(parseDetail(storedDetail(await readIntake(table, envelope.reference)))) };
    case 'follow-up':
      return {
        envelope,
        ...eventOf(await findingOf(runtime, envelope.followUp.incidentId), envelope.followUp),
      };
    case 'canary':
    case 'simulate':
    // Its operator waits for it, and sees that it failed.
    case 'drill':
    case 'reproof':
    // What it took over is an incident: the sweep has another one take it over.
    case 'takeover':
      return undefined;
  }
}

const eventOf = (finding: Finding, followUp?: FollowUp) => ({
  finding,
  incidentId: incidentIdFor(identityOf(finding), followUp),
});
