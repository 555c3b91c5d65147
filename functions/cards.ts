/** The incident's Slack card: made from the table, posted once, rewritten ever after. */
import { describeError } from '../core/errors.ts';
import { incidentCard } from '../slack/card.ts';
import { slackClient } from '../slack/client.ts';
import { findingOf } from './plan-target.ts';
import { countMetric, logger, page, type Runtime } from './runtime.ts';
import { stepsOf } from './steps.ts';

/**
 * Posts or rewrites the card. When Slack does not take it, the page topic gets the same text and the incident goes on:
 * gives false then.
 */
export async function showCard(runtime: Runtime, incidentId: string): Promise<boolean> {
  const { env, incidents, policy, now } = runtime;
  const incident = await incidents.get(incidentId);
  const card = incidentCard({
    incident,
    finding: await findingOf(runtime, incidentId),
    steps: await stepsOf(runtime, incident),
    policyApprovers: policy.approvers,
    now: now(),
    context: await incidents.context(incidentId),
    ...(env.CONSOLE_URL ? { consoleUrl: env.CONSOLE_URL } : {}),
  });
  try {
    const { botToken } = await runtime.slackSecrets();
    const poster = slackClient({ botToken, slackApiUrl: env.SLACK_API_URL });
    const known = incident.slack;
    if (!known || !(await poster.update(known.channel, known.ts, card))) {
      const slack = await poster.post(env.SLACK_CHANNEL, card);
      await incidents.change(incidentId, now(), () => ({ slack }));
    }
    return true;
  } catch (error) {
    countMetric('SlackFailed');
    logger.error('Slack did not take the card', { incidentId, reason: describeError(error) });
    await incidents.note(
      incidentId,
      `Slack did not take the card (${describeError(error)}): paged instead`,
      now(),
    );
    await page(runtime, `Firebreak ${incidentId}: ${incident.status} (Slack is down)`, card.text);
    return false;
  }
}
