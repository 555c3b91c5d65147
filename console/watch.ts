/** A deployed stack tells no one here what happens: while someone looks it is asked, every few seconds. */
import { inBatches } from '../core/aws/batches.ts';
import { dayOf } from '../core/incident/list.ts';
import { isRunning } from '../core/incident/status.ts';
import type { IncidentStore } from '../core/incident/store.ts';

/** Newest incidents that are compared; one that is older and changes is seen at the next visit of its page. */
const NEWEST = 50;
const AT_A_TIME = 10;
const LOOK_BACK_MS = 7 * 86_400_000;

/** Calls `changed` when the newest incidents look different from before, `failed` when they cannot be read; gives what stops it. */
export function pollIncidents(
  incidents: Pick<IncidentStore, 'list' | 'find'>,
  everyMs: number,
  changed: () => void,
  failed: (error: unknown) => void,
): () => void {
  let seen: string | undefined;
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const look = async () => {
    const now = new Date();
    const from = dayOf(new Date(now.getTime() - LOOK_BACK_MS).toISOString());
    try {
      const { items } = await incidents.list({ from, to: now.toISOString(), limit: NEWEST });
      // The row of one that is under way says less than its page.
      const moving = items.filter(({ status }) => isRunning(status));
      const versions = await inBatches(
        moving,
        AT_A_TIME,
        async ({ id }) => (await incidents.find(id))?.version,
      );
      const looks = JSON.stringify([
        items.map(({ id, status, updatedAt }) => [id, status, updatedAt]),
        versions,
      ]);
      if (seen !== undefined && seen !== looks && !stopped) changed();
      seen = looks;
    } catch (error) {
      failed(error);
    }
    // The next one begins when this one is answered: a slow table is not asked twice at once.
    if (!stopped) timer = setTimeout(look, everyMs);
  };
  void look();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
