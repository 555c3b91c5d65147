/** "This again is noise": what a filter would have hidden is shown first, then it is made, and the channel is notified. */

import { describeError, isFirebreakError } from '../../core/errors.ts';
import { suppress, suppressionFor, wouldHaveHidden } from '../../core/incident/suppression.ts';
import { detectorOf } from '../../core/lists/address-lists.ts';
import { findingOf } from '../../pipeline/plan-target.ts';
import type { Runtime } from '../../pipeline/runtime.ts';
import type { Modal } from '../../slack/block-kit.ts';
import type { SlackClient } from '../../slack/client.ts';
import { refusedForm, suppressForm } from '../../slack/forms.ts';
import { person, untrusted } from '../../slack/text.ts';
import type { Job } from './jobs.ts';

/** The modal's content once it was read: the filter, or why there can be none. */
export async function suppressionView(given: Runtime, incidentId: string, ticket: string): Promise<Modal> {
  const { incidents, now } = given;
  const incident = await incidents.get(incidentId);
  try {
    const suppression = suppressionFor(await findingOf(given, incidentId), incident);
    const hidden = await wouldHaveHidden(incidents, suppression, now());
    return suppressForm(ticket, { incident, criterion: suppression.criterion, hidden });
  } catch (error) {
    if (!isFirebreakError(error, 'Refused')) throw error;
    return refusedForm('suppress', ticket, 'Suppress similar', `${error.message}. ${error.next ?? ''}`);
  }
}

/** Makes the filter in the pipeline's own account, whose detector filters the members' findings as well. */
export async function suppressAlike(
  given: Runtime,
  slack: SlackClient,
  { incidentId, by, reason }: Extract<Job, { kind: 'suppress' }>,
): Promise<void> {
  const { incidents, own, env, now } = given;
  const incident = await incidents.get(incidentId);
  const tell = (text: string) =>
    incident.slack
      ? slack.reply(incident.slack.channel, incident.slack.thread ?? incident.slack.ts, text)
      : slack.say(env.SLACK_CHANNEL, text);
  try {
    const finding = await findingOf(given, incidentId);
    const suppression = suppressionFor(finding, incident);
    const aws = own.inRegion(finding.region);
    const hidden = await wouldHaveHidden(incidents, suppression, now());
    await suppress(aws, finding.detectorId ?? (await detectorOf(aws)), suppression, `${by}: ${reason}`);
    const what = `${by} suppressed findings like this one: ${reason} (filter ${suppression.name}, ${hidden.length} incidents of 90 days alike)`;
    await incidents.note(incidentId, what, now());
    await tell(
      `${person(by)} suppressed findings like this one: ${untrusted(reason)}. GuardDuty archives them unseen from now on; \`npx firebreak suppress ${incidentId} --remove --live\` reverts it.`,
    );
  } catch (error) {
    await incidents.note(incidentId, `not suppressed for ${by}: ${describeError(error)}`, now());
    await tell(`${person(by)}: not suppressed. ${untrusted(describeError(error))}`);
  }
}
