/** Opens a modal, and remembers who opened it about what. */
import { describeError } from '../../core/errors.ts';
import type { Incident } from '../../core/incident/incident.ts';
import { openTicket } from '../../core/incident/tickets.ts';
import { countMetric, logger, type Runtime } from '../../pipeline/runtime.ts';
import type { ViewName } from '../../slack/actions.ts';
import { slackClient } from '../../slack/client.ts';
import { firstView } from '../../slack/modal.ts';
import { handOver } from './hand-over.ts';

/** A trigger is good for three seconds, and the answer must be out by then as well. */
const WITHIN_MS = 2000;

/**
 * Opens at once, empty where its content must be read first: the worker fills it then. False when Slack did not open it;
 * nothing was changed then.
 */
export async function openModal(
  given: Runtime,
  by: { readonly userId: string; readonly triggerId: string },
  view: ViewName,
  incident: Incident,
): Promise<boolean> {
  const { table, now, env } = given;
  // The one that the modal shows; a later one has another id, and this answer does not count for it.
  const decisionId = incident.approval?.id;
  const about = { userId: by.userId, view, incidentId: incident.id, ...(decisionId ? { decisionId } : {}) };
  const ticket = await openTicket(table, about, now());
  try {
    const { botToken } = await given.slackSecrets();
    const slack = slackClient({ botToken, slackApiUrl: env.SLACK_API_URL, withinMs: WITHIN_MS });
    const viewId = await slack.openView(by.triggerId, firstView(view, ticket.id, incident));
    const filled = { incidentId: incident.id, viewId, ticket: ticket.id };
    if (view === 'details') await handOver(given, [{ kind: 'details', ...filled }]);
    if (view === 'suppress') await handOver(given, [{ kind: 'suppression', ...filled }]);
    return true;
  } catch (error) {
    countMetric('SlackFailed');
    const reason = describeError(error);
    logger.error('Slack did not open the dialog', { incidentId: incident.id, view, reason });
    return false;
  }
}
