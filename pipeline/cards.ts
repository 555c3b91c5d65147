/** The incident's Slack card: made from the table, posted once, rewritten ever after. */
import { namedApprovers } from '../core/approval/approvers.ts';
import { describeError, TableUnavailable } from '../core/errors.ts';
import type { Incident } from '../core/incident/incident.ts';
import { cardShown, oweCard, slackIsBusy } from '../core/incident/owed-cards.ts';
import { relativesOf } from '../core/incident/relatives.ts';
import { statusWords } from '../core/incident/status.ts';
import { type Card, type CardView, incidentCard } from '../slack/card.ts';
import { busySeconds, isRefusedContent, slackClient } from '../slack/client.ts';
import { hasSlack } from './environment.ts';
import { reachAbout } from './incident-page.ts';
import { findingOf } from './plan-target.ts';
import { countMetric, logger, type Runtime } from './runtime.ts';
import { stepsOf } from './steps.ts';
import { keepLoudest, threadOf } from './thread.ts';

export interface Showing {
  /** No one is paged when Slack does not take it: the card is owed, and the sweep posts it. */
  readonly quietly?: boolean;
  /** An incident without a card gets none: another writer is about to post it. */
  readonly rewriting?: boolean;
}

/** Quietly is for where work waits behind it: one try, and the card is owed. */
const QUIETLY_WITHIN_MS = 3000;

/** The incident changed while its card was on the way: it is written again, this often at most. */
const MOST_REWRITES = 3;

/**
 * Posts or rewrites the card. Returns false when Slack does not take it: the incident goes on, and the card is owed until the
 * sweep posts it. Where Slack is down or refuses the token, the page topic gets the same text; where it only takes no more
 * messages for now, the sweep pages about what waits too long.
 */
export async function showCard(
  runtime: Runtime,
  incidentId: string,
  { quietly = false, rewriting = false }: Showing = {},
): Promise<boolean> {
  const { incidents, now } = runtime;
  let incident = await incidents.get(incidentId);
  if (!hasSlack(runtime.env)) {
    // A stack without Slack pages what its card would say.
    if (!quietly && incident.status !== 'recorded')
      await reachAbout(runtime, incident, `Firebreak ${incidentId}: ${statusWords(incident.status)}`);
    return true;
  }
  try {
    for (let writes = 1; ; writes++) {
      const shown = await put(runtime, incident, { quietly, rewriting });
      incident = await incidents.get(incidentId);
      // Two writers at once: whichever is last reads what the other has shown, so that no older state stays.
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
    await owe(runtime, incident, error, quietly);
    return false;
  }
}

async function owe(runtime: Runtime, incident: Incident, error: unknown, quietly: boolean): Promise<void> {
  const { incidents, table, now } = runtime;
  const { id } = incident;
  const reason = describeError(error);
  const seconds = busySeconds(error);
  countMetric(seconds === undefined ? 'SlackFailed' : 'SlackBusy');
  logger.error('Slack did not take the card', { incidentId: id, reason });
  if (seconds !== undefined) await slackIsBusy(table, new Date(now().getTime() + seconds * 1000));
  await oweCard(table, incident, now(), false);
  if (incident.cardOwedSince === undefined) {
    await incidents.change(id, now(), (read) => ({
      cardOwedSince: read.cardOwedSince ?? now().toISOString(),
    }));
  }
  if (quietly) return;
  if (seconds !== undefined) {
    await incidents.note(id, 'Slack takes no more messages for now: the card follows', now());
    return;
  }
  const subject = `Firebreak ${id}: ${statusWords(incident.status)} (Slack is down)`;
  const paged = await reachAbout(runtime, incident, subject, [
    'The card appears in Slack as soon as Slack is back.',
  ]);
  if (paged) await oweCard(table, incident, now(), true);
  const instead = paged ? 'paged instead' : 'neither Slack nor the page topic took it, the sweep tries again';
  await incidents.note(id, `Slack did not take the card (${reason}): ${instead}`, now());
}

/** Gives the incident's version that Slack shows now. */
async function put(runtime: Runtime, incident: Incident, how: Showing): Promise<number> {
  const { incidents, now } = runtime;
  const view = await viewOf(runtime, incident);
  const card = incidentCard(view);
  try {
    return await place(runtime, incident, card, how);
  } catch (error) {
    const hasPicture = card.blocks.some(({ type }) => type === 'image');
    if (!hasPicture || !isRefusedContent(error)) throw error;
    // Slack has not looked at the picture yet, or has it no more: the card goes without it.
    const { file } = incident.picture ?? {};
    const without = await incidents.change(incident.id, now(), (read) =>
      read.picture?.file === file ? { picture: undefined } : undefined,
    );
    return place(runtime, without, incidentCard({ ...view, incident: without }), how);
  }
}

const viewOf = async (runtime: Runtime, incident: Incident): Promise<CardView> => {
  const { env, incidents, policy, now } = runtime;
  return {
    incident,
    finding: await findingOf(runtime, incident.id),
    steps: await stepsOf(runtime, incident),
    policyApprovers: await namedApprovers(runtime.table, policy, incident),
    breakGlass: policy.breakGlass.length > 0,
    now: now(),
    context: await incidents.context(incident.id),
    relatives: await relativesOf(incidents, incident),
    ...(env.CONSOLE_URL ? { consoleUrl: env.CONSOLE_URL } : {}),
  };
};

async function place(
  runtime: Runtime,
  incident: Incident,
  card: Card,
  { quietly = false, rewriting = false }: Showing,
): Promise<number> {
  const { env, incidents, now } = runtime;
  const { botToken } = await runtime.slackSecrets();
  const slack = slackClient({
    botToken,
    slackApiUrl: env.SLACK_API_URL,
    ...(quietly ? { withinMs: QUIETLY_WITHIN_MS } : {}),
  });
  const known = incident.slack;
  if (known && (await slack.update(known.channel, known.ts, card))) return incident.version;
  if (rewriting && !known) return incident.version;
  const under = await threadOf(runtime, incident);
  const posted = await slack.post(env.SLACK_CHANNEL, card, under);
  if (under?.broadcast) await keepLoudest(runtime, incident);
  const after = await incidents.change(incident.id, now(), () => ({ slack: posted }));
  // Its card names this one from now on.
  if (incident.followUpOf) await showCard(runtime, incident.followUpOf.incidentId, { quietly: true });
  return after.version;
}
