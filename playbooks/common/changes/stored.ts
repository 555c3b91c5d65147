/** Calls of the deployment's store of events, which holds what the event history does not (docs/call-history.md). */
import type { Aws } from '../../../core/aws/client.ts';
import type { CallsAbout, CallsBy } from '../../../core/aws/event-store/statement.ts';
import { storedEvents } from '../../../core/aws/event-store/store.ts';
import { type Call, changingCall } from './call.ts';

const HISTORY_DAYS = 90;
/** What is looked at where there is no store, or none that answers. */
export const HISTORY = `CloudTrail's last ${HISTORY_DAYS} days`;
const DAY_MS = 86_400_000;
/** A query costs what it reads: what is older is not looked for. */
const MOST_DAYS = 366;

export type StoredCalls =
  | { readonly store: string; readonly calls: readonly Call[]; readonly from: Date; readonly more: boolean }
  | { readonly store: string; readonly why: string };

/** Returns the calls of the store, newest first; undefined where the deployment names none. */
export async function callsStored(
  aws: Aws,
  of: CallsBy | CallsAbout,
  since?: Date,
): Promise<StoredCalls | undefined> {
  const to = new Date();
  const oldest = new Date(to.getTime() - MOST_DAYS * DAY_MS);
  const from = since && since > oldest ? since : oldest;
  const { account } = aws.scope;
  const stored = await storedEvents(aws, { account, from, to, of });
  if (!stored || 'why' in stored) return stored;
  const { store, records, more } = stored;
  const calls = records.flatMap((raw) => changingCall(raw, account) ?? []);
  return { store, from, more, calls: calls.map((call) => ({ ...call, store })) };
}

/** Returns why the store does not show what is looked for; nothing where there is none. */
export function notStored(stored: StoredCalls | undefined): readonly string[] {
  if (!stored) return [];
  if ('why' in stored) return [`${stored.store} was not searched (${stored.why})`];
  const read = stored.more ? 'as many calls as are read' : `the last ${MOST_DAYS} days`;
  return [`nor does ${stored.store}, of which ${read} were looked at`];
}

/** Returns the calls of both, each once: the history is some minutes ahead, and its records are shown by a command. */
export function eachOnce(history: readonly Call[], stored: readonly Call[]): readonly Call[] {
  const known = new Set(history.map(({ id }) => id));
  return [...history, ...stored.filter(({ id }) => !known.has(id))];
}

/** Whether the event history no longer reaches back to the time. */
export const isForgotten = (at: string): boolean => Date.parse(at) < Date.now() - HISTORY_DAYS * DAY_MS;
