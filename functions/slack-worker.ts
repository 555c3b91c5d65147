/** Does what the Slack endpoint handed over: cards, words to people, modals that must be read first, filters. */
import { describeError } from '../core/errors.ts';
import { relativesOf } from '../core/incident/relatives.ts';
import { similarIncidents } from '../core/incident/similar.ts';
import { announce } from '../pipeline/announce.ts';
import { showCard } from '../pipeline/cards.ts';
import { lambda } from '../pipeline/lambda.ts';
import { tellPagerDuty } from '../pipeline/pagerduty.ts';
import { findingOf } from '../pipeline/plan-target.ts';
import { countMetric, logger, type Runtime } from '../pipeline/runtime.ts';
import { stepsOf } from '../pipeline/steps.ts';
import { busySeconds, slackClient } from '../slack/client.ts';
import { detailsView } from '../slack/details.ts';
import { type Job, jobs as schema } from './slack/jobs.ts';
import { suppressAlike, suppressionView } from './slack/suppress.ts';

export const handler = lambda(async (event, given): Promise<{ done: number }> => {
  const { jobs } = schema.parse(event);
  for (const job of jobs) {
    try {
      await work(given, job);
    } catch (error) {
      // One that fails must not keep the others from being done, nor be done twice because Lambda tries again.
      countMetric(busySeconds(error) === undefined ? 'SlackFailed' : 'SlackBusy');
      logger.error('a job for Slack was not done', { kind: job.kind, reason: describeError(error) });
    }
  }
  return { done: jobs.length };
});

async function work(given: Runtime, job: Job): Promise<void> {
  const { botToken } = await given.slackSecrets();
  const slack = slackClient({ botToken, slackApiUrl: given.env.SLACK_API_URL });
  switch (job.kind) {
    case 'card': {
      const { approval } = await given.incidents.get(job.incidentId);
      // The function that asks posts the card of a question: a second one would be there in the same moment.
      await showCard(given, job.incidentId, { rewriting: approval !== undefined });
      return;
    }
    case 'acknowledge':
      await tellPagerDuty(given, { action: 'acknowledge', key: job.incidentId });
      return;
    case 'tell':
      return slack.tell(job.channel, job.user, job.text);
    case 'alert':
      return announce(given, job);
    case 'details': {
      const incident = await given.incidents.get(job.incidentId);
      const [finding, steps, timeline, context, madeBefore, relatives, similar] = await Promise.all([
        findingOf(given, incident.id),
        stepsOf(given, incident),
        given.incidents.timeline(incident.id),
        given.incidents.context(incident.id),
        given.incidents.madeBefore(incident.id),
        relativesOf(given.incidents, incident),
        // Read only for the page that shows it: it pages through the incidents of 90 days.
        job.page?.startsWith('similar.')
          ? similarIncidents(given.incidents, incident, given.now())
          : undefined,
      ]);
      const consoleUrl = given.env.CONSOLE_URL;
      const page = { madeBefore, similar, relatives, consoleUrl, page: job.page };
      const content = { incident, finding, steps, timeline, context, ...page };
      return slack.updateView(job.viewId, detailsView(job.ticket, content));
    }
    case 'suppression':
      return slack.updateView(job.viewId, await suppressionView(given, job.incidentId, job.ticket));
    case 'suppress':
      return suppressAlike(given, slack, job);
  }
}
