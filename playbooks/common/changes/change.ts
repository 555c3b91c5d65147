/** The changes of one resource in one line: what the suspect left of it, and what was there before the first of them. */
import { z } from 'zod';
import type { Aws } from '../../../core/aws/client.ts';
import type { Json, JsonObject } from '../../../core/json.ts';
import { canonicalJson, sameJson } from '../../../core/json.ts';
import { utcMinute } from '../../../core/words.ts';
import { anyJson, regionName } from '../step-kind.ts';
import { type Call, isBy, isTheirs, type Suspect, said } from './call.ts';
import { type LookUp, lookUpOnce, newestFirst } from './history.ts';
import type { Inverse, ParsedEffect } from './inverse.ts';
import { recordedBefore } from './recorded.ts';
import { eachOnce, HISTORY, isForgotten, notStored, type StoredCalls } from './stored.ts';

/** A resource as an inverse knows it, and where its calls are recorded. */
export const placeSchema = z.object({
  inverse: z.string(),
  region: regionName,
  resource: z.custom<JsonObject>(),
});
export type Place = z.infer<typeof placeSchema>;

export const placeId = ({ inverse, region, resource }: Place): string =>
  `${inverse}:${region}:${canonicalJson(resource)}`;

/** What was there before, as far as it is known. `unsure`: why a person must judge it. */
export const beforeSchema = z.discriminatedUnion('known', [
  z.object({ known: z.literal(true), value: anyJson, from: z.string(), unsure: z.array(z.string()) }),
  z.object({ known: z.literal(false), why: z.string() }),
]);
type Before = z.infer<typeof beforeSchema>;

export interface Change {
  /** `PutUserPolicy of 2026-…`, oldest first. */
  readonly by: readonly string[];
  readonly left: Json;
  readonly before: Before;
  /** The newest change by another principal since. */
  readonly since: string | undefined;
}

/** A value set less than a day before the finding may be the first step of the same attack, by another identity. */
const YOUNG_MS = 24 * 3_600_000;

interface About {
  readonly call: Call;
  readonly effect: ParsedEffect;
  /** The inverse answers it, and does not only learn of the value by it. */
  readonly answers: boolean;
}

/** Returns what the call did to the resource; undefined for a call about others. */
function aboutIt(aws: Aws, inverse: Inverse, call: Call, resource: JsonObject): About | undefined {
  const { source, names, alsoTold = [] } = inverse.calls;
  if (call.source !== source || ![...names, ...alsoTold].includes(call.name)) return undefined;
  const effect = inverse.effects(call, aws.scope).find((one) => sameJson(one.resource, resource));
  return effect && { call, effect, answers: names.includes(call.name) };
}

/** Returns a look-up of what the inverses say of the resources, and of nothing else. */
export function lookUpOf(
  aws: Aws,
  places: readonly { readonly region: string; readonly resource: JsonObject; readonly inverse: Inverse }[],
): LookUp {
  return lookUpOnce(aws, {
    regions: places.map(({ region }) => region),
    sources: places.map(({ inverse }) => inverse.calls.source),
    names: places.flatMap(({ inverse: { calls } }) => [...calls.names, ...(calls.alsoTold ?? [])]),
    texts: places.flatMap(({ inverse, resource }) => namesOf(inverse, resource)),
  });
}

const namesOf = (inverse: Inverse, resource: JsonObject): readonly string[] => [
  inverse.listedAs(resource),
  ...(inverse.alsoListedAs?.(resource) ?? []),
];

/** Calls about one resource, newest first, and what the store that may have more of them said. */
interface Known {
  readonly all: readonly About[];
  readonly stored?: StoredCalls | undefined;
}

/**
 * Returns what the suspect made of a resource, looked up in CloudTrail: at planning, and again before every write, since what
 * stands in the table may have been planted there. Undefined where CloudTrail shows no change by the suspect.
 */
export async function changeOf(
  aws: Aws,
  suspect: Suspect,
  inverse: Inverse,
  resource: JsonObject,
  look = lookUpOf(aws, [{ inverse, resource, region: aws.scope.region }]),
): Promise<Change | undefined> {
  const about = (calls: readonly Call[]) =>
    calls.flatMap((call) => aboutIt(aws, inverse, call, resource) ?? []);
  let listed: readonly Call[] = [];
  const inOrder = (): readonly About[] => about([...listed].sort(newestFirst));
  for (const name of namesOf(inverse, resource))
    listed = eachOnce(listed, await look.listed(aws, 'ResourceName', name));
  let all = inOrder();
  // Not every service lists every call under its resource [M-LAB].
  if (theirsIn(all, suspect).length === 0) {
    for (const name of inverse.calls.names)
      listed = eachOnce(listed, await look.listed(aws, 'EventName', name));
    all = inOrder();
  }
  const known = await withStored(aws, suspect, all, look, about);
  const theirs = theirsIn(known.all, suspect);
  const [last, first] = [theirs[0], theirs.at(-1)];
  if (!first || !last) return undefined;
  const since = known.all.slice(0, known.all.indexOf(last)).find(({ call }) => !isTheirs(call, suspect));
  return {
    by: theirs.map(({ call }) => said(call)).reverse(),
    left: last.effect.left,
    before: await beforeFirst(aws, inverse, { first, last, ...known }, suspect),
    since: since && said(since.call),
  };
}

