/**
 * Who opened which modal about what. A modal carries the ticket's random id and nothing else; what comes back is
 * believed only as far as this record goes, and only from the person who opened it.
 */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { partitionKey } from '../table/partitions.ts';
import { type Members, parseRecord } from '../table/record.ts';
import type { Table } from '../table/table.ts';

export interface Ticket {
  readonly id: string;
  /** Slack user id of the person who pressed the button. */
  readonly userId: string;
  /** Name of the modal (slack/actions.ts). */
  readonly view: string;
  readonly incidentId: string;
  readonly decisionId?: string | undefined;
}

/** Longer than anybody leaves a modal open and means it. */
const GOOD_FOR_SECONDS = 3600;

const stored = z.object({
  id: z.string(),
  userId: z.string(),
  view: z.string(),
  incidentId: z.string(),
  decisionId: z.string().optional(),
  until: z.number(),
} satisfies Members<Ticket & { readonly until: number }>);

const key = (id: string) => ({ pk: partitionKey('ticket', id), sk: 'TICKET' });

export async function openTicket(table: Table, about: Omit<Ticket, 'id'>, now: Date): Promise<Ticket> {
  const ticket: Ticket = { id: randomBytes(16).toString('hex'), ...about };
  const until = Math.floor(now.getTime() / 1000) + GOOD_FOR_SECONDS;
  await table.put({ ...key(ticket.id), ...ticket, until, ttl: until });
  return ticket;
}

/** The ticket of this modal and this person; undefined for one no one was given, of someone else, or too old. */
export async function ticketOf(
  table: Table,
  claim: { readonly id: string; readonly userId: string; readonly view: string },
  now: Date,
): Promise<Ticket | undefined> {
  if (!/^[0-9a-f]{32}$/.test(claim.id)) return undefined;
  const item = await table.get(key(claim.id));
  if (!item) return undefined;
  const { until, ...ticket } = parseRecord(stored, item);
  const own = ticket.id === claim.id && ticket.userId === claim.userId && ticket.view === claim.view;
  return own && until * 1000 >= now.getTime() ? ticket : undefined;
}
