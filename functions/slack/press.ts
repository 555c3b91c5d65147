/** A button of a card, or of the details modal. */
import { incidentOfDecision } from '../../core/approval.ts';
import { describeError } from '../../core/errors.ts';
import type { Incident } from '../../core/incident.ts';
import { openTicket, ticketOf } from '../../core/tickets.ts';
import { ACTION_KINDS, type ActionKind, type ViewName } from '../../slack/actions.ts';
import { slackClient } from '../../slack/client.ts';
import { firstView } from '../../slack/modal.ts';
import { isOnCard, type Press } from '../../slack/request.ts';
import { countMetric, logger, type Runtime } from '../runtime.ts';
import { audit } from './audit.ts';
import { approve } from './decide.ts';
import { acknowledged, type HttpAnswer } from './http.ts';
import { requestUndo, takeOwnership } from './incident-actions.ts';
import type { Job } from './jobs.ts';
import { may } from './may.ts';
import { handOver } from './work.ts';

/** A trigger is good for three seconds, and the answer must be out by then as well. */
const OPEN_WITHIN_MS = 2000;

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
  const allowed = await may(given, pressed.userId, kind.for, incident);
  if (!allowed.ok) return refuse(allowed.reason);
  if (kind.opens) return openModal(given, pressed, kind.opens, incident, channel);
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

/** What came of it: words for whoever pressed, and work for later. */
export interface Outcome {
  readonly say?: string | undefined;
  readonly jobs?: readonly Job[];
}

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

/** Opens at once, empty where its content must be read first: the worker fills it then. */
export async function openModal(
  given: Runtime,
  by: { readonly userId: string; readonly triggerId: string },
  view: ViewName,
  incident: Incident,
  channel: string,
): Promise<HttpAnswer> {
  const { table, now, env } = given;
  const decisionId = incident.approval?.id;
  const ticket = await openTicket(
    table,
    { userId: by.userId, view, incidentId: incident.id, ...(decisionId ? { decisionId } : {}) },
    now(),
  );
  try {
    const { botToken } = await given.slackSecrets();
    const client = slackClient({ botToken, slackApiUrl: env.SLACK_API_URL, withinMs: OPEN_WITHIN_MS });
    const viewId = await client.openView(by.triggerId, firstView(view, ticket.id, incident));
    const filled = { incidentId: incident.id, viewId, ticket: ticket.id };
    if (view === 'details') await handOver(given, [{ kind: 'details', ...filled }]);
    if (view === 'suppress') await handOver(given, [{ kind: 'suppression', ...filled }]);
  } catch (error) {
    countMetric('SlackFailed');
    logger.error('Slack did not open the dialog', {
      incidentId: incident.id,
      view,
      reason: describeError(error),
    });
    const text = 'Slack did not open the dialog. Press again; nothing was changed.';
    await handOver(given, [{ kind: 'tell', channel, user: by.userId, text }]);
  }
  return acknowledged;
}

/** Another page of the details modal: only of the incident it was opened about, for whoever opened it. */
async function turnPage(
  given: Runtime,
  pressed: Press,
  on: Extract<Press['on'], { kind: 'view' }>,
): Promise<HttpAnswer> {
  const { table, now, incidents } = given;
  const claim = { id: on.ticket, userId: pressed.userId, view: 'details' };
  const ticket = pressed.action === 'detailsPage' ? await ticketOf(table, claim, now()) : undefined;
  const incident = ticket && (await incidents.find(ticket.incidentId));
  const allowed = incident && (await may(given, pressed.userId, 'responder', incident));
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
