import type { FirebreakError } from '../errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { invalid, kindOf } from './shape.ts';

/**
 * Reads members of a finding with their path, so that every error says where. The path is put together for an error only:
 * a stream of a million findings must not pay for it.
 */
export class Reader {
  readonly value: JsonObject;
  readonly #parent: Reader | undefined;
  readonly #key: string;
  /** Place in the list `#key`. */
  readonly #index: number | undefined;

  constructor(value: JsonObject, key: string, parent?: Reader, index?: number) {
    this.value = value;
    this.#key = key;
    this.#parent = parent;
    this.#index = index;
  }

  /** Required text. */
  text(name: string): string {
    const found = this.#present(name);
    if (typeof found === 'string' && found !== '') return found;
    throw this.#expected(name, 'a text');
  }

  /** Required text of a form, because it ends in an ARN, a key or a name. */
  matching(name: string, form: RegExp, what: string): string {
    const found = this.#present(name);
    if (typeof found === 'string' && form.test(found)) return found;
    throw this.#expected(name, what);
  }

  number(name: string): number {
    const found = this.#present(name);
    if (typeof found === 'number') return found;
    throw this.#expected(name, 'a number');
  }

  /**
   * Text if it is text; a number is taken as its digits (ASNs come as both). Anything else counts as absent: a detail
   * that GuardDuty starts to write differently must not keep an attack from being answered.
   */
  optionalText(name: string): string | undefined {
    const found = this.#present(name);
    if (typeof found === 'string') return found;
    return typeof found === 'number' ? String(found) : undefined;
  }

  optionalNumber(name: string): number | undefined {
    const found = this.#present(name);
    return typeof found === 'number' ? found : undefined;
  }

  optionalFlag(name: string): boolean | undefined {
    const found = this.#present(name);
    return typeof found === 'boolean' ? found : undefined;
  }

  /** ISO 8601 UTC from ISO text, from `2025-02-25 20:40:06.721` (no zone: UTC) or from the epoch's seconds or milliseconds. */
  time(name: string): string | undefined {
    const found = this.#present(name);
    if (found === undefined) return undefined;
    const moment = momentOf(found);
    if (moment === undefined) throw this.#expected(name, 'a time');
    return moment;
  }

  /** An object, or undefined when absent. */
  child(name: string): Reader | undefined {
    const found = this.#present(name);
    if (found === undefined) return undefined;
    if (isJsonObject(found)) return new Reader(found, name, this);
    throw this.#expected(name, 'an object');
  }

  /** The objects of a list; empty when absent. One object is a list of one: tools that turn XML or Avro into JSON write it so. */
  children(name: string): readonly Reader[] {
    const found = this.#present(name);
    if (found === undefined) return [];
    if (isJsonObject(found)) return [new Reader(found, name, this)];
    if (!Array.isArray(found)) throw this.#expected(name, 'a list');
    return found.map((item, index) => {
      if (isJsonObject(item)) return new Reader(item, name, this, index);
      throw invalid(
        `${name}: expected an object, got ${kindOf(item)} (at ${this.#path()}.${name}[${index}])`,
      );
    });
  }

  /** The texts of a list, or the one text; a list of another shape has none. */
  texts(name: string): readonly string[] {
    const found = this.#present(name);
    const list = Array.isArray(found) ? found : [found];
    return list.filter((item): item is string => typeof item === 'string' && item.trim() !== '');
  }

  /** An empty text is absent: tools that print every member of the API write it for what is not there. */
  #present(name: string): Json | undefined {
    // Names are ours, and none of them is one that objects inherit.
    const found = this.value[name] ?? undefined;
    return typeof found === 'string' && isBlank(found) ? undefined : found;
  }

  #expected(name: string, what: string): FirebreakError {
    return invalid(
      `${name}: expected ${what}, got ${kindOf(this.value[name] ?? undefined)} (at ${this.#path()}.${name})`,
    );
  }

  #path(): string {
    const key = this.#index === undefined ? this.#key : `${this.#key}[${this.#index}]`;
    return this.#parent ? `${this.#parent.#path()}.${key}` : key;
  }
}

/** Most texts begin with a letter or a digit, which says it. */
function isBlank(text: string): boolean {
  const first = text.charCodeAt(0);
  return !(first > 0x20 && first < 0x7f) && text.trim() === '';
}

/** A reader of a value that stands at `path`. */
export const reader = (value: JsonObject, path: string): Reader => new Reader(value, path);

/** Digits in their places, a day that every month has (a month may be over from the 29th on), UTC said or meant. */
const PLAIN =
  /^[12]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])[T ](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{3})?Z?$/;

/** The SDKs of some languages and GuardDuty's own samples write seconds, others milliseconds: as milliseconds this is 1973, as seconds the year 5138. */
const SECONDS_END = 1e11;

function momentOf(value: unknown): string | undefined {
  if (typeof value === 'number') return isoOf(value < SECONDS_END ? value * 1000 : value);
  if (typeof value !== 'string') return undefined;
  // Most need no calendar: taking apart each of a million would be noticed.
  if (PLAIN.test(value)) {
    if (value.length === 24 && value[10] === 'T') return value;
    const fraction = value[19] === '.' ? value.slice(19, 23) : '.000';
    return `${value.slice(0, 10)}T${value.slice(11, 19)}${fraction}Z`;
  }
  const match = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(\.\d+)?(?: ?(Z|UTC|[+-]\d\d:?\d\d))?$/.exec(
    value.trim(),
  );
  if (!match) return /^\d{9,13}(\.\d+)?$/.test(value) ? momentOf(Number(value)) : undefined;
  const [, day = '', time = '', fraction = '.000', zone = 'Z'] = match;
  return isoOf(Date.parse(`${day}T${time}${fraction.slice(0, 4).padEnd(4, '0')}${zone.replace('UTC', 'Z')}`));
}

function isoOf(ms: number): string | undefined {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) || date.getUTCFullYear() > 9999 || date.getUTCFullYear() < 0
    ? undefined
    : date.toISOString();
}
