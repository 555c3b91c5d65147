/**
 * One writer per resource at a time. A lease expires, so that a killed handler does not lock a resource for ever. Each
 * attempt is an owner of its own; a later one of the same work takes the lease over at once, since the one before it has most
 * likely died, and must then keep it from writing: it may still run, and looks at the lease before each further change.
 */
import { randomUUID } from 'node:crypto';
import { fencedBy } from '../aws/fence.ts';
import { FirebreakError, isFirebreakError, TableUnavailable } from '../errors.ts';
import { partitionKey } from '../table/partitions.ts';
import type { Item, Key, Table } from '../table/table.ts';
import type { Expression } from '../table/terms.ts';

/** Longer than any handler may run (Lambda timeout of contain and undo: 300 s). */
const LEASE_SECONDS = 330;

/**
 * Runs `work` while holding the resource; it is given whether an earlier attempt of the same owner held it and may still run.
 * Throws `ResourceBusy` (worth a retry) when another owner holds it.
 */
export async function withLease<T>(
  table: Table,
  resource: string,
  owner: string,
  now: () => Date,
  work: (displaced: boolean) => Promise<T>,
): Promise<T> {
  const key = { pk: partitionKey('lease', resource), sk: 'LEASE' };
  const attempt = `${owner}#${randomUUID()}`;
  const taken = await take(table, key, owner, attempt, Math.floor(now().getTime() / 1000));
  if (taken === 'busy') {
    throw new FirebreakError('ResourceBusy', 'another incident is changing this resource right now', {
      resource,
      next: 'Nothing: the workflow tries again automatically.',
    });
  }
  let result: T;
  try {
    result = await fencedBy(
      () => refuseDisplaced(table, key, { attempt, resource }),
      () => work(taken === 'displaced'),
    );
  } catch (error) {
    // The first error is the one to tell; a lease that cannot be released expires.
    await release(table, key, attempt).catch(() => undefined);
    throw error;
  }
  await release(table, key, attempt);
  return result;
}

/** Throws `Superseded` where a later attempt took the lease over. */
async function refuseDisplaced(
  table: Table,
  key: Key,
  { attempt, resource }: { readonly attempt: string; readonly resource: string },
): Promise<void> {
  let lease: Item | undefined;
  try {
    lease = await table.get(key);
  } catch (error) {
    // Half of a change is worse than one that a second attempt makes again.
    if (error instanceof TableUnavailable) return;
    throw error;
  }
  if (lease?.['owner'] === attempt) return;
  throw new FirebreakError('Superseded', 'a later attempt took over', {
    resource,
    next: 'Nothing: that one goes on.',
  });
}

/** Takes the lease where it is free, or `displaced` an earlier attempt of the owner. */
async function take(
  table: Table,
  key: Key,
  owner: string,
  attempt: string,
  seconds: number,
): Promise<'free' | 'displaced' | 'busy'> {
  const lease = { ...key, owner: attempt, until: seconds + LEASE_SECONDS, ttl: seconds + 86_400 };
  if (await puts(table, lease, free(seconds))) return 'free';
  if (await puts(table, lease, ofEarlierAttempt(owner))) return 'displaced';
  return 'busy';
}

const free = (seconds: number): Expression => ({
  text: 'attribute_not_exists(pk) OR #until < :now',
  names: { until: 'until' },
  values: { now: seconds },
});

/** Earlier releases wrote the owner without an attempt. */
const ofEarlierAttempt = (owner: string): Expression => ({
  text: '#owner = :owner OR begins_with(#owner, :attempts)',
  names: { owner: 'owner' },
  values: { owner, attempts: `${owner}#` },
});

async function puts(
  table: Table,
  lease: Key & Record<string, unknown>,
  condition: Expression,
): Promise<boolean> {
  try {
    await table.put(lease, condition);
    return true;
  } catch (error) {
    if (!isFirebreakError(error, 'Conflict')) throw error;
    return false;
  }
}

async function release(table: Table, key: Key, attempt: string): Promise<void> {
  try {
    await table.update(
      key,
      { text: 'SET #until = :zero', names: { until: 'until' }, values: { zero: 0 } },
      { text: '#owner = :owner', names: { owner: 'owner' }, values: { owner: attempt } },
    );
  } catch (error) {
    // Another attempt or incident took it over: it is theirs now.
    if (!isFirebreakError(error, 'Conflict')) throw error;
  }
}
