/** The card while a containment runs. It never holds the containment up, and never pages: Report shows the end. */
import { isFirebreakError } from '../core/errors.ts';
import { partitionKey } from '../core/table/partitions.ts';
import { showCard } from './cards.ts';
import { logger, type Runtime } from './runtime.ts';

/**
 * chat.update is Tier 3, about fifty calls a minute for the whole app: one incident takes a third of that at most, over
 * all the containers that contain its targets.
 */
const EVERY_MS = 3500;

export interface Progress {
  /** Something changed: shows it unless the card was written a moment ago. Returns at once. */
  tick(): void;
  /** Waits for what is on its way. */
  settled(): Promise<void>;
}

export function progressOf(runtime: Runtime, incidentId: string): Progress {
  let showing: Promise<void> | undefined;
  return {
    tick() {
      showing ??= show(runtime, incidentId)
        .catch((error: unknown) => {
          logger.warn('progress was not shown', { incidentId, reason: String(error) });
        })
        .finally(() => {
          showing = undefined;
        });
    },
    async settled() {
      await showing;
    },
  };
}

async function show(runtime: Runtime, incidentId: string): Promise<void> {
  if (await myTurn(runtime, incidentId)) await showCard(runtime, incidentId, { quietly: true });
}

/** One container at a time, by a conditional write. */
async function myTurn({ table, now }: Runtime, incidentId: string): Promise<boolean> {
  const at = now().getTime();
  try {
    await table.update(
      { pk: partitionKey('progress', incidentId), sk: 'PROGRESS' },
      {
        text: 'SET #next = :next, #ttl = :ttl',
        names: { next: 'next', ttl: 'ttl' },
        values: { next: at + EVERY_MS, ttl: Math.floor(at / 1000) + 86_400 },
      },
      { text: 'attribute_not_exists(pk) OR #next <= :now', names: { next: 'next' }, values: { now: at } },
    );
    return true;
  } catch (error) {
    if (isFirebreakError(error, 'Conflict')) return false;
    throw error;
  }
}
