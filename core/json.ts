import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';

/** A value that survives a round trip through JSON: everything that is stored or shown is one. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;
export type JsonObject = { readonly [key: string]: Json };

/** Value equality of two JSON values; key order does not count, array order does. */
export const sameJson = (a: Json, b: Json): boolean => isDeepStrictEqual(a, b);

export const isJsonObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Returns what the record itself has under that name. A name from outside may be one that every object has (`constructor`), for
 * which `record[name]` returns what the language put there.
 */
export const own = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined;

/** Any value as JSON: dates as ISO 8601, bytes in base64, what JSON does not know left out. */
export function toJson(value: unknown): Json {
  return JSON.parse(
    JSON.stringify(value ?? null, (_key, member: unknown) =>
      member instanceof Uint8Array ? Buffer.from(member).toString('base64') : member,
    ),
  ) as Json;
}

/** JSON text with sorted keys, so that equal values give equal text (and equal hashes). */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (isJsonObject(value)) {
    const members = Object.keys(value)
      .sort()
      .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key] ?? null)}`);
    return `{${members.join(',')}}`;
  }
  return JSON.stringify(value);
}

/** SHA-256 of the canonical text, in hex. */
export const hashJson = (value: Json): string =>
  createHash('sha256').update(canonicalJson(value)).digest('hex');
