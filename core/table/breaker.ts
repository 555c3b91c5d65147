/**
 * Circuit breaker and kill switch. A caller who can trigger findings must not be able to use the pipeline to take production
 * down: automatic containments are counted by the hour, of the account and of each playbook, principal and resource.
 */
import { z } from 'zod';
import { isFirebreakError } from '../errors.ts';
import { partitionKey } from './partitions.ts';
import { parseRecord } from './record.ts';
import type { Item, Table } from './table.ts';
import { ABSENT, type Expression } from './terms.ts';
import { secondOfTwo } from './two-people.ts';

/** What an automatic containment counts for. */
export interface Counted {
  /** Which decision it is: a retry of the same one is not counted again. */
  readonly decision: string;
  readonly account: string;
  readonly playbook: string;
  /** Who acts in the finding, and what would be changed: neither may use up the allowance of others. */
  readonly principals: readonly string[];
  readonly resources: readonly string[];
}

export interface BreakerLimits {
  readonly perAccountPerHour: number;
  /** Of one playbook, one principal or one resource; the key is older than the three. */
  readonly perKindPerHour: number;
}

/**
 * Counts an automatic containment of this hour. Returns what has used up its allowance ("principal user:ci has had 5
 * automatic containments this hour"), or undefined; what is not allowed is not counted, so that noise of one principal
 * leaves the others theirs. Counting comes first: two at once cannot both be the last one allowed.
 */
export async function countAuto(
  table: Table,
  { decision, account, playbook, principals, resources }: Counted,
  { perAccountPerHour, perKindPerHour }: BreakerLimits,
  now: Date,
): Promise<string | undefined> {
  const own = (name: string) => ({ name, limit: perKindPerHour });
  const counters = [
    ...[...new Set(resources)].map((one) => own(`resource ${one}`)),
    ...[...new Set(principals)].map((one) => own(`principal ${one}`)),
    own(`playbook ${playbook}`),
    { name: 'account', limit: perAccountPerHour },
  ];
  const hour = now.toISOString().slice(0, 13);
  const keyOf = (name: string) => ({
    pk: partitionKey('breaker', account),
    sk: `${name.slice(0, 900)}#${hour}`,
  });
  const isCounted = async (name: string): Promise<boolean> =>
    decisionsIn(await table.get(keyOf(name))).includes(decision);
  const add = ({ name, limit }: { readonly name: string; readonly limit: number }) =>
    unlessConflict(() =>
      table.update(
        keyOf(name),
        {
          text: 'ADD #count :one, #decisions :decision SET #ttl = :ttl',
          names: { count: 'count', decisions: 'decisions', ttl: 'ttl' },
          values: {
            one: 1,
            decision: new Set([decision]),
            ttl: Math.floor(now.getTime() / 1000) + 86_400,
          },
        },
        {
          text: '(attribute_not_exists(#count) OR #count < :limit) AND NOT contains(#decisions, :own)',
          names: { count: 'count', decisions: 'decisions' },
          values: { limit, own: decision },
        },
      ),
    );
  const takeAway = (name: string) =>
    unlessConflict(() =>
      table.update(
        keyOf(name),
        {
          text: 'ADD #count :one DELETE #decisions :decision',
          names: { count: 'count', decisions: 'decisions' },
          values: { one: -1, decision: new Set([decision]) },
        },
        { text: 'contains(#decisions, :own)', names: { decisions: 'decisions' }, values: { own: decision } },
      ),
    );
  const counted = await Promise.all(
    counters.map(async (counter) => (await add(counter)) || isCounted(counter.name)),
  );
  const tripped = counters.find((_, index) => !counted[index]);
  if (!tripped) return undefined;
  await Promise.all(counters.map(({ name }, index) => counted[index] && takeAway(name)));
  const which = tripped.name === 'account' ? `account ${account}` : tripped.name;
  return `${which} has had ${tripped.limit} automatic containments this hour`;
}

const decisionsIn = (item: Item | undefined): readonly string[] =>
  item ? [...(parseRecord(z.object({ decisions: z.set(z.string()).optional() }), item).decisions ?? [])] : [];

/** Whether the write was made: false where its condition did not hold. */
async function unlessConflict(write: () => Promise<unknown>): Promise<boolean> {
  try {
    await write();
    return true;
  } catch (error) {
    if (isFirebreakError(error, 'Conflict')) return false;
    throw error;
  }
}

const SWITCH = { pk: partitionKey('killSwitch'), sk: 'KILL-SWITCH' };
/** Where earlier releases kept it: it counts until it is set once again. */
const EARLIER_SWITCH = { pk: partitionKey('config'), sk: 'KILL-SWITCH' };

const switchSchema = z.object({
  on: z.boolean(),
  offAskedBy: z.string().optional(),
  offAskedAt: z.iso.datetime().optional(),
});
type Switch = z.infer<typeof switchSchema>;

async function readSwitch(table: Table): Promise<(Switch & { readonly earlier: boolean }) | undefined> {
  const [item, earlier] = await Promise.all([table.get(SWITCH), table.get(EARLIER_SWITCH)]);
  const found = item ?? earlier;
  return found && { ...parseRecord(switchSchema, found), earlier: item === undefined };
}

/** True: nothing is contained automatically. Read at every decision, so that it works at once and without a deploy. */
export async function killSwitch(table: Table): Promise<boolean> {
  return (await readSwitch(table))?.on === true;
}

/** What people read wherever the switch keeps something from happening. */
export const KILL_SWITCH_ON = 'the kill switch is on: nothing is automatic';

export async function setKillSwitch(table: Table, on: boolean, by: string, now: Date): Promise<void> {
  await table.put({ ...SWITCH, on, by, at: now.toISOString() });
}

export type SwitchedOff =
  /** Two people wanted it: automatic containment works again. */
  | { readonly kind: 'off'; readonly first: string }
  /** The first of the two, or the same person again. */
  | { readonly kind: 'asked'; readonly until: string; readonly again: boolean }
  | { readonly kind: 'already-off' };

/**
 * Switching it off again takes two people: someone who can stand for one of them must not be able to let automatic
 * containment loose on what others have stopped it from. Throws Conflict when two write at once: try again.
 */
export async function askKillSwitchOff(table: Table, by: string, now: Date): Promise<SwitchedOff> {
  const found = await readSwitch(table);
  if (!found?.on) return { kind: 'already-off' };
  const { offAskedBy: asked, offAskedAt: askedAt, earlier } = found;
  const said = secondOfTwo({ by: asked, at: askedAt }, by, now);
  const unchanged: Expression = earlier
    ? ABSENT
    : {
        text:
          asked === undefined
            ? '#on = :on AND attribute_not_exists(#by)'
            : '#on = :on AND #by = :by AND #at = :at',
        names: { on: 'on', by: 'offAskedBy', ...(asked === undefined ? {} : { at: 'offAskedAt' }) },
        values: { on: true, ...(asked === undefined ? {} : { by: asked, at: askedAt }) },
      };
  if (said.kind === 'agreed') {
    const both = `${said.first} and ${by}`;
    await table.put({ ...SWITCH, on: false, by: both, at: now.toISOString() }, unchanged);
    return { kind: 'off', first: said.first };
  }
  const { since, until, again } = said;
  if (!again) await table.put({ ...SWITCH, on: true, offAskedBy: by, offAskedAt: since }, unchanged);
  return { kind: 'asked', until, again };
}
