/** Cards beyond what Slack takes share messages: what was only notified or marked, the gravest first. */
import type { Incident } from '../core/incident/incident.ts';
import { cardShown, type OwedCard, slackIsBusy } from '../core/incident/owed-cards.ts';
import { isContained, isInformation, statusWords } from '../core/incident/status.ts';
import { counted } from '../core/words.ts';
import { marksOnly } from '../playbooks/index.ts';
import { busySeconds, slackClient } from '../slack/client.ts';
import { code, cut, untrusted } from '../slack/text.ts';
import type { Runtime } from './runtime.ts';

const MOST_MESSAGES = 10;
/** A line takes at most 200 characters, a message of Slack 4,000. */
const IN_ONE_MESSAGE = 18;
const LONGEST = 90;

const MOST = MOST_MESSAGES * IN_ONE_MESSAGE;

/** From high severity on a finding has a card of its own, however many there are; anyone who uploads objects makes many that are only marked. */
const HIGH = 7;

/** Returns the incidents that stand in a message now. An update of one of them gets a card of its own. */
export async function postDigests(given: Runtime, owed: readonly OwedCard[]): Promise<readonly string[]> {
  const { env } = given;
  const { botToken } = await given.slackSecrets();
  const slack = slackClient({ botToken, slackApiUrl: env.SLACK_API_URL });
  const posted: string[] = [];
  const all = await sharing(given, owed);
  for (let start = 0; start < all.length; start += IN_ONE_MESSAGE) {
    const part = all.slice(start, start + IN_ONE_MESSAGE);
    const heading = `*${counted(part.length, 'finding')} without a card:* more came at once than Slack takes`;
    try {
      await slack.say(env.SLACK_CHANNEL, [heading, ...part.map(line)].join('\n'));
    } catch (error) {
      const seconds = busySeconds(error);
      if (seconds === undefined) throw error;
      await slackIsBusy(given.table, new Date(given.now().getTime() + seconds * 1000));
      break;
    }
    for (const { id } of part) {
      await shown(given, id);
      posted.push(id);
    }
  }
  return posted;
}

/** What shares messages, the gravest first: what was only notified below high severity, and what was only marked. */
async function sharing({ incidents }: Runtime, owed: readonly OwedCard[]): Promise<readonly Incident[]> {
  const notices = owed.filter(({ asks }) => !asks);
  const [grave, slight] = [
    notices.filter((one) => one.severity >= HIGH),
    notices.filter((one) => one.severity < HIGH),
  ];
  const looked = [grave, slight].flatMap((some) => some.slice(0, MOST));
  const read = await Promise.all(looked.map(({ incidentId }) => incidents.find(incidentId)));
  return read.flatMap((each) => (each && !each.slack && shares(each) ? [each] : [])).slice(0, MOST);
}

const shares = ({ status, severity, targets }: Incident): boolean =>
  isInformation(status) ? severity < HIGH : isContained(status) && marksOnly(targets);

async function shown({ incidents, table, now }: Runtime, incidentId: string): Promise<void> {
  await incidents.change(incidentId, now(), () => ({ cardOwedSince: undefined }));
  await cardShown(table, incidentId);
  await incidents.note(incidentId, 'named in a message in Slack that many findings share', now());
}

const line = ({ id, label, type, display, account, status }: Incident): string =>
  `• ${label.toUpperCase()} ${code(id)} ${untrusted(cut(type, LONGEST))} on ${untrusted(cut(display ?? 'no named resource', LONGEST))}, ${account}: ${statusWords(status)}`;
