/**
 * Looks through CloudTrail's event history for what contained principals made. Every enabled Region at once, since each
 * answers two look-ups a second: all pages of the access key, then of the name. An attacker can make more harmless calls than
 * can be read in the time: then the calls that leave a way back are looked up by their own names, which noise does not
 * lengthen. What was not read is said.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Scope } from '../../aws/arn.ts';
import type { Aws } from '../../aws/client.ts';
import { type EventSearch, eventPages, LOOKUP_PAUSE_MS } from '../../aws/event-history.ts';
import { enabledRegions, iamHome } from '../../aws/regions.ts';
import { awsErrorName, isAwsError } from '../../errors.ts';
import type { Finding } from '../../finding/finding.ts';
import { namesIn } from './calls.ts';
import { type Collection, collection } from './collection.ts';
import type { MadeBefore } from './made.ts';
import type { Suspect } from './suspects.ts';

/** When each part must be through, from the start: the function that looks has 180 seconds. */
const UNTIL_MS = { pages: 40_000, names: 120_000, onward: 140_000 } as const;
/** A session lives at most this long (GetSessionToken, STS API reference): the whole life of a stolen one is looked at. */
const BEFORE_MS = 36 * 3_600_000;
/** Keys, sessions and users that were made are followed; so many, so far. */
const MOST_FOLLOWED = 20;
const DEEPEST = 4;

/** A clock, so that tests need not wait. */
export interface Pace {
  /** Milliseconds. */
  now(): number;
  pause(ms: number): Promise<void>;
}
const REAL: Pace = {
  now: () => performance.now(),
  async pause(ms) {
    await sleep(ms);
  },
};

interface Look {
  readonly aws: Aws;
  readonly pace: Pace;
  readonly from: Date;
  readonly to: Date;
  readonly home: string;
  readonly found: Collection;
  readonly unread: Set<string>;
  /** Regions by the error with which they refused. */
  readonly refused: Map<string, string[]>;
}

/** Returns what the suspects made in the finding's account until `now`. Reads only. */
export async function lookForMade(
  finding: Finding,
  suspects: readonly Suspect[],
  aws: Aws,
  now: Date,
  pace: Pace = REAL,
): Promise<MadeBefore> {
  const { partition, account, region } = finding;
  const scope: Scope = { partition, account, region };
  const home = iamHome(finding).region;
  const times = [finding.firstSeen, finding.createdAt, finding.updatedAt].flatMap((time) => time ?? []);
  const first = Math.min(now.getTime(), ...times.map((time) => Date.parse(time)));
  const look: Look = {
    ...{ aws, pace, home, found: collection(scope), unread: new Set(), refused: new Map() },
    from: new Date(first - BEFORE_MS),
    to: now,
  };
  const regions = await regionsOf(look, region);
  await follow(look, regions, suspects);
  return {
    at: now.toISOString(),
    of: [...new Set(suspects.map(({ what }) => what))].join(', '),
    from: look.from.toISOString(),
    to: look.to.toISOString(),
    ...look.found.entries(),
    unread: [...look.unread],
    refused: [...look.refused].map(([error, where]) => `${where.join(', ')} (${error})`),
  };
}

async function regionsOf({ aws, home, refused }: Look, region: string): Promise<readonly string[]> {
  const enabled = await enabledRegions(aws);
  const known = [home, region];
  if (!('why' in enabled)) return [...new Set([...known, ...enabled])];
  refused.set(enabled.why, ['other Regions, which may not be listed']);
  return [...new Set(known)];
}

