/** What became of incidents like this one: the best hint whether it is noise, and who knows it. */
import type { Incident } from './incident.ts';
import type { IncidentRow } from './list.ts';
import type { IncidentStatus } from './status.ts';
import type { IncidentStore } from './store.ts';

export interface SimilarIncident {
  readonly id: string;
  readonly at: string;
  readonly status: IncidentStatus;
  readonly display: string | null;
  /** The very same resource, not only the same type in the same account. */
  readonly sameResource: boolean;
  /** `approved`, `denied`, `expired` where a person was asked; `auto`, `notify`, ... where no one was. */
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
/** Someone waits for it: this many are listed, and of the first ones it is read who decided and why. */
const LISTED = 500;
const READ = 50;

/** Incidents of the last 90 days with the same finding type in the same account, by key from the account's index. */
export async function similarIncidents(
  store: IncidentStore,
  incident: Incident,
  now: Date,
): Promise<SimilarIncidents> {
  const rows: IncidentRow[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.list({
      from: new Date(now.getTime() - DAYS * 86_400_000).toISOString(),
      to: now.toISOString(),
      limit: 100,
      filter: { account: incident.account, text: incident.type },
      ...(cursor === undefined ? {} : { cursor }),
    });
    rows.push(...page.items.filter((row) => isAlike(row, incident)));
    cursor = page.cursor;
  } while (cursor !== undefined && rows.length < LISTED);
  const same = (row: IncidentRow) => row.display !== null && row.display === incident.display;
  rows.sort((a, b) => Number(same(b)) - Number(same(a)));
  const first = await Promise.all(rows.slice(0, READ).map(({ id }) => store.find(id)));
  return {
    days: DAYS,
    more: cursor !== undefined,
    found: rows.map((row, index) => ({
      ...{ id: row.id, at: row.createdAt, status: row.status, display: row.display, sameResource: same(row) },
      ...decisionOf(row, first[index]),
    })),
  };
}

const isAlike = (row: IncidentRow, { id, type, sample }: Incident): boolean =>
  row.id !== id && row.type === type && row.sample === sample;

function decisionOf(row: IncidentRow, whole: Incident | undefined) {
  const { outcome, decidedBy, reason } = whole?.approval ?? {};
  const open = row.asked ? 'asked' : (row.decision ?? 'not decided yet');
  return {
    decided: outcome ?? open,
    ...(decidedBy ? { decidedBy } : {}),
    ...(reason ? { reason } : {}),
  };
}
