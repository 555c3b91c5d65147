/** A modal that was filled in. What it is about comes from its ticket, never from the modal. */
import { choose } from '../../core/approval/parts.ts';
import { ticketOf } from '../../core/incident/tickets.ts';
import { authorize } from '../../pipeline/authorize.ts';
import type { Runtime } from '../../pipeline/runtime.ts';
import { ACTION_KINDS, type ActionKind, INPUTS } from '../../slack/actions.ts';
import type { Submission } from '../../slack/request.ts';
import { audit } from './audit.ts';
import { approve, breakGlass, deny } from './decide.ts';
import { handOver } from './hand-over.ts';
import { acknowledged, correct, type HttpAnswer } from './http.ts';
import { putOff } from './incident-actions.ts';
import type { Outcome } from './outcome.ts';

/** Minutes; a day. An approval ends sooner by default. */
const LONGEST_SNOOZE = 1440;

export async function submission(given: Runtime, sent: Submission): Promise<HttpAnswer> {
  const { table, incidents, now } = given;
  const claim = { id: sent.ticket, userId: sent.userId, view: sent.view };
  const ticket = await ticketOf(table, claim, now());
  const incident = ticket && (await incidents.find(ticket.incidentId));
  if (!ticket || !incident) {
    await audit(given, 'not a modal of this person', sent);
    return acknowledged;
  }
  const kind: ActionKind = ACTION_KINDS[sent.view];
  const finish = async ({ jobs = [], say }: Outcome): Promise<HttpAnswer> => {
    const channel = incident.slack?.channel;
    const note =
      say !== undefined && channel ? [{ kind: 'tell', channel, user: sent.userId, text: say } as const] : [];
    await handOver(given, [...jobs, ...note]);
    return acknowledged;
  };
  const allowed = await authorize(given, sent.userId, kind.for, incident);
  if (!allowed.ok) {
    await audit(given, allowed.reason, sent, incident);
    return finish({ say: `Not done: ${allowed.reason}.` });
  }
  const decisionId = ticket.decisionId ?? '';
  const { reason } = sent;
  const unsaid = correct(INPUTS.reason, 'Say why: the next person reads it.');
  switch (sent.view) {
    case 'deny':
      return reason === '' ? unsaid : finish(await deny(given, sent, incident, { decisionId, reason }));
    case 'breakGlass':
      return reason === '' ? unsaid : finish(await breakGlass(given, sent, incident, { decisionId, reason }));
    case 'approvePart': {
      const choice = choose(incident, sent.parts);
      if (!choice.ok) return correct(INPUTS.parts, choice.reason);
      const chosen = choice.all ? undefined : choice.chosen;
      return finish(await approve(given, sent, incident, { decisionId, chosen }));
    }
    case 'snooze': {
      const minutes = Math.min(sent.minutes ?? 0, LONGEST_SNOOZE);
      if (minutes < 1) return correct(INPUTS.minutes, 'Choose how long.');
      return finish(await putOff(given, sent, incident, { decisionId, minutes }));
    }
    case 'suppress':
      if (reason === '') return unsaid;
      return finish({
        jobs: [{ kind: 'suppress', incidentId: incident.id, by: sent.userId, reason }],
      });
    case 'details':
      await audit(given, 'nothing to submit', sent, incident);
      return acknowledged;
  }
}
