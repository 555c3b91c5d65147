/**
 * What the AWS calls of a test file looked like, requests and answers of the twin, for `npm run requests:check`. Thousands of
 * calls differ in ids alone: one is kept where something in it is new, a member, the form of a text, a longer or larger value.
 */
import { z } from 'zod';

export const SIDES = ['request', 'answer'] as const;
type Side = (typeof SIDES)[number];

export const seenLine = z.object({
  service: z.string(),
  operation: z.string(),
  side: z.enum(SIDES),
  value: z.unknown(),
});

const RECORDS = 'coverage/requests';
export const requestsOf = (testFile: string): string => `${RECORDS}/${testFile.replaceAll('/', '~')}.jsonl`;

/** How many forms of one member are distinguished: texts that a test makes up by chance have no end of them. */
const FORMS = 100;

interface Member {
  readonly forms: Set<string>;
  least: number;
  most: number;
}

export interface Recorder {
  see(service: string, operation: string, side: Side, value: unknown): void;
  /** What was kept, a JSON text each. */
  lines(): readonly string[];
}

export function recorder(): Recorder {
  const members = new Map<string, Member>();
  const kept: string[] = [];
  const isNew = (path: string, form: string, size: number): boolean => {
    const known = members.get(path);
    if (!known) {
      members.set(path, { forms: new Set([form]), least: size, most: size });
      return true;
    }
    const { forms, least, most } = known;
    const novel = size < least || size > most || (forms.size < FORMS && !forms.has(form));
    known.least = Math.min(least, size);
    known.most = Math.max(most, size);
    if (forms.size < FORMS) forms.add(form);
    return novel;
  };
  /** Looks at every member, not only up to the first that is new: the next call is compared with all of them. */
  const novelty = (path: string, value: unknown): boolean => {
    if (value === undefined) return false;
    if (Array.isArray(value)) {
      const inner = value.map((one) => novelty(`${path}[]`, one));
      return isNew(path, 'list', value.length) || inner.includes(true);
    }
    if (typeof value !== 'object' || value === null || !isPlain(value))
      return isNew(path, formOf(value), sizeOf(value));
    const entries = Object.entries(value).filter(([, one]) => one !== undefined);
    const inner = entries.map(([name, one]) => novelty(`${path}.${name}`, one));
    return isNew(path, entries.map(([name]) => name).join(), 0) || inner.includes(true);
  };
  return {
    see(service, operation, side, value) {
      if (!novelty(`${service}.${operation} ${side}`, value)) return;
      kept.push(JSON.stringify({ service, operation, side, value: written(value) }));
    },
    lines: () => kept,
  };
}

/** A structure or map of AWS's: a body has methods. */
const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return (
    (prototype === Object.prototype || prototype === null) &&
    Object.values(value).every((member) => typeof member !== 'function')
  );
};

/** Words stay as they are, since an enumeration may have them; of others what kinds of characters follow each other. */
function formOf(value: unknown): string {
  if (typeof value !== 'string') return value === null ? 'null' : typeof value;
  if (/^[A-Za-z_.:!/*-]{0,40}$/.test(value)) return value;
  return value
    .slice(0, 200)
    .replace(/[0-9a-f]{8,}/g, '0')
    .replace(/[a-z]+/g, 'a')
    .replace(/[A-Z]+/g, 'A')
    .replace(/[0-9]+/g, '0')
    .replace(/(?:[aA0][^\w]?){4,}/g, 'a0');
}

const sizeOf = (value: unknown): number =>
  typeof value === 'string' ? value.length : typeof value === 'number' ? value : 0;

/** As JSON can hold it; what has no JSON of its own says what it is. */
function written(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(written);
  if (value instanceof Date) return { $timestamp: value.toISOString() };
  if (value instanceof Uint8Array) return { $bytes: value.length };
  if (typeof value === 'bigint') return Number(value);
  if (typeof value !== 'object' || value === null) return value;
  // A body, which is a stream.
  if (!isPlain(value)) return { $bytes: 0 };
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, written(one)]));
}
