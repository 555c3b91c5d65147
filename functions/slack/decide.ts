/** A person's decision: one conditional write, and the workflow is told. */
import { type DecideRequest, decide } from '../../core/approval.ts';
import type { Incident } from '../../core/incident.ts';
import type { SlackRequest } from '../../slack/request.ts';
import type { Runtime } from '../runtime.ts';
import { audit } from './audit.ts';
import type { Outcome } from './press.ts';

export const approve = (
  given: Runtime,
  request: SlackRequest,
  incident: Incident,
  what: Pick<DecideRequest, 'decisionId'>,
): Promise<Outcome> => settle(given, request, incident, { ...what, outcome: 'approved' });

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
  what: Omit<DecideRequest, 'by' | 'at'>,
): Promise<Outcome> {
  const { approvals, incidents, now } = given;
  const by = request.userId;
  const result = await decide(approvals, { ...what, by, at: now() });
  const card = { kind: 'card', incidentId: incident.id } as const;
  switch (result.kind) {
    case 'recorded':
      await incidents.note(incident.id, `${result.approval.outcome} by ${by}`, now());
      return { jobs: [card] };
    case 'counted':
      await incidents.note(incident.id, `approved by ${by}; a second person is needed`, now());
      return { jobs: [card], say: 'Counted. A second person is needed.' };
    case 'closed':
      await audit(given, `already ${result.approval.outcome}`, request, incident);
      return {
        jobs: [card],
        say: `Too late: already ${result.approval.outcome} by ${result.approval.decidedBy ?? 'somebody'}.`,
      };
    case 'refused':
      await audit(given, result.reason, request, incident);
      return { say: `Not done: ${result.reason}.` };
    case 'unknown':
      await audit(given, 'no such decision', request, incident);
      return { say: 'Not done: no such decision.' };
  }
}
