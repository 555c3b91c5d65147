/** What became of incidents like this one: the best hint whether it is noise, and who knows it. */
import type { Incident, IncidentStatus } from './incident.ts';
import type { IncidentStore } from './incident-store.ts';

export interface SimilarIncident {
  readonly id: string;
  readonly at: string;
  readonly status: IncidentStatus;
  readonly display: string | null;
  /** The very same resource, not only the same type in the same account. */
  readonly sameResource: boolean;
  /** `approved`, `denied`, `expired` by a person or the clock; `auto`, ... where nobody was asked. */
  readonly decided: string;
  readonly decidedBy?: string;
  readonly reason?: string;
}

export interface SimilarIncidents {
  readonly days: number;
  /** Same resource first, then the newest. */
  readonly found: readonly SimilarIncident[];
  /** There are older ones that were not looked at. */
  readonly more: boolean;
}

const DAYS = 90;
/** Somebody waits for it: this many incidents are read and no more. */
const READ_AT_MOST = 2000;

/** Incidents of the last 90 days with the same finding type and account. Read by key, never a scan. */
export async function similarIncidents(
  store: IncidentStore,
  incident: Incident,
  now: Date,
): Promise<SimilarIncidents> {
  const since = new Date(now.getTime() - DAYS * 86_400_000).toISOString();
  const found: SimilarIncident[] = [];
  let read = 0;
  let cursor: string | undefined;
  const done = (more: boolean): SimilarIncidents => ({
    days: DAYS,
    more,
    found: found.sort((a, b) => Number(b.sameResource) - Number(a.sameResource)),
  });
  do {
    const page = await store.list({ limit: 200, ...(cursor === undefined ? {} : { cursor }) });
    for (const other of page.items) {
      if (other.createdAt < since) return done(false);
      read += 1;
      if (isAlike(other, incident)) found.push(summaryOf(other, incident));
    }
    cursor = page.cursor;
    if (read >= READ_AT_MOST && cursor !== undefined) return done(true);
  } while (cursor !== undefined);
  return done(false);
}

const isAlike = (other: Incident, { id, type, account, sample }: Incident): boolean =>
  other.id !== id && other.type === type && other.account === account && other.sample === sample;

function summaryOf(other: Incident, incident: Incident): SimilarIncident {
  const { approval, decision } = other;
  return {
    id: other.id,
    at: other.createdAt,
    status: other.status,
    display: other.display,
    sameResource: other.display !== null && other.display === incident.display,
    decided: approval?.outcome ?? (approval ? 'not decided yet' : (decision?.kind ?? 'not decided yet')),
    ...(approval?.decidedBy ? { decidedBy: approval.decidedBy } : {}),
    ...(approval?.reason ? { reason: approval.reason } : {}),
  };
}
