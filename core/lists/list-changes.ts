/**
 * What was changed on the lists, in the table: each change with what was there before, so that it can be taken back, and
 * the trusted lines for the decision, which must not wait for S3.
 */
import { z } from 'zod';
import type { Scope } from '../aws/arn.ts';
import { FirebreakError } from '../errors.ts';
import { partitionKey } from '../table/partitions.ts';
import { jsonTextOf, parseRecord } from '../table/record.ts';
import type { Item, Table } from '../table/table.ts';
import type { AddressList, ListKind } from './address-lists.ts';

const recordSchema = z.object({
  listId: z.string(),
  location: z.string(),
  before: z.array(z.string()),
  after: z.array(z.string()),
  by: z.string(),
  at: z.string(),
  /** This change took another one back. */
  undoes: z.string().optional(),
});
const changed = z.object({ record: jsonTextOf(recordSchema) });
export type ListChangeRecord = z.infer<typeof recordSchema>;

const place = ({ account, region }: Scope, kind: ListKind) =>
  partitionKey('list', `${kind}#${account}#${region}`);

/** Written before the list is: a change that stopped half-way can be seen and taken back. */
export async function recordListChange(
  table: Table,
  scope: Scope,
  list: Pick<AddressList, 'kind' | 'id' | 'location'>,
  change: Omit<ListChangeRecord, 'listId' | 'location'>,
): Promise<void> {
  const record: ListChangeRecord = { listId: list.id, location: list.location, ...change };
  await table.put({ pk: place(scope, list.kind), sk: `CHANGE#${change.at}`, record: JSON.stringify(record) });
}

/** Newest last. */
export async function listChanges(
  table: Table,
  scope: Scope,
  kind: ListKind,
): Promise<readonly ListChangeRecord[]> {
  const items = await table.query(place(scope, kind), 'CHANGE#');
  return items.map((item) => parseRecord(changed, item).record);
}

/**
 * The newest change that has not been taken back, if the list is still as it left it. Throws Drift when somebody changed
 * it since, NotFound when there is nothing to take back.
 */
export function undoable(changes: readonly ListChangeRecord[], entries: readonly string[]): ListChangeRecord {
  const undone = new Set(changes.flatMap(({ undoes }) => undoes ?? []));
  const last = changes.findLast(({ at, undoes }) => undoes === undefined && !undone.has(at));
  if (!last) {
    throw new FirebreakError('NotFound', 'there is no change of Firebreak to take back', {
      next: 'Add or remove entries instead.',
    });
  }
  if (last.after.join('\n') === entries.join('\n')) return last;
  throw new FirebreakError('Drift', `the list was changed by somebody else since ${last.at}`, {
    resource: last.location,
    next: 'Look at the list, and add or remove the entries you mean.',
  });
}

const TRUSTED = { pk: partitionKey('config'), sk: 'TRUSTED' };

const trusted = z.object({ lists: z.record(z.string(), z.array(z.string())).default({}) });
const listsIn = (item: Item | undefined) => (item ? parseRecord(trusted, item).lists : {});

/** Trusted lines of every account and Region: an administrator's list counts for its members. */
export async function trustedLines(table: Table): Promise<readonly string[]> {
  const item = await table.get(TRUSTED);
  return [...new Set(Object.values(listsIn(item)).flat())];
}

/** Keeps the copy in step with the list as it is now. */
export async function keepTrusted(table: Table, scope: Scope, lines: readonly string[]): Promise<void> {
  const item = await table.get(TRUSTED);
  const lists = listsIn(item);
  await table.put({ ...TRUSTED, lists: { ...lists, [`${scope.account}/${scope.region}`]: [...lines] } });
}
