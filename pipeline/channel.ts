/**
 * What an execution of the respond workflow is started with. Each channel has an envelope of its own: a constant tag, and
 * the payload under a key of its own, so that no payload can imitate another channel. Nothing inside a finding is
 * unwrapped here; `envelopes.ts` is for files that people give to the command.
 */
import { z } from 'zod';
import { executionName } from '../core/aws/executions.ts';
import { parseScan } from '../core/finding/scan.ts';
import { invalid } from '../core/finding/shape.ts';
import { drillId } from '../core/incident/drill.ts';
import type { FollowUp } from '../core/incident/incident.ts';
import type { JsonObject } from '../core/json.ts';

const detail = z.custom<JsonObject>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'expected a finding',
);
const followUp = z.strictObject({ incidentId: z.string().min(1), playbook: z.string().min(1) });
const reference = z.string().regex(/^[0-9a-f]{64}$/);

const envelope = z.discriminatedUnion('channel', [
  /** GuardDuty's rule; the rule of findings that other Regions and accounts forward. */
  z.strictObject({ channel: z.enum(['guardduty', 'forwarded']), detail }),
  /** The rule of malware scans, and the function that counts them: what finds nothing has no execution. */
  z.strictObject({ channel: z.literal('scan'), event: detail, count: z.int().positive().optional() }),
  /** The canary's rule passes a constant: what the canary is stands in the table. */
  z.strictObject({ channel: z.literal('canary') }),
  /** The rest start only from executions that Firebreak names itself. */
  z.strictObject({ channel: z.enum(['redrive', 'simulate']), detail }),
  z.strictObject({ channel: z.literal('intake'), reference }),
  /** `firebreak drill`, with its operator's own credentials. */
  z.strictObject({ channel: z.literal('drill'), drill: z.string().regex(drillId), detail }),
  z.strictObject({ channel: z.literal('follow-up'), followUp }),
  z.strictObject({ channel: z.literal('reproof'), incidentId: z.string().min(1) }),
  /** The execution that an incident belongs to is gone, and this one goes on in its place. */
  z.strictObject({
    channel: z.literal('takeover'),
    incidentId: z.string().min(1),
    replaces: z.string().min(1),
  }),
]);
export type ChannelEnvelope = z.infer<typeof envelope>;

/** What earlier releases started executions with. GuardDuty's source is one that only AWS can put. */
const earlierEvent = z.looseObject({
  source: z.literal('aws.guardduty'),
  'detail-type': z.literal('GuardDuty Finding'),
  detail,
});
const earlierFollowUp = z.strictObject({ followUp });
const earlierIntake = z.strictObject({ firebreakIntake: reference });
const earlierCanary = z.looseObject({
  source: z.literal('firebreak.canary').optional(),
  id: z.string().optional(),
});

/** The execution of a follow-up: its name makes a second start harmless, and cannot be chosen by an event. */
export const followUpExecution = ({ incidentId, playbook }: FollowUp): string =>
  `${incidentId}-${playbook}`.slice(0, 80);

/** The execution that contains again what a scheduled proving read found removed at that moment. */
export const reproofExecution = (incidentId: string, at: Date): string =>
  `reproof-${incidentId}-${at.toISOString().replace(/\D/g, '')}`.slice(0, 80);

/** Returns whether an execution (name or ARN) is one of those: no update of a finding started it. */
export const isReproof = (execution: string): boolean => executionName(execution).startsWith('reproof-');

/** The execution that takes an incident over at that moment. */
export const takeoverExecution = (incidentId: string, at: Date): string =>
  `takeover-${incidentId}-${at.toISOString().replace(/\D/g, '')}`.slice(0, 80);

/** The execution that tries an undo again at that moment. */
export const undoAgainExecution = (incidentId: string, at: Date): string =>
  `undo-again-${incidentId}-${at.toISOString().replace(/\D/g, '')}`.slice(0, 80);

/** Returns whether an execution (name or ARN) takes an incident over. */
export const isTakeover = (execution: string): boolean => executionName(execution).startsWith('takeover-');

