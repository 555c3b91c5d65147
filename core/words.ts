/**
 * Sentences with people, times and names in them, written once for every surface. Slack makes a mention and the reader's
 * own time of a part, a page an element, a terminal and a pager plain text; each escapes what it writes.
 */

/** Plain text, a person by id, a moment (ISO 8601), or a name or id that is copied as it is. All of it is untrusted. */
export type Part = string | { readonly person: string } | { readonly at: string } | { readonly name: string };
export type Words = readonly Part[];

/** Returns the parts of a sentence: what is put in is a part, or words of its own. */
export function say(texts: TemplateStringsArray, ...values: readonly (Part | Words)[]): Words {
  return texts.flatMap((text, index) => {
    const value = values[index];
    const parts: Words = value === undefined ? [] : isWords(value) ? value : [value];
    return [...(text === '' ? [] : [text]), ...parts];
  });
}

const isWords = (value: Part | Words): value is Words => Array.isArray(value);

/** How one surface writes each kind of part. */
export interface Writer<T> {
  readonly text: (text: string) => T;
  readonly person: (id: string) => T;
  readonly at: (iso: string) => T;
  readonly name: (name: string) => T;
}

export const writeWith = <T>(words: Words, writer: Writer<T>): readonly T[] =>
  words.map((part) => {
    if (typeof part === 'string') return writer.text(part);
    if ('person' in part) return writer.person(part.person);
    return 'at' in part ? writer.at(part.at) : writer.name(part.name);
  });

/** `2026-11-25 14:59 UTC` */
export const utcMinute = (iso: string): string => `${iso.slice(0, 16).replace('T', ' ')} UTC`;

const PLAIN: Writer<string> = {
  text: (text) => text,
  person: (id) => id,
  at: utcMinute,
  name: (name) => name,
};
/** Returns the sentence without markup, for a terminal, a pager and a file. Not escaped. */
export const plainWords = (words: Words): string => writeWith(words, PLAIN).join('');

/** `640 ms`, `1.6 s`, `4 min 5 s`, `2 h 10 min`, `3 d 4 h`. */
export function duration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
  const units: readonly (readonly [string, number])[] = [
    ['d', 86_400],
    ['h', 3600],
    ['min', 60],
    ['s', 1],
  ];
  const first = units.findIndex(([, size]) => seconds >= size);
  let left = Math.round(seconds);
  return units
    .slice(first, first + 2)
    .flatMap(([name, size]) => {
      const whole = Math.floor(left / size);
      left -= whole * size;
      return whole > 0 ? [`${whole} ${name}`] : [];
    })
    .join(' ');
}

/** Returns a duration as people think of it: milliseconds are for detail views. */
export const tookWords = (ms: number): string => (ms < 1000 ? 'less than a second' : duration(ms));

/** `1 step`, `3 steps` */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count} ${count === 1 ? one : many}`;

/** `1 instance`, `3 instances`: units are written in the plural. */
export const reach = ({ count, unit }: { readonly count: number; readonly unit: string }): string =>
  `${count} ${count === 1 ? unit.replace(/ies$/, 'y').replace(/([^s])s$/, '$1') : unit}`;

/** Returns a text with what is longer than `longest` characters left out. Not for text that is marked up. */
export const shortened = (text: string, longest: number): string =>
  text.length > longest ? `${text.slice(0, longest)}…` : text;

/** Returns the first `most` of a list in words, and how many more there are: `a, b and 3 more`. */
export const firstOf = <T>(all: readonly T[], most: number, words: (one: T) => string): string =>
  `${all.slice(0, most).map(words).join(', ')}${all.length > most ? ` and ${all.length - most} more` : ''}`;

/** Returns the text with its first letter as a capital. */
export const capitalised = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
