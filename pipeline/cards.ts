/** The incident's Slack card: made from the table, posted once, rewritten ever after. */
import { approverIdsOf } from '../core/approval/approvers.ts';
import { describeError, TableUnavailable } from '../core/errors.ts';
import type { Incident } from '../core/incident/incident.ts';
import { cardShown, oweCard } from '../core/incident/owed-cards.ts';
import { statusWords } from '../core/incident/status.ts';
import { incidentCard } from '../slack/card.ts';
import { slackClient } from '../slack/client.ts';
import { expiryWords } from '../slack/words.ts';
import { findingOf } from './plan-target.ts';
import { countMetric, logger, page, type Runtime } from './runtime.ts';
import { stepsOf } from './steps.ts';
import { keepLoudest, threadOf } from './thread.ts';

export interface Showing {
  /** Nobody is paged when Slack does not take it: the card is owed, and the sweep posts it. */
  readonly quietly?: boolean;
}

/** Quietly is for where work waits behind it: one try, and the card is owed. */
const QUIETLY_WITHIN_MS = 3000;

/** The incident changed while its card was on the way: it is written again, this often at most. */
const MOST_REWRITES = 3;

/**
 * Posts or rewrites the card. When Slack does not take it (down, throttled, token revoked) the page topic gets the same
 * text, the incident goes on, and the card is owed until Slack is back: gives false then.
 */
export async function showCard(
  runtime: Runtime,
  incidentId: string,
  { quietly = false }: Showing = {},
): Promise<boolean> {
  const { incidents, now } = runtime;
  let incident = await incidents.get(incidentId);
  try {
    for (let writes = 1; ; writes++) {
      const shown = await put(runtime, incident, quietly);
      incident = await incidents.get(incidentId);
      // Two writers at once: whoever is last reads what the other has shown, so that no older state stays.
      if (incident.version === shown || writes >= MOST_REWRITES) break;
    }
    if (incident.cardOwedSince !== undefined) {
      const since = incident.cardOwedSince;
      await incidents.change(incidentId, now(), () => ({ cardOwedSince: undefined }));
      await cardShown(runtime.table, incidentId);
      await incidents.note(incidentId, `Slack has the card, owed since ${since}`, now());
    }
    return true;
  } catch (error) {
    if (error instanceof TableUnavailable) throw error;
    countMetric('SlackFailed');
    const reason = describeError(error);
    logger.error('Slack did not take the card', { incidentId, reason });
    if (incident.cardOwedSince === undefined) {
      await oweCard(runtime.table, incidentId, now());
      await incidents.change(incidentId, now(), (read) => ({
        cardOwedSince: read.cardOwedSince ?? now().toISOString(),
      }));
    }
    if (quietly) return false;
    await incidents.note(incidentId, `Slack did not take the card (${reason}): paged instead`, now());
    await page(
      runtime,
      `Firebreak ${incidentId}: ${statusWords(incident.status)} (Slack is down)`,
      withoutSlack(incident),
    );
    return false;
  }
}

/** Gives the incident's version that Slack shows now. */
async function put(runtime: Runtime, incident: Incident, quietly: boolean): Promise<number> {
  const { env, incidents, policy, now } = runtime;
  const card = incidentCard({
    incident,
    finding: await findingOf(runtime, incident.id),
    steps: await stepsOf(runtime, incident),
    policyApprovers: approverIdsOf(policy, incident),
    breakGlass: policy.breakGlass.length > 0,
    now: now(),
    context: await incidents.context(incident.id),
    ...(env.CONSOLE_URL ? { consoleUrl: env.CONSOLE_URL } : {}),
  });
  const { botToken } = await runtime.slackSecrets();
  const slack = slackClient({
    botToken,
    slackApiUrl: env.SLACK_API_URL,
    ...(quietly ? { withinMs: QUIETLY_WITHIN_MS } : {}),
  });
  const known = incident.slack;
  if (known && (await slack.update(known.channel, known.ts, card))) return incident.version;
  const under = await threadOf(runtime, incident);
  const posted = await slack.post(env.SLACK_CHANNEL, card, under);
  if (under?.broadcast) await keepLoudest(runtime, incident);
  const after = await incidents.change(incident.id, now(), () => ({ slack: posted }));
  return after.version;
}

/** What whoever is paged must know without the card. */
function withoutSlack(incident: Incident): string {
  const { approval, decision } = incident;
  const lines = [
    `${incident.label.toUpperCase()} ${incident.type}`,
    `target: ${incident.display ?? 'none named'}, account ${incident.account}, ${incident.region}`,
    `status: ${statusWords(incident.status)}`,
    ...(decision?.reasons ?? []),
  ];
  if (approval && approval.outcome === undefined) {
    lines.push(
      `A person is asked to ${approval.purpose} until ${approval.expiresAt}; if nobody answers, ${expiryWords(incident)}.`,
      'The card appears in Slack as soon as Slack is back.',
    );
  }
  return lines.join('\n');
}
