/** A person's decision: one conditional write, and the workflow is resumed. */
import type { DecideRequest } from '../../core/approval/approval.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { type Decided, notTaken, recordDecision } from '../../pipeline/decision.ts';
import type { Runtime } from '../../pipeline/runtime.ts';
import type { SlackRequest } from '../../slack/request.ts';
import { audit } from './audit.ts';
import type { Outcome } from './outcome.ts';

export const approve = (
  given: Runtime,
  request: SlackRequest,
  incident: Incident,
  what: Pick<DecideRequest, 'decisionId' | 'chosen'>,
): Promise<Outcome> => settle(given, request, incident, { ...what, outcome: 'approved' });

/** Past the second person, loudly: everyone is paged with the name and the reason. */
export async function breakGlass(
  given: Runtime,
  request: SlackRequest,
  incident: Incident,
  what: { readonly decisionId: string; readonly reason: string },
): Promise<Outcome> {
  const outcome = await settle(given, request, incident, { ...what, outcome: 'approved', breakGlass: true });
  if (outcome.recorded !== true) return outcome;
  const subject = `Firebreak ${incident.id}: BREAK-GLASS by ${request.userId}`;
  const done = incident.approval?.purpose === 'undo' ? 'the undo' : 'the containment';
  const text = `${request.userId} let ${done} happen on their word alone: ${what.reason}`;
  await given.incidents.note(incident.id, `BREAK-GLASS by ${request.userId}: ${what.reason}`, given.now());
  return {
    ...outcome,
    jobs: [{ kind: 'alert', subject, text, people: [request.userId] }, ...(outcome.jobs ?? [])],
  };
}

export const deny = (
  given: Runtime,
  request: SlackRequest,
  incident: Incident,
  what: Pick<DecideRequest, 'decisionId' | 'reason'>,
): Promise<Outcome> => settle(given, request, incident, { ...what, outcome: 'denied' });

async function settle(
  given: Runtime,
  request: SlackRequest,
  incident: Incident,
  what: Omit<Decided, 'by'>,
): Promise<Outcome> {
  const result = await recordDecision(given, incident, { ...what, by: request.userId });
  const card = { kind: 'card', incidentId: incident.id } as const;
  switch (result.kind) {
    case 'recorded':
      return { jobs: [card, { kind: 'acknowledge', incidentId: incident.id }], recorded: true };
    case 'counted':
      return { jobs: [card], say: 'Counted. A second person is needed.' };
    case 'closed':
      await audit(given, `already ${result.approval.outcome}`, request, incident);
      return { jobs: [card], say: notTaken(result) };
    case 'refused':
      await audit(given, result.reason, request, incident);
      return { say: notTaken(result) };
    case 'unknown':
      await audit(given, 'no such decision', request, incident);
      return { say: notTaken(result) };
  }
}
