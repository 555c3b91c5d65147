/** A button of a card, or of the details modal. */
import { incidentOfDecision } from '../../core/approval/approval.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { ticketOf } from '../../core/incident/tickets.ts';
import { authorize } from '../../pipeline/authorize.ts';
import type { Runtime } from '../../pipeline/runtime.ts';
import { ACTION_KINDS, type ActionKind } from '../../slack/actions.ts';
import { isOnCard, type Press } from '../../slack/request.ts';
import { audit } from './audit.ts';
import { approve } from './decide.ts';
import { handOver } from './hand-over.ts';
import { acknowledged, type HttpAnswer } from './http.ts';
import { requestUndo, takeOwnership } from './incident-actions.ts';
import type { Job } from './jobs.ts';
import { openModal } from './open-modal.ts';
import type { Outcome } from './outcome.ts';

const NOT_OPENED = 'Slack did not open the dialog. Press again; nothing was changed.';

export async function press(given: Runtime, pressed: Press): Promise<HttpAnswer> {
  const kind: ActionKind = ACTION_KINDS[pressed.action];
  if (pressed.on.kind === 'view') return turnPage(given, pressed, pressed.on);
  const { channel } = pressed.on;
  const incident =
    kind.about === 'decision'
      ? await incidentOfDecision(given.approvals, pressed.id)
      : await given.incidents.find(pressed.id);
  const refuse = async (reason: string): Promise<HttpAnswer> => {
    await audit(given, reason, pressed, incident);
    await handOver(given, [{ kind: 'tell', channel, user: pressed.userId, text: `Not done: ${reason}.` }]);
    return acknowledged;
  };
  if (!incident) return refuse('no such incident or decision');
  const onCard = isOnCard(pressed.on, incident.slack);
  if (!onCard.ok) return refuse(onCard.reason);
  const allowed = await authorize(given, pressed.userId, kind.for, incident);
  if (!allowed.ok) return refuse(allowed.reason);
  if (kind.opens) {
    if (kind.about === 'decision' && !isOpen(incident, pressed.id)) {
      await audit(given, 'decided before', pressed, incident);
      const jobs = [{ kind: 'card', incidentId: incident.id }] as const;
      return tell(given, pressed, channel, { say: 'Too late: that was decided before.', jobs });
    }
    const opened = await openModal(given, pressed, kind.opens, incident);
    return tell(given, pressed, channel, opened ? {} : { say: NOT_OPENED });
  }
  switch (pressed.action) {
    case 'approve':
      return tell(
        given,
        pressed,
        channel,
        await approve(given, pressed, incident, { decisionId: pressed.id }),
      );
    case 'undo':
      return tell(given, pressed, channel, await requestUndo(given, pressed.userId, incident));
    case 'own':
      return tell(given, pressed, channel, await takeOwnership(given, pressed.userId, incident));
    case 'approvePart':
    case 'deny':
    case 'snooze':
    case 'breakGlass':
    case 'suppress':
    case 'details':
    case 'detailsPage':
      return refuse('not a button of a card'); // each opens a modal, or sits inside one
  }
}

const isOpen = ({ approval }: Incident, decisionId: string): boolean =>
  approval?.id === decisionId && approval.outcome === undefined;

async function tell(
  given: Runtime,
  { userId }: Press,
  channel: string,
  outcome: Outcome,
): Promise<HttpAnswer> {
  const said: readonly Job[] =
    outcome.say === undefined ? [] : [{ kind: 'tell', channel, user: userId, text: outcome.say }];
  await handOver(given, [...(outcome.jobs ?? []), ...said]);
  return acknowledged;
}

/** Another page of the details modal: only of the incident it was opened about, for the person who opened it. */
async function turnPage(
  given: Runtime,
  pressed: Press,
  on: Extract<Press['on'], { kind: 'view' }>,
): Promise<HttpAnswer> {
  const { table, now, incidents } = given;
  const claim = { id: on.ticket, userId: pressed.userId, view: 'details' };
  const ticket = pressed.action === 'detailsPage' ? await ticketOf(table, claim, now()) : undefined;
  const incident = ticket && (await incidents.find(ticket.incidentId));
  const allowed = incident && (await authorize(given, pressed.userId, 'responder', incident));
  if (!ticket || !incident || !allowed?.ok) {
    await audit(
      given,
      allowed && !allowed.ok ? allowed.reason : 'not a modal of this person',
      pressed,
      incident,
    );
    return acknowledged;
  }
  await handOver(given, [
    { kind: 'details', incidentId: incident.id, viewId: on.viewId, ticket: ticket.id, page: pressed.id },
  ]);
  return acknowledged;
}
