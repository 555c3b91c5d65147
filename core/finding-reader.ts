import { invalid, kindOf } from './finding-shape.ts';
import { isJsonObject, type JsonObject } from './json.ts';

/** Reads members of a finding with their path, so that every error says where. */
export interface Reader {
  readonly value: JsonObject;
  /** Required text. */
  text(name: string): string;
  /** Required text of a form, because it ends in an ARN, a key or a name. */
  matching(name: string, form: RegExp, what: string): string;
  number(name: string): number;
  /**
   * Text if it is text; a number is taken as its digits (ASNs come as both). Anything else counts as absent: a detail
   * that GuardDuty starts to write differently must not keep an attack from being answered.
   */
  optionalText(name: string): string | undefined;
  optionalNumber(name: string): number | undefined;
  /** ISO 8601 UTC from ISO text, from `2025-02-25 20:40:06.721` (no zone: UTC) or from epoch milliseconds. */
  time(name: string): string | undefined;
  /** An object, or undefined when absent. */
  child(name: string): Reader | undefined;
  /** The objects of a list; empty when absent. */
  children(name: string): readonly Reader[];
}

export function reader(value: JsonObject, path: string): Reader {
  const where = (name: string) => `(at ${path}.${name})`;
  const present = (name: string) => (Object.hasOwn(value, name) ? (value[name] ?? undefined) : undefined);
  const expected = (name: string, what: string) =>
    invalid(`${name}: expected ${what}, got ${kindOf(present(name))} ${where(name)}`);
  const self: Reader = {
    value,
    text(name) {
      const found = present(name);
      if (typeof found === 'string' && found !== '') return found;
      throw expected(name, 'a text');
    },
    matching(name, form, what) {
      const found = present(name);
      if (typeof found === 'string' && form.test(found)) return found;
      throw expected(name, what);
    },
    number(name) {
      const found = present(name);
      if (typeof found === 'number') return found;
      throw expected(name, 'a number');
    },
    optionalText(name) {
      const found = present(name);
      if (typeof found === 'string') return found;
      return typeof found === 'number' ? String(found) : undefined;
    },
    optionalNumber(name) {
      const found = present(name);
      return typeof found === 'number' ? found : undefined;
    },
    time(name) {
      const found = present(name);
      if (found === undefined || found === '') return undefined;
      const moment = momentOf(found);
      if (moment === undefined) throw expected(name, 'a time');
      return moment;
    },
    child(name) {
      const found = present(name);
      if (found === undefined) return undefined;
      if (isJsonObject(found)) return reader(found, `${path}.${name}`);
      throw expected(name, 'an object');
    },
    children(name) {
      const found = present(name);
      if (found === undefined) return [];
      if (!Array.isArray(found)) throw expected(name, 'a list');
      return found.map((item, index) => {
        if (isJsonObject(item)) return reader(item, `${path}.${name}[${index}]`);
        throw invalid(`${name}: expected an object, got ${kindOf(item)} (at ${path}.${name}[${index}])`);
      });
    },
  };
  return self;
}

function momentOf(value: unknown): string | undefined {
  // Epoch numbers in findings are milliseconds; GuardDuty's oldest samples are of 2016.
  if (typeof value === 'number') return isoOf(value);
  if (typeof value !== 'string') return undefined;
  const match = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)?(Z|[+-]\d\d:?\d\d)?$/.exec(value.trim());
  if (!match) return undefined;
  const [, day = '', time = '', fraction = '.000', zone = 'Z'] = match;
  return isoOf(Date.parse(`${day}T${time}${fraction.slice(0, 4).padEnd(4, '0')}${zone}`));
}

function isoOf(ms: number): string | undefined {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9999 || date.getUTCFullYear() < 0
    ? undefined
    : date.toISOString();
}
