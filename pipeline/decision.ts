/** Records what a person decided, whichever door they came through: one conditional write, and the timeline says who. */
import { type DecideRequest, type DecideResult, decide } from '../core/approval/approval.ts';
import type { Incident } from '../core/incident/incident.ts';
import { authorize } from './authorize.ts';
import { countMetric, type Runtime } from './runtime.ts';

export type Decided = Omit<DecideRequest, 'at' | 'stillMay'>;

/** `named` is the person as the timeline has them. The caller has proven who they are and that they may decide. */
export async function recordDecision(
  given: Runtime,
  incident: Incident,
  what: Decided,
  named: string = what.by,
): Promise<DecideResult> {
  const { approvals, incidents, now } = given;
  const stillMay = async (user: string) => (await authorize(given, user, 'approver', incident)).ok;
  const result = await decide(approvals, { ...what, stillMay, at: now() });
  switch (result.kind) {
    case 'recorded':
      await incidents.note(incident.id, `${result.approval.outcome} by ${named}`, now());
      if (!result.delivered) countMetric('DecisionUndelivered');
      return result;
    case 'counted':
      await incidents.note(incident.id, `approved by ${named}; a second person is needed`, now());
      return result;
    case 'closed':
    case 'refused':
    case 'unknown':
      return result;
  }
}

/** Why a decision was not taken, in words for the person who gave it. */
export function notTaken(result: Exclude<DecideResult, { kind: 'recorded' | 'counted' }>): string {
  switch (result.kind) {
    case 'closed':
      return `Too late: already ${result.approval.outcome} by ${result.approval.decidedBy ?? 'someone'}.`;
    case 'refused':
      return `Not done: ${result.reason}.`;
    case 'unknown':
      return 'Not done: no such decision.';
  }
}
