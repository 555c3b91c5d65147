/**
 * How many objects and recovery points were scanned for malware, by day, bucket or vault, and result. One write for each of
 * these and each batch of events, however many objects the batch is about; the events' queue has few readers, so that a counter
 * needs no shards. A batch that is delivered again is counted again: the numbers are "at least", never less than what happened.
 */
import { z } from 'zod';
import { partitionKey } from './partitions.ts';
import { parseRecord } from './record.ts';
import type { Table } from './table.ts';

/** Of one account, Region, bucket or vault, result and day. */
export interface ScanCounter {
  readonly account: string;
  readonly region: string;
  /** `S3Object` or `RecoveryPoint`: a bucket and a vault may bear the same name. */
  readonly kind: string;
  /** Bucket or backup vault. */
  readonly place: string;
  readonly status: string;
  /** `2026-11-30`, UTC. */
  readonly day: string;
}

const KEEP_SECONDS = 90 * 86_400;
const keyOf = ({ account, region, kind, place, status, day }: ScanCounter) => ({
  pk: partitionKey('scan', `${account}#${day}`),
  sk: `${region}#${kind}#${place}#${status}`,
});
const record = z.object({ sk: z.string(), count: z.int().nonnegative() });

/** Returns what is counted so far. */
export async function scansCounted(table: Table, counter: ScanCounter): Promise<number> {
  const item = await table.get(keyOf(counter));
  return item ? parseRecord(record, item).count : 0;
}

/** Adds the scans of one batch. */
export async function countScans(
  table: Table,
  counter: ScanCounter,
  scans: number,
  now: Date,
): Promise<void> {
  await table.update(keyOf(counter), {
    text: 'ADD #count :scans SET #ttl = :ttl',
    names: { count: 'count', ttl: 'ttl' },
    values: { scans, ttl: Math.floor(now.getTime() / 1000) + KEEP_SECONDS },
  });
}

/** Returns the counts of one bucket or vault on one day, by result. */
export async function scansOf(
  table: Table,
  { account, region, kind, place, day }: Omit<ScanCounter, 'status'>,
): Promise<ReadonlyMap<string, number>> {
  const prefix = `${region}#${kind}#${place}#`;
  const items = await table.query(partitionKey('scan', `${account}#${day}`), prefix);
  return new Map(
    items.map((item) => {
      const { sk, count } = parseRecord(record, item);
      return [sk.slice(prefix.length), count] as const;
    }),
  );
}
