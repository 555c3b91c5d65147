/** The sweep's part of cards that Slack did not take: it posts them at Slack's pace, and pages about those that wait. */
import { describeError, isFirebreakError } from '../core/errors.ts';
import type { Incident } from '../core/incident/incident.ts';
import { asksNow, cardPaged, isSlackBusy, type OwedCard, owedCards } from '../core/incident/owed-cards.ts';
import { statusWords } from '../core/incident/status.ts';
import { showCard } from './cards.ts';
import { postDigests } from './digest.ts';
import { hasSlack } from './environment.ts';
import { page, type Runtime } from './runtime.ts';

/** Slack takes about one message a second in a channel; the sweep has other duties. */
const MOST_CARDS = 30;
/** After these Slack is not asked again before the next minute. */
const MOST_REFUSALS = 3;
const MOST_LOOKED_AT = 2000;

/** A person cannot decide what they do not see; a busy Slack is given one minute for it. */
const QUESTION_WAITS_MS = 60_000;
/** What is only to be read may be late: a burst of 600 cards takes Slack ten minutes. */
const CARD_WAITS_MS = 15 * 60_000;
/** One page names this many incidents, the gravest. */
const MOST_NAMED = 25;

/** Returns how many cards Slack took at last. */
export async function postOwed(given: Runtime): Promise<number> {
  if (!hasSlack(given.env)) return 0;
  const owed = await owedCards(given.table, MOST_LOOKED_AT);
  const posted = (await isSlackBusy(given.table, given.now())) ? new Set<string>() : await post(given, owed);
  await pageAboutWaiting(
    given,
    owed.filter(({ incidentId }) => !posted.has(incidentId)),
  );
  return posted.size;
}

async function post(given: Runtime, owed: readonly OwedCard[]): Promise<ReadonlySet<string>> {
  const posted = new Set<string>();
  let refused = 0;
  for (const { incidentId } of owed.slice(0, MOST_CARDS)) {
    if (await showCard(given, incidentId, { quietly: true })) posted.add(incidentId);
    else refused += 1;
    if (refused === MOST_REFUSALS || (refused > 0 && (await isSlackBusy(given.table, given.now()))))
      return posted;
  }
  for (const id of await postDigests(given, owed.slice(MOST_CARDS))) posted.add(id);
  return posted;
}

/** One page for all that have waited too long since the last one. */
async function pageAboutWaiting(given: Runtime, owed: readonly OwedCard[]): Promise<void> {
  const waited = ({ since, asks }: OwedCard): boolean =>
    given.now().getTime() - Date.parse(since) >= (asks ? QUESTION_WAITS_MS : CARD_WAITS_MS);
  const late = owed.filter((card) => !card.paged && waited(card));
  const [first, ...others] = late;
  if (!first) return;
  const named = await Promise.all(late.slice(0, MOST_NAMED).map(({ incidentId }) => line(given, incidentId)));
  const left = late.length - named.length;
  await page(
    given,
    others.length === 0
      ? `Firebreak ${first.incidentId}: its card is not in Slack`
      : `Firebreak ${first.incidentId} and ${others.length} more: their cards are not in Slack`,
    [...named, ...(left > 0 ? [`and ${left} more: firebreak history --live`] : [])].join('\n'),
  );
  for (const { incidentId } of late) await cardPaged(given.table, incidentId);
}

async function line({ incidents }: Runtime, incidentId: string): Promise<string> {
  try {
    return sentence(await incidents.get(incidentId));
  } catch (error) {
    // A damaged record must not keep the others from being named.
    if (!isFirebreakError(error, 'InputInvalid')) throw error;
    return `${incidentId}: ${describeError(error)}`;
  }
}

function sentence(incident: Incident): string {
  const { id, label, type, display, account, status, approval } = incident;
  const what = `${id} ${label.toUpperCase()} ${type} on ${display ?? 'no named resource'}, account ${account}: ${statusWords(status)}`;
  if (!approval || !asksNow(incident)) return what;
  return `${what} to ${approval.purpose} until ${approval.expiresAt}. Decide: firebreak approve ${id} --live`;
}
