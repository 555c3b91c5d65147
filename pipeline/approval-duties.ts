/** What the sweep does when an approval's time comes: remind, escalate, end what the workflow did not end. */
import { type DueApproval, dueApprovals } from '../core/approval/approval.ts';
import { namedApprovers } from '../core/approval/approvers.ts';
import { describeError } from '../core/errors.ts';
import type { ApprovalView, Incident } from '../core/incident/incident.ts';
import { busySeconds, type SlackClient, slackClient } from '../slack/client.ts';
import { person, untrusted, when } from '../slack/text.ts';
import { showCard } from './cards.ts';
import { hasSlack } from './environment.ts';
import { pageIncident } from './incident-page.ts';
import { countMetric, logger, page, type Runtime } from './runtime.ts';

/** Gives how many approvals were due. */
export async function runApprovalClock(runtime: Runtime): Promise<number> {
  let count = 0;
  for await (const due of dueApprovals(runtime.approvals, runtime.now())) {
    count += 1;
    try {
      await attend(runtime, due);
    } catch (error) {
      countMetric('ApprovalClockFailed');
      const { id } = due.incident;
      logger.error('an approval that is due could not be attended to', {
        incidentId: id,
        due: due.due,
        reason: describeError(error),
      });
      await page(runtime, `Firebreak ${id}: no one has decided (${due.due})`, describeError(error));
    }
  }
  return count;
}

async function attend(runtime: Runtime, { incident, approval, due }: DueApproval): Promise<void> {
  const { incidents, now } = runtime;
  switch (due) {
    case 'remind': {
      await incidents.note(incident.id, 'no one has decided yet: reminded', now());
      const asked = await namedApprovers(runtime.table, runtime.policy, incident);
      const said = await say(runtime, incident, (slack) =>
        remind(slack, runtime, incident, question(asked, incident, approval)),
      );
      if (!said) {
        await pageIncident(runtime, incident, `Firebreak ${incident.id}: still waiting for a decision`);
      }
      await showCard(runtime, incident.id, { quietly: true });
      return;
    }
    case 'escalate': {
      await incidents.note(incident.id, 'no one has decided yet: escalated to the second tier', now());
      const { channel, mention: whom } = runtime.policy.escalateTo;
      const named = await namedApprovers(runtime.table, runtime.policy, incident);
      const asked = [...new Set([...named, ...whom])];
      await say(runtime, incident, async (slack) => {
        const said = question(whom, incident, approval);
        if (channel !== undefined) await slack.say(channel, `:rotating_light: ${said}`);
        const again = question(asked, incident, approval);
        await remind(slack, runtime, incident, `:rotating_light: Escalated. ${again}`);
      });
      // Whatever Slack did: the second tier carries a pager.
      await pageIncident(runtime, incident, `Firebreak ${incident.id}: no one has decided, escalated`);
      await showCard(runtime, incident.id, { quietly: true });
      return;
    }
    case 'overdue':
      return overdue(runtime, incident, approval);
  }
}

/** The workflow did not end it: it was late, and was resumed just now, or it is gone, and another one goes on for it. */
async function overdue(runtime: Runtime, { id }: Incident, approval: ApprovalView): Promise<void> {
  const { incidents, now } = runtime;
  const lost = `the approval ended at ${approval.expiresAt}, and the workflow that waited for it did not go on`;
  await incidents.note(id, lost, now());
  if (approval.purpose === 'contain') return;
  await page(runtime, `Firebreak ${id}: the containment stays, the workflow is gone`, lost);
  await showCard(runtime, id);
}

const remind = (slack: SlackClient, { env }: Runtime, incident: Incident, text: string): Promise<void> =>
  incident.slack
    ? slack.reply(incident.slack.channel, incident.slack.thread ?? incident.slack.ts, text)
    : slack.say(env.SLACK_CHANNEL, text);

/** Says it in Slack; false when Slack does not take it. */
async function say(
  runtime: Runtime,
  { id }: Incident,
  work: (slack: SlackClient) => Promise<void>,
): Promise<boolean> {
  if (!hasSlack(runtime.env)) return false;
  try {
    const { botToken } = await runtime.slackSecrets();
    await work(slackClient({ botToken, slackApiUrl: runtime.env.SLACK_API_URL }));
    return true;
  } catch (error) {
    countMetric(busySeconds(error) === undefined ? 'SlackFailed' : 'SlackBusy');
    logger.error('Slack did not take a reminder', { incidentId: id, reason: describeError(error) });
    return false;
  }
}

function question(to: readonly string[], incident: Incident, approval: ApprovalView): string {
  const { id, label, type, display, account } = incident;
  const left = approval.needed - approval.approvedBy.length;
  return [
    ...to.map(person),
    `${label.toUpperCase()} ${id}: a decision to ${approval.purpose} is asked for:`,
    `${untrusted(type)} on ${untrusted(display ?? 'no named resource')}, account ${account}.`,
    `Until ${when(approval.expiresAt)}.`,
    ...(approval.approvedBy.length > 0 ? [`${left} more approval is needed.`] : []),
    ...(approval.snoozed ? [`Put off by ${person(approval.snoozed.by)}.`] : []),
  ].join(' ');
}
