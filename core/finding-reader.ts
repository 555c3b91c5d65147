import type { FirebreakError } from './errors.ts';
import { invalid, kindOf } from './finding-shape.ts';
import { isJsonObject, type Json, type JsonObject } from './json.ts';

/**
 * Reads members of a finding with their path, so that every error says where. The path is put together for an error only:
 * a stream of a million findings must not pay for it.
 */
export class Reader {
  readonly value: JsonObject;
  readonly #parent: Reader | undefined;
  readonly #key: string;

  constructor(value: JsonObject, key: string, parent?: Reader) {
    this.value = value;
    this.#key = key;
    this.#parent = parent;
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

  /** ISO 8601 UTC from ISO text, from `2025-02-25 20:40:06.721` (no zone: UTC) or from epoch milliseconds. */
  time(name: string): string | undefined {
    const found = this.#present(name);
    if (found === undefined || found === '') return undefined;
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

  /** The objects of a list; empty when absent. */
  children(name: string): readonly Reader[] {
    const found = this.#present(name);
    if (found === undefined) return [];
    if (!Array.isArray(found)) throw this.#expected(name, 'a list');
    return found.map((item, index) => {
      const at = `${name}[${index}]`;
      if (isJsonObject(item)) return new Reader(item, at, this);
      throw invalid(`${name}: expected an object, got ${kindOf(item)} (at ${this.#path()}.${at})`);
    });
  }

  #present(name: string): Json | undefined {
    return Object.hasOwn(this.value, name) ? (this.value[name] ?? undefined) : undefined;
  }

  #expected(name: string, what: string): FirebreakError {
    return invalid(
      `${name}: expected ${what}, got ${kindOf(this.#present(name))} (at ${this.#path()}.${name})`,
    );
  }

  #path(): string {
    return this.#parent ? `${this.#parent.#path()}.${this.#key}` : this.#key;
  }
}

/** A reader of a value that stands at `path`. */
export const reader = (value: JsonObject, path: string): Reader => new Reader(value, path);

const CANONICAL =
  /^[12]\d{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|1\d|2[0-8])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z$/;

function momentOf(value: unknown): string | undefined {
  // Epoch numbers in findings are milliseconds; GuardDuty's oldest samples are of 2016.
  if (typeof value === 'number') return isoOf(value);
  if (typeof value !== 'string') return undefined;
  // Taken as it is where it is written as it is kept, which a million findings notice. From the 29th on a month may be over.
  if (CANONICAL.test(value)) return value;
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
