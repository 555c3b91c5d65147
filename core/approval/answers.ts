/**
 * Answers that people write themselves, with their own AWS credentials, to the partition that proves who they are. Nothing
 * is decided by writing one: the sweep reads it, asks what the Slack endpoint asks, and writes here what became of it.
 */
import { z } from 'zod';
import type { Mode } from '../table/mode.ts';
import { dueAt, indexedItems, unlessLost } from '../table/schedule.ts';
import type { Key, Table } from '../table/table.ts';
import { DOOR_INDEX } from '../table/terms.ts';
import { type Door, doorKey, doorOf } from './door.ts';

const answer = z.object({
  decisionId: z.string().regex(/^[0-9a-f]{32}$/),
  outcome: z.enum(['approved', 'denied']),
  reason: z.string().max(3000).optional(),
});
export type Answer = z.output<typeof answer>;

/** The mode that a person wants in force. */
const modeRequest = z.object({ mode: z.enum(['observe', 'enforce']) });
type ModeRequest = z.output<typeof modeRequest>;

const record = z.union([answer, modeRequest]);
type Written = z.output<typeof record>;

/** How an answer ended, and a sentence for the person who gave it. */
export interface AnswerResult {
  readonly counted: boolean;
  readonly text: string;
}
const result = z.object({ counted: z.boolean(), text: z.string() });

/** What was written, as read back by the sweep: `said` is undefined where it is not an answer of any person. */
export interface WrittenAnswer {
  readonly key: Key;
  /** Its place in the index: a later answer of the same person stands elsewhere. */
  readonly order: string;
  readonly said: ((Answer | ModeRequest) & { readonly door: Door }) | undefined;
}

/** After this the table forgets it; the incident's timeline keeps what it did. */
const KEPT_SECONDS = 30 * 86_400;

const nameOf = (said: Written): string =>
  'mode' in said ? `MODE#${said.mode}` : `ANSWER#${said.decisionId}`;
const keyOf = (door: Door, sk: string): Key => ({ pk: doorKey(door), sk });

/** Writes an answer, or the wish for a mode, with the credentials of the person whose it is. */
export async function writeAnswer(table: Table, door: Door, said: Written, now: Date): Promise<void> {
  await table.put({
    ...keyOf(door, nameOf(said)),
    ...said,
    ...dueAt(DOOR_INDEX, 'mode' in said ? said.mode : said.decisionId, now.toISOString()),
    ttl: Math.floor(now.getTime() / 1000) + KEPT_SECONDS,
  });
}

/** Returns what became of an answer; undefined until the sweep has read it. */
export const answerResult = (
  table: Table,
  door: Door,
  decisionId: string,
): Promise<AnswerResult | undefined> => resultAt(table, keyOf(door, `ANSWER#${decisionId}`));

/** Returns what became of the wish for a mode; undefined until the sweep has read it. */
export const modeResult = (table: Table, door: Door, mode: Mode): Promise<AnswerResult | undefined> =>
  resultAt(table, keyOf(door, nameOf({ mode })));

async function resultAt(table: Table, key: Key): Promise<AnswerResult | undefined> {
  const item = await table.get(key);
  return item?.['result'] === undefined ? undefined : result.parse(item['result']);
}

/** Every answer that waits to be read. */
export async function* waitingAnswers(table: Table): AsyncGenerator<WrittenAnswer> {
  for await (const item of indexedItems(table, DOOR_INDEX)) {
    const { pk, sk } = item;
    const door = doorOf(pk);
    const parsed = record.safeParse(item);
    const said = door && parsed.success && sk === nameOf(parsed.data);
    yield {
      key: { pk, sk },
      order: String(item['gsi1sk']),
      said: said ? { ...parsed.data, door } : undefined,
    };
  }
}

/** Writes what became of it: the answer leaves the index. One that the person replaced meanwhile waits on. */
export async function closeAnswer(
  table: Table,
  { key, order }: WrittenAnswer,
  became: AnswerResult,
): Promise<void> {
  await unlessLost(
    table.update(
      key,
      {
        text: 'SET #result = :result REMOVE #index, #order',
        names: { result: 'result', index: 'gsi1pk', order: 'gsi1sk' },
        values: { result: became },
      },
      { text: '#order = :order', names: { order: 'gsi1sk' }, values: { order } },
    ),
  );
}
