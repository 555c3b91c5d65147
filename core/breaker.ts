/**
 * Circuit breaker and kill switch. Who can trigger findings must not be able to use the pipeline to take production
 * down: automatic containments are counted per account and per kind of resource, by the hour.
 */
import type { Table } from './table.ts';

/**
 * Counts this automatic containment and gives how many there were before it in this hour. Counting first and asking
 * afterwards means that two at once cannot both be the last one allowed.
 */
export async function countAuto(
  table: Table,
  account: string,
  kind: string,
  now: Date,
): Promise<{ account: number; kind: number }> {
  const hour = now.toISOString().slice(0, 13);
  const add = async (name: string): Promise<number> => {
    const item = await table.update(
      { pk: `BREAKER#${account}`, sk: `${name}#${hour}` },
      {
        text: 'ADD #count :one SET #ttl = :ttl',
        names: { count: 'count', ttl: 'ttl' },
        values: { one: 1, ttl: Math.floor(now.getTime() / 1000) + 86_400 },
      },
    );
    return (item['count'] as number) - 1;
  };
  const [all, ofKind] = await Promise.all([add('ALL'), add(`KIND#${kind}`)]);
  return { account: all, kind: ofKind };
}

const SWITCH = { pk: 'CONFIG', sk: 'KILL-SWITCH' };

/** True: nothing is contained automatically. Read at every decision, so that it works at once and without a deploy. */
export async function killSwitch(table: Table): Promise<boolean> {
  return (await table.get(SWITCH))?.['on'] === true;
}

export async function setKillSwitch(table: Table, on: boolean, by: string, now: Date): Promise<void> {
  await table.put({ ...SWITCH, on, by, at: now.toISOString() });
}
