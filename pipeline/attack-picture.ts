/**
 * The attack's picture on the card: uploaded after the card is in Slack, and again where the cut or what remains is another. The card has
 * its line of text until then, and where Slack takes no picture; nothing waits for it, and nothing fails of it.
 */
import { pause } from '../core/aws/client.ts';
import { describeError } from '../core/errors.ts';
import type { Incident } from '../core/incident/incident.ts';
import { isSlackBusy } from '../core/incident/owed-cards.ts';
import { type CardPicture, cardPicture } from '../slack/card.ts';
import { slackClient } from '../slack/client.ts';
import { showCard } from './cards.ts';
import { hasSlack } from './environment.ts';
import { findingOf } from './plan-target.ts';
import { logger, type Runtime } from './runtime.ts';
import { stepsOf } from './steps.ts';

/** One try for each call. */
const WITHIN_MS = 5000;
/** Slack looks at a new file for a second or two, and until then it refuses a card that shows it. */
const WAITS_MS = [1500, 3000, 5000];

/** Puts the picture of the incident as it is now on its card. Never throws. */
export async function showPicture(runtime: Runtime, incidentId: string): Promise<void> {
  try {
    const incident = await runtime.incidents.get(incidentId);
    if (!(await takesPictures(runtime, incident))) return;
    const drawn = await pictureOf(runtime, incident);
    if (drawn && drawn.shows !== incident.picture?.shows) await put(runtime, incidentId, drawn);
  } catch (error) {
    logger.warn('the card stays without a picture of the attack', {
      incidentId,
      reason: describeError(error),
    });
  }
}

/** Not where the question of another card covers it: that card has the picture, and sixty findings of one attack share it. */
const takesPictures = async ({ env, table, now }: Runtime, incident: Incident): Promise<boolean> =>
  hasSlack(env) &&
  incident.slack !== undefined &&
  incident.cardOwedSince === undefined &&
  incident.approval?.joined === undefined &&
  !(await isSlackBusy(table, now()));

const pictureOf = async (runtime: Runtime, incident: Incident): Promise<CardPicture | undefined> =>
  cardPicture({
    incident,
    finding: await findingOf(runtime, incident.id),
    steps: await stepsOf(runtime, incident),
    context: await runtime.incidents.context(incident.id),
  });

async function put(runtime: Runtime, incidentId: string, { graph, shows }: CardPicture): Promise<void> {
  const { env, incidents, now } = runtime;
  // Loaded here and nowhere before: what draws is larger than all else that these functions load.
  const { attackPicture } = await import('../slack/attack-picture.ts');
  const bytes = attackPicture(graph);
  const { botToken } = await runtime.slackSecrets();
  const slack = slackClient({ botToken, slackApiUrl: env.SLACK_API_URL, withinMs: WITHIN_MS });
  const title = `${graph.title} of ${incidentId}`;
  const picture = { shows, file: await slack.upload({ name: 'attack-path.png', title, bytes }) };
  for (const wait of WAITS_MS) {
    await pause(wait);
    await incidents.change(incidentId, now(), () => ({ picture }));
    if (!(await showCard(runtime, incidentId, { quietly: true, rewriting: true }))) return;
    // A card that Slack refused for its picture is there without it, and the record as well.
    if ((await incidents.get(incidentId)).picture?.file === picture.file) return;
  }
  logger.warn('Slack took the picture of the attack, and not the card with it', { incidentId });
}