/** The suspects first, then round by round what they made. */
async function follow(look: Look, regions: readonly string[], suspects: readonly Suspect[]): Promise<void> {
  const start = look.pace.now();
  const { found, unread } = look;
  let callers = suspects;
  let room = MOST_FOLLOWED;
  for (let depth = 0; callers.length > 0; depth++) {
    const until = start + (depth === 0 ? UNTIL_MS.pages : UNTIL_MS.onward);
    const names = depth === 0 ? start + UNTIL_MS.names : undefined;
    await Promise.all(regions.map((region) => inRegion(look, region, callers, until, names)));
    const onward = found.onward();
    const next = depth < DEEPEST ? onward.slice(0, room) : [];
    for (const { what } of onward.slice(next.length)) unread.add(`the calls of ${what}`);
    room -= next.length;
    callers = next;
  }
}

/** `names`: until when the calls of those with too many pages are looked up by name. */
async function inRegion(
  look: Look,
  region: string,
  callers: readonly Suspect[],
  until: number,
  names: number | undefined,
): Promise<void> {
  const search = searchIn(look, region);
  const cut = new Map<Suspect, string>();
  try {
    for (const caller of callers) {
      for (const { by, found } of searchesOf(caller)) {
        const before = await search(by, until, callers, found);
        if (before !== undefined) cut.set(caller, later(before, cut.get(caller)));
      }
    }
    if (cut.size === 0) return;
    const newest = [...cut.values()].reduce(later);
    const left =
      names === undefined ? undefined : await byNames(look, region, callers, newest, names, search);
    if (left === 0) return;
    const kinds = left === undefined ? '' : `; ${left} kinds of calls were not looked for by name`;
    for (const [{ what }, before] of cut)
      look.unread.add(`calls by ${what} in ${region} before ${before}: too many for the time${kinds}`);
  } catch (error) {
    if (!isAwsError(error)) throw error;
    const name = awsErrorName(error) ?? 'refused';
    // Others can use up the look-ups on purpose; a Region that says no says so every time.
    if (/Throttl|TooManyRequests/i.test(name)) look.unread.add(`calls in ${region}: ${name}`);
    else look.refused.set(name, [...(look.refused.get(name) ?? []), region]);
  }
}

const later = (a: string, b: string | undefined): string => (b !== undefined && b > a ? b : a);

type Search = (
  by: Pick<EventSearch, 'attribute' | 'value'> & { readonly to?: Date },
  until: number,
  callers: readonly Suspect[],
  found?: Suspect,
) => Promise<string | undefined>;

/** Returns a search of one Region, at its rate; what it returns is the time before which nothing was read. */
function searchIn({ aws, pace, from, to, found: collected }: Look, region: string): Search {
  const there = aws.inRegion(region);
  let calls = 0;
  const turn = async (until: number): Promise<boolean> => {
    if (pace.now() >= until) return false;
    calls += 1;
    if (calls > 2) await pace.pause(LOOKUP_PAUSE_MS);
    return true;
  };
  return async (by, until, callers, found) => {
    const search: EventSearch = { from, to, ...by };
    let before = (by.to ?? to).toISOString();
    if (!(await turn(until))) return before;
    let stopped = false;
    const again = async () => {
      stopped = !(await turn(until));
      return !stopped;
    };
    for await (const page of eventPages(there, search, again))
      for (const raw of page) before = collected.take(raw, callers, found)?.eventTime ?? before;
    return stopped ? before : undefined;
  };
}

/** Returns how many names there was no time for. */
async function byNames(
  { home }: Look,
  region: string,
  callers: readonly Suspect[],
  before: string,
  until: number,
  search: Search,
): Promise<number> {
  const names = namesIn(region === home);
  let left = 0;
  for (const value of names) {
    const by = { attribute: 'EventName', value, to: new Date(before) } as const;
    if ((await search(by, until, callers)) !== undefined) left += 1;
  }
  return left;
}

/** The key's calls are its own; a name can be another's as well. */
const searchesOf = (caller: Suspect) => [
  ...caller.keys.map((value) => ({ by: { attribute: 'AccessKeyId', value } as const, found: caller })),
  ...(caller.name === undefined
    ? []
    : [{ by: { attribute: 'Username', value: caller.name } as const, found: undefined }]),
];
