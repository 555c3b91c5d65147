/**
 * What CloudTrail holds of a principal's changes, and of all changes of one resource: its event history, joined with the store of
 * events that the deployment names, if any. Pages of the history are bounded, since LookupEvents answers two calls a second for an
 * account and Region; what was cut, and what the store did not answer, is said.
 */
import type { Aws } from '../../../core/aws/client.ts';
import { pause } from '../../../core/aws/client.ts';
import { type EventSearch, eventPages, LOOKUP_PAUSE_MS } from '../../../core/aws/event-history.ts';
import type { CallsAbout } from '../../../core/aws/event-store/statement.ts';
import { enabledRegions, iamHome } from '../../../core/aws/regions.ts';
import { awsErrorName, isAwsError, mayRetry } from '../../../core/errors.ts';
import { utcMinute } from '../../../core/words.ts';
import { type Call, changingCall, isTheirs, keyIssuedBy, type Suspect } from './call.ts';
import { callsStored, eachOnce, HISTORY, isForgotten } from './stored.ts';

/** 50 events each, two a second: 2,000 events of a principal in a Region, in some twenty seconds. */
const MOST_PAGES = 40;
/** Keys that are followed: those of the finding and those issued with them. */
const MOST_KEYS = 10;
/** Of one resource; the oldest are what is looked for. */
const MOST_PAGES_OF_RESOURCE = 4;

export interface Found {
  /** Oldest first. */
  readonly calls: readonly Call[];
  /** With the keys that were issued with those of the finding. */
  readonly suspect: Suspect;
  /** What was not looked through, in words. */
  readonly cut: readonly string[];
  /** What was, in addition to the event history. */
  readonly stores: readonly string[];
}

/** Calls of one second stay as CloudTrail lists them, the newest first. */
export const newestFirst = (a: Call, b: Call): number => (a.at < b.at ? 1 : a.at > b.at ? -1 : 0);

const paused = async (): Promise<boolean> => {
  await pause(LOOKUP_PAUSE_MS);
  return true;
};

/** Returns every change of the suspect since the finding was first seen, in every enabled Region. */
export async function changesBy(suspect: Suspect, aws: Aws): Promise<Found> {
  const regions = await enabledRegions(aws);
  const home = iamHome(aws.scope).region;
  const cut = 'why' in regions ? [`other Regions were not looked into (${regions.why})`] : [];
  const stores = new Set<string>();
  const all = [...new Set([home, aws.scope.region, ...('why' in regions ? [] : regions)])];
  const asked = new Set<string>();
  const calls = new Map<string, Call>();
  const budget = new Map(all.map((region) => [region, MOST_PAGES]));
  let known = suspect;
  for (;;) {
    const next = searchesFor(known).filter(({ value }) => !asked.has(value));
    if (next.length === 0 || asked.size >= MOST_KEYS) {
      for (const { value } of next) cut.push(`calls of ${value} were not looked up: it is one of too many`);
      break;
    }
    for (const { value } of next) asked.add(value);
    const [found, stored] = await Promise.all([
      Promise.all(all.map((region) => inRegion(aws.inRegion(region), next, known, budget))),
      storedBy(aws, known, next),
    ]);
    for (const { calls: more, cut: why } of found) {
      for (const call of more) calls.set(call.id, call);
      cut.push(...why);
    }
    const theirs = stored.calls.filter((call) => isTheirs(call, known));
    for (const call of eachOnce([...calls.values()], theirs)) calls.set(call.id, call);
    cut.push(...stored.cut);
    if (stored.read !== undefined) stores.add(stored.read);
    const issued = [...calls.values()].flatMap((call) => keyIssuedBy(call) ?? []);
    known = { ...known, keys: [...new Set([...known.keys, ...issued])] };
  }
  if (stores.size === 0 && isForgotten(suspect.since))
    cut.push(
      `calls before ${HISTORY} were not looked at: the finding was first seen ${utcMinute(suspect.since)}`,
    );
  const ordered = [...calls.values()].sort(newestFirst).reverse();
  return { calls: ordered, suspect: known, cut: [...new Set(cut)], stores: [...stores] };
}

