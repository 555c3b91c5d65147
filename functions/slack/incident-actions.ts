/** What a person does to an incident next to deciding: undo it, take it over, snooze its reminder. */
import { snooze } from '../../core/approval/approval.ts';
import { startUndo } from '../../core/approval/undo-start.ts';
import type { Incident } from '../../core/incident/incident.ts';
import type { Runtime } from '../../pipeline/runtime.ts';
import type { SlackRequest } from '../../slack/request.ts';
import { when } from '../../slack/text.ts';
import { audit } from './audit.ts';
import type { Outcome } from './outcome.ts';

/** The workflow previews, asks a second person where needed, and undoes. */
export async function requestUndo(given: Runtime, userId: string, incident: Incident): Promise<Outcome> {
  const { own: aws, env, table, now } = given;
  const deps = { table, aws, stateMachineArn: env.UNDO_STATE_MACHINE_ARN };
  const start = await startUndo(deps, incident, { kind: 'slack', user: userId }, now());
  return { say: start.kind === 'started' ? `Undo of ${incident.id} started.` : start.why };
}

/** Says who works on it, so that two people do not, or no one. Taking it over from someone is reported. */
export async function takeOwnership(given: Runtime, userId: string, incident: Incident): Promise<Outcome> {
  const { incidents, now } = given;
  let before: string | undefined;
  await incidents.change(incident.id, now(), (read) => {
    before = read.owner?.by;
    return { owner: { by: userId, at: now().toISOString() } };
  });
  if (before === userId) return { say: 'It is yours already.' };
  await incidents.note(
    incident.id,
    `${userId} took ownership${before === undefined ? '' : ` from ${before}`}`,
    now(),
  );
  const { id: incidentId } = incident;
  return {
    jobs: [
      { kind: 'card', incidentId },
      { kind: 'acknowledge', incidentId },
    ],
    say: `${incidentId} is yours.`,
  };
}

/** A reminder later. The clock that ends the approval, and the one that calls the second tier, go on. */
export async function putOff(
  given: Runtime,
  request: SlackRequest,
  incident: Incident,
  what: { readonly decisionId: string; readonly minutes: number },
): Promise<Outcome> {
  const { approvals, incidents, now } = given;
  const by = request.userId;
  const result = await snooze(approvals, { ...what, by, at: now() });
  switch (result.kind) {
    case 'snoozed': {
      const until = result.approval.snoozed?.until ?? '';
      await incidents.note(incident.id, `${by} snoozed the reminder until ${until}`, now());
      return {
        jobs: [{ kind: 'card', incidentId: incident.id }],
        say: `Reminder ${when(until)}. The decision still ends ${when(result.approval.expiresAt)}.`,
      };
    }
    case 'too-late':
      return { say: 'Too little time is left to put it off.' };
    case 'closed':
      return { say: `Already ${result.approval.outcome}.` };
    case 'unknown':
      await audit(given, 'no such decision', request, incident);
      return { say: 'Not done: no such decision.' };
  }
}
