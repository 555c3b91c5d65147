/**
 * What was changed on the lists, in the table: each change with what was there before, so that it can be reverted, and
 * the trusted lines for the decision, which must not wait for S3. Rights to GuardDuty are enough to write a list: what
 * Firebreak's own changes did not add is trusted less.
 */
import { z } from 'zod';
import type { Scope } from '../aws/arn.ts';
import { FirebreakError } from '../errors.ts';
import { partitionKey } from '../table/partitions.ts';
import { jsonTextOf, parseRecord } from '../table/record.ts';
import type { Item, Table } from '../table/table.ts';
import type { AddressList } from './address-lists.ts';
import type { ListKind } from './sets.ts';

const recordSchema = z.object({
  listId: z.string(),
  location: z.string(),
  before: z.array(z.string()),
  after: z.array(z.string()),
  by: z.string(),
  at: z.string(),
  /** This change reverted another one. */
  undoes: z.string().optional(),
});
const changed = z.object({ record: jsonTextOf(recordSchema) });
export type ListChangeRecord = z.infer<typeof recordSchema>;

const place = ({ account, region }: Scope, kind: ListKind) =>
  partitionKey('list', `${kind}#${account}#${region}`);

/** Written before the list is: a change that stopped half-way can be seen and reverted. */
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

/** The newest change that has not been reverted. Throws NotFound when there is nothing to revert. */
export function newestChange(changes: readonly ListChangeRecord[]): ListChangeRecord {
  const undone = new Set(changes.flatMap(({ undoes }) => undoes ?? []));
  const last = changes.findLast(({ at, undoes }) => undoes === undefined && !undone.has(at));
  if (last) return last;
  throw new FirebreakError('NotFound', 'there is no change of Firebreak to revert', {
    next: 'Add or remove entries instead.',
  });
}

/**
 * The newest change that has not been reverted, if the list is still as it left it. Throws Drift when another writer
 * changed it since, NotFound when there is nothing to revert.
 */
export function undoable(changes: readonly ListChangeRecord[], entries: readonly string[]): ListChangeRecord {
  const last = newestChange(changes);
  if (last.after.join('\n') === entries.join('\n')) return last;
  throw new FirebreakError('Drift', `the list was changed by another writer since ${last.at}`, {
    resource: last.location,
    next: 'Look at the list, and add or remove the entries you mean.',
  });
}

/** Returns what Firebreak's changes added and did not remove again: the commands' callers are known, others are not. */
export function vouchedEntries(changes: readonly ListChangeRecord[]): ReadonlySet<string> {
  const vouched = new Set<string>();
  for (const { before, after } of changes) {
    const [was, is] = [new Set(before), new Set(after)];
    for (const entry of after) if (!was.has(entry)) vouched.add(entry);
    for (const entry of before) if (!is.has(entry)) vouched.delete(entry);
  }
  return vouched;
}

const TRUSTED = { pk: partitionKey('config'), sk: 'TRUSTED' };

const byPlace = z.record(z.string(), z.array(z.string())).default({});
/** `lists` is what earlier releases wrote alone. */
const trusted = z.object({ lists: byPlace, unvouched: byPlace });
const copyIn = (item: Item | undefined) => (item ? parseRecord(trusted, item) : { lists: {}, unvouched: {} });

/** Addresses, ranges and domains of the trusted lists. */
export interface TrustedEntries {
  /** Added with `firebreak lists`: never blocked. */
  readonly vouched: readonly string[];
  /** On a list, added by another way: a person decides. */
  readonly unvouched: readonly string[];
}

/** Trusted entries of every account and Region: an administrator's list counts for its members. */
export async function trustedEntries(table: Table): Promise<TrustedEntries> {
  const { lists, unvouched } = copyIn(await table.get(TRUSTED));
  const all = (by: Readonly<Record<string, readonly string[]>>) => [...new Set(Object.values(by).flat())];
  return { vouched: all(lists), unvouched: all(unvouched) };
}

/** Keeps the copy in step with the lists as they are now. */
export async function keepTrusted(table: Table, scope: Scope, entries: readonly string[]): Promise<void> {
  const vouched = vouchedEntries(await listChanges(table, scope, 'trusted'));
  const place = `${scope.account}/${scope.region}`;
  const { lists, unvouched } = copyIn(await table.get(TRUSTED));
  await table.put({
    ...TRUSTED,
    lists: { ...lists, [place]: entries.filter((entry) => vouched.has(entry)) },
    unvouched: { ...unvouched, [place]: entries.filter((entry) => !vouched.has(entry)) },
  });
}
