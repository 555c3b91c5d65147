/**
 * Work that nothing which follows depends on (a line of the timeline, a counter): it goes on next to what follows, and is waited
 * for before the function ends, since Lambda stops a function that has answered.
 */
import { AsyncLocalStorage } from 'node:async_hooks';

const storage = new AsyncLocalStorage<Promise<unknown>[]>();

/** Starts the work and returns; outside of `finishing` returns when it is done. */
export async function beside(work: () => Promise<unknown>): Promise<void> {
  const started = work();
  const open = storage.getStore();
  if (!open) {
    await started;
    return;
  }
  open.push(started);
  // `finishing` throws it.
  started.catch(() => undefined);
}

/** Runs the work, and waits for all that was started next to it. Throws its error, or else the first of theirs. */
export async function finishing<T>(work: () => Promise<T>): Promise<T> {
  const open: Promise<unknown>[] = [];
  const [done] = await Promise.allSettled([storage.run(open, work)]);
  const failures: unknown[] = [];
  // What was started next to may start more.
  for (const started of open) await started.catch((error: unknown) => failures.push(error));
  if (done.status === 'rejected') throw done.reason;
  if (failures.length > 0) throw failures[0];
  return done.value;
}

/** Returns a promise that may fail before it is waited for. */
export function unawaited<T>(started: Promise<T>): Promise<T> {
  started.catch(() => undefined);
  return started;
}
