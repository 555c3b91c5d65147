/** Cards that Slack did not take: `sweep` posts them, the gravest questions first, and pages about those that wait too long. */
import { z } from 'zod';
import { PARTITIONS, partitionKey } from '../table/partitions.ts';
import { NO_LONGER_DUE, unlessLost } from '../table/schedule.ts';
import type { Table } from '../table/table.ts';
import type { Incident } from './incident.ts';

const OWED = 'CARD-OWED';
/** A person was paged about these. */
const PAGED = 'CARD-OWED-PAGED';
const key = (incidentId: string) => ({ pk: partitionKey('owedCard', incidentId), sk: 'OWED' });

export interface OwedCard {
  readonly incidentId: string;
  readonly since: string;
  readonly severity: number;
  /** The card asks: a person cannot decide in Slack before it is there. */
  readonly asks: boolean;
  readonly paged: boolean;
}

/** Returns whether the incident's own card is what people decide by now. */
export const asksNow = ({ approval }: Pick<Incident, 'approval'>): boolean =>
  approval !== undefined && approval.outcome === undefined && approval.joined === undefined;

/** Keeps that the card is owed; since when, and that a person was paged, stay as they were. */
export async function oweCard(table: Table, incident: Incident, at: Date, paged: boolean): Promise<void> {
  const since = incident.cardOwedSince ?? at.toISOString();
  await table.update(key(incident.id), {
    text: `SET #index = ${paged ? ':index' : 'if_not_exists(#index, :index)'}, #order = if_not_exists(#order, :order), #severity = :severity, #status = :status`,
    names: { index: 'gsi1pk', order: 'gsi1sk', severity: 'severity', status: 'status' },
    values: {
      index: paged ? PAGED : OWED,
      order: `${since}#${incident.id}`,
      severity: incident.severity,
      status: asksNow(incident) ? 'asks' : 'tells',
    },
  });
}

/** A person was paged about it, once is enough; a card that Slack has by now stays out of the index. */
export async function cardPaged(table: Table, incidentId: string): Promise<void> {
  await unlessLost(
    table.update(
      key(incidentId),
      { text: 'SET #index = :paged', names: { index: 'gsi1pk' }, values: { paged: PAGED } },
      { text: '#index = :owed', names: { index: 'gsi1pk' }, values: { owed: OWED } },
    ),
  );
}

/** Slack has it. */
export async function cardShown(table: Table, incidentId: string): Promise<void> {
  await table.update(key(incidentId), NO_LONGER_DUE);
}

/** As the index holds it; earlier releases kept neither severity nor question. */
const indexed = z.object({
  pk: z.string(),
  gsi1sk: z.string(),
  severity: z.number().catch(0),
  status: z.enum(['asks', 'tells']).catch('tells'),
});

/** Returns what is owed: questions first, then by severity, then the oldest; `most` of each kind are looked at. */
export async function owedCards(table: Table, most: number): Promise<readonly OwedCard[]> {
  const found = await Promise.all(
    [OWED, PAGED].map(async (index) =>
      (await rows(table, index, most)).map((row) => ({ ...row, paged: index === PAGED })),
    ),
  );
  const rank = (asks: boolean) => (asks ? 0 : 1);
  return found
    .flat()
    .sort((a, b) => rank(a.asks) - rank(b.asks) || b.severity - a.severity || a.since.localeCompare(b.since));
}

async function rows(table: Table, index: string, most: number) {
  const found: z.output<typeof indexed>[] = [];
  let cursor: string | undefined;
  do {
    const page = await table.page({
      pk: index,
      limit: 1000,
      oldestFirst: true,
      ...(cursor ? { cursor } : {}),
    });
    found.push(...page.items.map((item) => indexed.parse(item)));
    cursor = page.cursor;
  } while (cursor && found.length < most);
  return found.slice(0, most).map(({ pk, gsi1sk, severity, status }) => ({
    incidentId: pk.slice(PARTITIONS.owedCard.length),
    since: gsi1sk.slice(0, gsi1sk.indexOf('#')),
    severity,
    asks: status === 'asks',
  }));
}

const BUSY = { pk: partitionKey('owedCard', 'SLACK'), sk: 'BUSY' };
const busy = z.object({ until: z.iso.datetime() });

/** Slack takes no more messages before `until`. */
export async function slackIsBusy(table: Table, until: Date): Promise<void> {
  await table.put({ ...BUSY, until: until.toISOString() });
}

/** Returns whether Slack asked to wait for longer than until `now`. */
export async function isSlackBusy(table: Table, now: Date): Promise<boolean> {
  const read = await table.get(BUSY);
  return read !== undefined && busy.parse(read).until > now.toISOString();
}
