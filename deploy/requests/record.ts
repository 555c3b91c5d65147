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

/** What was seen of one member, and of the members within it. */
interface Member {
  readonly forms: Set<string>;
  least: number;
  most: number;
  readonly inner: Map<string, Member>;
}

export interface Recorder {
  see(service: string, operation: string, side: Side, value: unknown): void;
  /** What was kept, a JSON text each. */
  lines(): readonly string[];
}

export function recorder(): Recorder {
  const calls = unseen();
  const kept: string[] = [];
  return {
    see(service, operation, side, value) {
      if (!novelty(innerOf(calls, `${service}.${operation} ${side}`), value)) return;
      kept.push(JSON.stringify({ service, operation, side, value: written(value) }));
    },
    lines: () => kept,
  };
}

const unseen = (): Member => ({
  ...{ forms: new Set(), least: Number.POSITIVE_INFINITY, most: Number.NEGATIVE_INFINITY },
  inner: new Map(),
});

function innerOf({ inner }: Member, name: string): Member {
  let found = inner.get(name);
  if (!found) {
    found = unseen();
    inner.set(name, found);
  }
  return found;
}

/** Looks at every member, not only up to the first that is new: the next call is compared with all of them. */
function novelty(member: Member, value: unknown): boolean {
  if (value === undefined) return false;
  let found = false;
  if (Array.isArray(value)) {
    for (const one of value) found = novelty(innerOf(member, '[]'), one) || found;
    return isNew(member, 'list', value.length) || found;
  }
  if (typeof value !== 'object' || value === null || !isPlain(value))
    return isNew(member, formOf(value), sizeOf(value));
  let names = '';
  for (const [name, one] of Object.entries(value)) {
    if (one === undefined) continue;
    names += `,${name}`;
    found = novelty(innerOf(member, name), one) || found;
  }
  return isNew(member, names, 0) || found;
}

function isNew(member: Member, form: string, size: number): boolean {
  const { forms, least, most } = member;
  const novel = size < least || size > most || (forms.size < FORMS && !forms.has(form));
  member.least = Math.min(least, size);
  member.most = Math.max(most, size);
  if (forms.size < FORMS) forms.add(form);
  return novel;
}

/** A structure or map of AWS's: a body has methods. */
const isPlain = (value: object): boolean => {
  const prototype: unknown = Object.getPrototypeOf(value);
  return (
    (prototype === Object.prototype || prototype === null) &&
    Object.values(value).every((member) => typeof member !== 'function')
  );
};

/** The forms of texts that came before: the same ids and ARNs come in thousands of calls. */
const knownForms = new Map<string, string>();
const FORMS_KEPT = 20_000;

function formOf(value: unknown): string {
  if (typeof value !== 'string') return value === null ? 'null' : typeof value;
  const known = knownForms.get(value);
  if (known !== undefined) return known;
  const form = formOfText(value);
  if (knownForms.size < FORMS_KEPT && value.length < 1000) knownForms.set(value, form);
  return form;
}

/** Words stay as they are, since an enumeration may have them; of others what kinds of characters follow each other. */
function formOfText(value: string): string {
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
