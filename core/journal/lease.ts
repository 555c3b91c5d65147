/**
 * One writer per resource at a time. A lease ends by itself, so that a killed handler does not lock a resource for
 * ever; the same owner may take its own lease again (a retry after a crash resumes at once).
 */
import { FirebreakError, isFirebreakError } from '../errors.ts';
import { partitionKey } from '../table/partitions.ts';
import type { Table } from '../table/table.ts';

/** Longer than any handler may run (Lambda timeout of contain and undo: 300 s). */
const LEASE_SECONDS = 330;

/** Runs `work` while holding the resource. Throws `ResourceBusy` (worth a retry) when another owner holds it. */
export async function withLease<T>(
  table: Table,
  resource: string,
  owner: string,
  now: () => Date,
  work: () => Promise<T>,
): Promise<T> {
  const key = { pk: partitionKey('lease', resource), sk: 'LEASE' };
  const seconds = Math.floor(now().getTime() / 1000);
  try {
    await table.put(
      { ...key, owner, until: seconds + LEASE_SECONDS, ttl: seconds + 86_400 },
      {
        text: 'attribute_not_exists(pk) OR #owner = :owner OR #until < :now',
        names: { owner: 'owner', until: 'until' },
        values: { owner, now: seconds },
      },
    );
  } catch (error) {
    if (!isFirebreakError(error, 'Conflict')) throw error;
    throw new FirebreakError('ResourceBusy', 'another incident is changing this resource right now', {
      resource,
      next: 'Nothing: the workflow tries again by itself.',
      cause: error,
    });
  }
  let result: T;
  try {
    result = await work();
  } catch (error) {
    // The first error is the one to tell; a lease that cannot be given back ends by itself.
    await release(table, key, owner).catch(() => undefined);
    throw error;
  }
  await release(table, key, owner);
  return result;
}

async function release(table: Table, key: { pk: string; sk: string }, owner: string): Promise<void> {
  try {
    await table.update(
      key,
      { text: 'SET #until = :zero', names: { until: 'until' }, values: { zero: 0 } },
      { text: '#owner = :owner', names: { owner: 'owner' }, values: { owner } },
    );
  } catch (error) {
    // Somebody took it over after it had lapsed: it is theirs now.
    if (!isFirebreakError(error, 'Conflict')) throw error;
  }
}
