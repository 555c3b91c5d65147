/** `firebreak tail`: what happens in the incidents, as it is written. Reads by the table's indexes; changes nothing. */
import { setTimeout as pause } from 'node:timers/promises';
import { inBatches } from '../core/aws/batches.ts';
import type { IncidentRow } from '../core/incident/list.ts';
import { type IncidentStore, incidentStore } from '../core/incident/store.ts';
import { openPlace, type PlaceOptions } from './place.ts';
import { colourOf, plainText, terminal } from './terminal.ts';

export interface TailInput extends PlaceOptions {
  /** Milliseconds of the past that are shown first. */
  readonly since: number;
  /** Seconds between two looks. */
  readonly every: number;
  readonly json: boolean;
}

/** Incidents older than this are no longer looked at: an approval lasts a day or less, an undo is asked soon. */
const OPENED_WITHIN_MS = 3 * 86_400_000;
const AT_A_TIME = 10;

/** Until Ctrl-C, then exit status 0. */
export async function tail(input: TailInput): Promise<number> {
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  const place = await openPlace(input);
  try {
    const follow = follower(incidentStore(place.table), Date.now() - input.since);
    while (!stop.signal.aborted) {
      for (const event of await follow(new Date())) print(event, input.json);
      await pause(input.every * 1000, undefined, { signal: stop.signal }).catch(() => {
        // Ctrl-C while waiting: the loop's condition ends it.
      });
    }
    return 0;
  } finally {
    await place.close();
  }
}

export interface TailEvent {
  readonly at: string;
  readonly event: string;
  readonly incident: IncidentRow;
}

/** Gives, at each look, the events that were not given before, oldest first. */
export function follower(store: IncidentStore, sinceMs: number) {
  const since = new Date(sinceMs).toISOString();
  /** Per incident: the events that were given. */
  const seen = new Map<string, Set<string>>();
  return async (now: Date): Promise<readonly TailEvent[]> => {
    const from = new Date(now.getTime() - OPENED_WITHIN_MS).toISOString();
    const { items } = await store.list({
      from,
      to: new Date(now.getTime() + 60_000).toISOString(),
      limit: 200,
    });
    // A line of the timeline need not change the row.
    const timelines = await inBatches(items, AT_A_TIME, ({ id }) => store.timeline(id));
    const events: TailEvent[] = [];
    for (const [index, incident] of items.entries()) {
      const given = seen.get(incident.id) ?? new Set<string>();
      seen.set(incident.id, given);
      for (const { at, event } of timelines[index] ?? []) {
        const mark = `${at} ${event}`;
        if (at < since || given.has(mark)) continue;
        given.add(mark);
        events.push({ at, event, incident });
      }
    }
    return events.sort((a, b) => (a.at < b.at ? -1 : 1));
  };
}

function print({ at, event, incident }: TailEvent, json: boolean): void {
  const { out, paint } = terminal();
  if (json) {
    const { id, status, label, type, account, region } = incident;
    out(JSON.stringify({ at, event, incident: id, status, severity: label, type, account, region }));
    return;
  }
  const when = paint('dim', at.slice(0, 19).replace('T', ' '));
  out(`${when} ${paint(colourOf(incident.status), incident.id)} ${plainText(event)}`);
}