const theirsIn = (all: readonly About[], suspect: Suspect): readonly About[] =>
  all.filter(({ call, answers }) => answers && isTheirs(call, suspect));

/** The store is asked where the event history does not show the whole of it. */
async function withStored(
  aws: Aws,
  suspect: Suspect,
  all: readonly About[],
  look: LookUp,
  about: (calls: readonly Call[]) => readonly About[],
): Promise<Known> {
  const first = theirsIn(all, suspect).at(-1);
  const isWhole = first && (first.effect.before !== undefined || all.indexOf(first) < all.length - 1);
  if (isWhole && !isForgotten(suspect.since)) return { all };
  const stored = await look.stored();
  if (!stored || 'why' in stored) return { all, stored };
  const here = stored.calls.filter(({ region }) => region === aws.scope.region);
  const calls = eachOnce(
    all.map(({ call }) => call),
    here,
  );
  return { all: about([...calls].sort(newestFirst)), stored };
}

/** From the call itself, an earlier one, what AWS Config recorded, what the service keeps, or else the guess of the inverse. */
async function beforeFirst(
  aws: Aws,
  inverse: Inverse,
  { first, last, all, stored }: Known & { readonly first: About; readonly last: About },
  suspect: Suspect,
): Promise<Before> {
  const [from, to] = [all.indexOf(last), all.indexOf(first)];
  const between = all.slice(from, to).find(({ call }) => !isTheirs(call, suspect));
  const meanwhile = between
    ? [`another principal changed it between these calls (${said(between.call)})`]
    : [];
  const known = (value: Json, source: string, unsure: readonly string[] = []): Before => ({
    ...{ known: true, value, from: source },
    unsure: [...meanwhile, ...unsure],
  });
  const { before, guess } = first.effect;
  if (before !== undefined) return known(before, said(first.call));
  // What a coarse inverse reads in a record is no value to write.
  const older = inverse.coarse ? [] : all.slice(to + 1);
  const [newest] = older;
  if (newest) {
    // Calls that only show the value do not make it: it was set by the first that left it.
    const other = older.findIndex(({ effect }) => !sameJson(effect.left, newest.effect.left));
    const setter = older.at(other < 0 ? -1 : other - 1) ?? newest;
    return known(newest.effect.left, said(setter.call), doubts(setter.call, suspect));
  }
  const recording = await recordingOf(aws, inverse, first);
  if ('value' in recording)
    return known(
      recording.value,
      `AWS Config, ${utcMinute(recording.at)}`,
      isYoung(recording.at, suspect) ? ['AWS Config recorded it less than a day before the finding'] : [],
    );
  // What was made since may be of the suspect.
  const kept = await inverse.kept?.(aws, first.effect.resource, suspect.since);
  if (kept)
    return known(kept.value, kept.from, [
      ...kept.unsure,
      ...(isYoung(kept.at, suspect) ? [`${kept.from} was made less than a day before the finding`] : []),
    ]);
  const why = [`${HISTORY} do not show what it was`, ...notStored(stored), ...recording.why].join('; ');
  return guess === undefined ? { known: false, why } : known(guess, 'a guess', [why]);
}

const isYoung = (at: string, { since }: Suspect): boolean => Date.parse(at) > Date.parse(since) - YOUNG_MS;

const doubts = (older: Call, suspect: Suspect): readonly string[] => [
  ...(isBy(older, suspect) ? [`the same principal set it before (${said(older)})`] : []),
  ...(isYoung(older.at, suspect) ? [`it was set less than a day before the finding (${said(older)})`] : []),
];

/** What AWS Config recorded before the first call; why it does not say, where the inverse asks it at all. */
async function recordingOf(
  aws: Aws,
  { recorded }: Inverse,
  { call, effect: { resource } }: About,
): Promise<{ readonly value: Json; readonly at: string } | { readonly why: readonly string[] }> {
  if (!recorded) return { why: [] };
  const recording = await recordedBefore(aws, recorded.of(resource, aws.scope), call.at);
  if ('why' in recording) return { why: [`AWS Config: ${recording.why}`] };
  const value = recorded.value(recording.item, resource);
  return value === undefined
    ? { why: [`AWS Config: its item of ${utcMinute(recording.at)} does not say`] }
    : { value, at: recording.at };
}
