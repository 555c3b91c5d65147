/** A modal that was filled in. What it is about comes from its ticket, never from the modal. */
import { ticketOf } from '../../core/tickets.ts';
import { ACTION_KINDS, type ActionKind, INPUTS } from '../../slack/actions.ts';
import type { Submission } from '../../slack/request.ts';
import type { Runtime } from '../runtime.ts';
import { audit } from './audit.ts';
import { deny } from './decide.ts';
import { acknowledged, correct, type HttpAnswer } from './http.ts';
import { may } from './may.ts';
import type { Outcome } from './press.ts';
import { handOver } from './work.ts';

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
    const told =
      say !== undefined && channel ? [{ kind: 'tell', channel, user: sent.userId, text: say } as const] : [];
    await handOver(given, [...jobs, ...told]);
    return acknowledged;
  };
  const allowed = await may(given, sent.userId, kind.for, incident);
  if (!allowed.ok) {
    await audit(given, allowed.reason, sent, incident);
    return finish({ say: `Not done: ${allowed.reason}.` });
  }
  const decisionId = ticket.decisionId ?? '';
  switch (sent.view) {
    case 'deny':
      if (sent.reason === '') return correct(INPUTS.reason, 'Say why: the next person reads it.');
      return finish(await deny(given, sent, incident, { decisionId, reason: sent.reason }));
    case 'approvePart':
    case 'snooze':
    case 'suppress':
    case 'breakGlass':
    case 'details':
      await audit(given, 'nothing to submit', sent, incident);
      return acknowledged;
  }
}
