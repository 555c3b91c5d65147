/**
 * Under which card in Slack the cards of one resource stand: `CONVERSATION#<resource key>` / `CARD`. The first incident on
 * the resource owns the conversation while a workflow runs on it, and for a day after its last change.
 */
import { z } from 'zod';
import { isFirebreakError } from '../errors.ts';
import type { SeverityLabel } from '../finding/finding.ts';
import { partitionKey } from '../table/partitions.ts';
import { parseRecord } from '../table/record.ts';
import type { Table } from '../table/table.ts';
import { ABSENT } from '../table/terms.ts';
import type { Incident } from './incident.ts';
import { labelSchema } from './schema.ts';
import { isRunning } from './status.ts';

export interface Conversation {
  /** The incident whose card the others stand under. */
  readonly incidentId: string;
  /** When it was claimed, ISO 8601. */
  readonly since: string;
  /** The gravest severity that the channel itself has seen. */
  readonly loudest: SeverityLabel;
  readonly version: number;
}

const QUIET_MS = 86_400_000;
/** Who owns it says nothing for longer than incidents are kept apart. */
const KEPT_SECONDS = 90 * 86_400;

const schema: z.ZodType<Conversation> = z.object({
  incidentId: z.string(),
  since: z.string(),
  loudest: labelSchema,
  version: z.number(),
});

/** Returns the key of the incident's conversation; undefined for a sample, and where nothing is named to act on. */
export const conversationOf = ({ sample, targets: [first] }: Incident): string | undefined =>
  sample ? undefined : first?.key;

export const isCurrent = ({ status, updatedAt }: Incident, now: Date): boolean =>
  isRunning(status) || now.getTime() - Date.parse(updatedAt) < QUIET_MS;

const keyOf = (key: string) => ({ pk: partitionKey('conversation', key), sk: 'CARD' });

export async function readConversation(table: Table, key: string): Promise<Conversation | undefined> {
  const item = await table.get(keyOf(key));
  return item && parseRecord(schema, item);
}

/** Stores it over what was read; false when another incident wrote first. */
export async function writeConversation(
  table: Table,
  key: string,
  next: Omit<Conversation, 'version'>,
  read: Conversation | undefined,
): Promise<boolean> {
  const ttl = Math.floor(Date.parse(next.since) / 1000) + KEPT_SECONDS;
  const item = { ...keyOf(key), ...next, version: (read?.version ?? 0) + 1, ttl };
  try {
    await table.put(
      item,
      read
        ? { text: '#version = :version', names: { version: 'version' }, values: { version: read.version } }
        : ABSENT,
    );
    return true;
  } catch (error) {
    if (!isFirebreakError(error, 'Conflict')) throw error;
    return false;
  }
}
