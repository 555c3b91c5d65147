/** Tells everyone: the page topic, and the channel of the cards. */
import { slackClient } from '../slack/client.ts';
import { person, untrusted } from '../slack/text.ts';
import { hasSlack } from './environment.ts';
import type { Announcement } from './mode.ts';
import { page, type Runtime } from './runtime.ts';

/** Pages first, so that what Slack does not take was paged. */
export async function announce(given: Runtime, { subject, text, people }: Announcement): Promise<void> {
  await page(given, subject, text);
  if (!hasSlack(given.env)) return;
  const { botToken } = await given.slackSecrets();
  const slack = slackClient({ botToken, slackApiUrl: given.env.SLACK_API_URL });
  const named = people.reduce((so, id) => so.replaceAll(id, person(id)), untrusted(text));
  await slack.say(given.env.SLACK_CHANNEL, `<!channel> *${untrusted(subject)}*\n${named}`);
}
