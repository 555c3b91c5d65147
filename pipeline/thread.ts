/** Where an incident's card is posted: into the channel, or under the first card about the same resource. */
import { setTimeout as sleep } from 'node:timers/promises';
import { severityRank } from '../core/finding/finding.ts';
import {
  type Conversation,
  conversationOf,
  isCurrent,
  readConversation,
  writeConversation,
} from '../core/incident/conversation.ts';
import type { Incident } from '../core/incident/incident.ts';
import type { Under } from '../slack/client.ts';
import type { Runtime } from './runtime.ts';

/** The three tries of one post take no longer; after that another incident takes the conversation over. */
const POSTS_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 500;
/** After this many looks the card is posted into the channel, whichever incident owns the conversation. */
const MOST_LOOKS = 80;

/** Returns the message to post under; undefined where the card stands in the channel on its own. */
export async function threadOf(runtime: Runtime, incident: Incident): Promise<Under | undefined> {
  const { table, incidents, now } = runtime;
  const sequence = incident.partOf === undefined ? undefined : await incidents.find(incident.partOf);
  // A signal stands under the card of its attack sequence.
  const key = conversationOf(sequence ?? incident);
  if (key === undefined) return undefined;
  for (let look = 0; look < MOST_LOOKS; look++) {
    const found = await readConversation(table, key);
    if (found?.incidentId === incident.id) return undefined;
    const owner = found && (await incidents.find(found.incidentId));
    const goesOn = owner !== undefined && isCurrent(owner, now());
    if (found && goesOn && owner.slack) {
      const ts = owner.slack.thread ?? owner.slack.ts;
      return { ts, broadcast: isLoud(incident, found) };
    }
    const late = found !== undefined && now().getTime() - Date.parse(found.since) > POSTS_WITHIN_MS;
    if (goesOn && owner.cardOwedSince === undefined && !late) {
      await sleep(LOOK_EVERY_MS);
      continue;
    }
    // The card that asks is the first, also where one that joined it is faster.
    const first = goesOn ? incident.id : (incident.approval?.joined?.incident ?? incident.id);
    const claimed = { incidentId: first, since: now().toISOString(), loudest: incident.label };
    if ((await writeConversation(table, key, claimed, found)) && first === incident.id) return undefined;
  }
  return undefined;
}

/** A question of its own, and what is graver than anything before, must be seen by those who do not read the thread. */
const isLoud = ({ label, approval }: Incident, { loudest }: Conversation): boolean =>
  severityRank(label) > severityRank(loudest) ||
  (approval !== undefined && approval.outcome === undefined && approval.joined === undefined);

/** Keeps that the channel has seen this severity, once it has. Two at once: one more card is shown, none is missed. */
export async function keepLoudest({ table }: Runtime, incident: Incident): Promise<void> {
  const key = conversationOf(incident);
  const found = key === undefined ? undefined : await readConversation(table, key);
  if (key === undefined || !found || severityRank(incident.label) <= severityRank(found.loudest)) return;
  const { version: _read, ...rest } = found;
  await writeConversation(table, key, { ...rest, loudest: incident.label }, found);
}