/** The store knows whose each call is: it is not asked by names, which others may have. */
async function storedBy(
  aws: Aws,
  { principalIds, since }: Suspect,
  next: readonly EventSearch[],
): Promise<{ readonly calls: readonly Call[]; readonly cut: readonly string[]; readonly read?: string }> {
  const keys = next.flatMap(({ attribute, value }) => (attribute === 'AccessKeyId' ? [value] : []));
  const named = next.some(({ attribute }) => attribute === 'Username');
  const of = { keys, principalIds: named ? principalIds : [] };
  const stored = await callsStored(aws, of, new Date(since));
  if (!stored) return { calls: [], cut: [] };
  if ('why' in stored)
    return { calls: [], cut: [`${stored.store} was not searched (${stored.why}), only ${HISTORY}`] };
  const { calls, store, from, more } = stored;
  return {
    calls,
    read: `${store}, from ${utcMinute(from.toISOString())}`,
    cut: more ? [`${store}: more calls than are looked through; the oldest are missing`] : [],
  };
}

/** `isTheirs` judges each call that is found by a name. */
const searchesFor = ({ keys, names }: Suspect): readonly EventSearch[] => [
  ...keys.map((value) => ({ attribute: 'AccessKeyId' as const, value })),
  ...names.map((value) => ({ attribute: 'Username' as const, value })),
];

async function inRegion(
  aws: Aws,
  searches: readonly EventSearch[],
  suspect: Suspect,
  budget: Map<string, number>,
): Promise<{ readonly calls: readonly Call[]; readonly cut: readonly string[] }> {
  const { region, account } = aws.scope;
  const calls: Call[] = [];
  try {
    for (const search of searches) {
      for await (const page of eventPages(aws, { ...search, from: new Date(suspect.since) }, paused)) {
        const left = budget.get(region) ?? 0;
        if (left === 0)
          return {
            calls,
            cut: [`${region}: more calls than are looked through; the oldest changes are missing`],
          };
        budget.set(region, left - 1);
        for (const raw of page) {
          const call = changingCall(raw, account);
          if (call && isTheirs(call, suspect)) calls.push(call);
        }
      }
    }
    return { calls, cut: [] };
  } catch (error) {
    // One Region that says no does not keep the others from being read.
    if (!isAwsError(error) || mayRetry(error)) throw error;
    return { calls, cut: [`${region} was not looked into (${awsErrorName(error) ?? 'denied'})`] };
  }
}

/** Returns the changes that CloudTrail lists under a resource or, by `EventName`, under a call; newest first. */
export async function callsListed(
  aws: Aws,
  attribute: 'ResourceName' | 'EventName',
  value: string,
): Promise<readonly Call[]> {
  const calls: Call[] = [];
  let pages = 0;
  for await (const page of eventPages(aws, { attribute, value }, paused)) {
    for (const raw of page) {
      const call = changingCall(raw, aws.scope.account);
      if (call) calls.push(call);
    }
    pages += 1;
    if (pages === MOST_PAGES_OF_RESOURCE) break;
  }
  return calls.sort(newestFirst);
}

/** Where the calls about a resource are looked up. */
export interface LookUp {
  readonly listed: typeof callsListed;
  /** Of the store of events; undefined where the deployment names none. */
  stored(): ReturnType<typeof callsStored>;
}

/**
 * Returns a look-up that asks once for what several changes are listed under: rules of one group, policies of one user. The store
 * is asked by one query about all of them, where the event history does not say enough of one.
 */
export function lookUpOnce(aws: Aws, of: CallsAbout): LookUp {
  const asked = new Map<string, ReturnType<typeof callsListed>>();
  let stored: ReturnType<typeof callsStored> | undefined;
  return {
    listed: (there, attribute, value) => {
      const key = `${there.scope.region} ${attribute} ${value}`;
      const known = asked.get(key) ?? callsListed(there, attribute, value);
      asked.set(key, known);
      return known;
    },
    stored: () => {
      stored ??= callsStored(aws, of);
      return stored;
    },
  };
}