/** The execution of a redriven message. */
export const redriveExecution = (messageId: string): string => `redrive-${messageId}`.slice(0, 80);

/** Returns whether an execution (name or ARN) starts an event again. */
export const isRedrive = (execution: string): boolean => executionName(execution).startsWith('redrive-');

/**
 * Returns the envelope that an execution was started with. EventBridge names its executions itself, so what only
 * Firebreak starts must carry the name that Firebreak gives. Throws FindingInvalid for anything else.
 */
export function channelOf(input: unknown, execution: string): ChannelEnvelope {
  const name = executionName(execution);
  const read = isTagged(input) ? envelope.safeParse(input) : undefined;
  if (read && !read.success)
    throw invalid(`this is no envelope of a channel: ${z.prettifyError(read.error)}`);
  const found = read?.data ?? earlier(input);
  if (!found)
    throw invalid(
      'expected an event of GuardDuty as a rule of Firebreak hands it on (at the execution input)',
    );
  if (!mayStart(found, name))
    throw invalid(`an execution named ${name.slice(0, 80)} cannot be of the channel ${found.channel}`);
  return found;
}

const isTagged = (input: unknown): boolean =>
  typeof input === 'object' && input !== null && Object.hasOwn(input, 'channel');

function mayStart(found: ChannelEnvelope, name: string): boolean {
  switch (found.channel) {
    case 'guardduty':
    case 'forwarded':
    case 'scan':
    case 'canary':
      return true;
    case 'redrive':
    case 'intake':
      return name.startsWith('redrive-');
    case 'simulate':
      return name.startsWith('simulate-');
    case 'drill':
      return name.startsWith(`drill-${found.drill}-`);
    case 'reproof':
      return name.startsWith(`reproof-${found.incidentId}-`);
    case 'takeover':
      return name.startsWith(`takeover-${found.incidentId}-`);
    case 'follow-up':
      return name === followUpExecution(found.followUp) || name.startsWith('redrive-');
  }
}

/** Executions that an earlier release started, and messages that wait in the queue since. */
function earlier(input: unknown): ChannelEnvelope | undefined {
  const event = earlierEvent.safeParse(input);
  if (event.success) return { channel: 'guardduty', detail: event.data.detail };
  const asked = earlierFollowUp.safeParse(input);
  if (asked.success) return { channel: 'follow-up', followUp: asked.data.followUp };
  const stored = earlierIntake.safeParse(input);
  if (stored.success) return { channel: 'intake', reference: stored.data.firebreakIntake };
  const canary = earlierCanary.safeParse(input);
  // Nothing of it is read: as much as the constant says.
  const isCanary =
    canary.success &&
    (canary.data.source === 'firebreak.canary' || canary.data.id?.startsWith('firebreak-canary-') === true);
  return isCanary ? { channel: 'canary' } : undefined;
}

/**
 * Returns what a message that EventBridge could not deliver is started with. The queue holds the envelope of its rule or
 * the event itself: AWS does not say which where a rule transforms its input [M].
 */
export function redriven(message: unknown): ChannelEnvelope {
  const found = channelOf(message, '');
  switch (found.channel) {
    case 'guardduty':
    case 'forwarded':
      return { channel: 'redrive', detail: found.detail };
    case 'scan':
    case 'canary':
      return found;
    case 'redrive':
    case 'simulate':
    case 'drill':
    case 'intake':
    case 'follow-up':
    case 'reproof':
    case 'takeover':
      throw invalid(`a message in the queue cannot be of the channel ${found.channel}`);
  }
}

/** Returns the finding of a stored intake, which a redriven message alone can be. */
export function storedDetail(stored: unknown): JsonObject {
  const found = channelOf(stored, 'redrive-');
  if (found.channel === 'redrive' || found.channel === 'guardduty') return found.detail;
  if (found.channel === 'scan') return parseScan(found.event, found.count).detail;
  throw invalid(`a stored event cannot be of the channel ${found.channel}`);
}
