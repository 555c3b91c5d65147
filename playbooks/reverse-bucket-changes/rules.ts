/** Rules of a bucket's configuration: as CloudTrail records them, as the API has them, and when two lists say the same. */
import { z } from 'zod';
import { canonicalJson, isJsonObject, type Json, type JsonObject, toJson } from '../../core/json.ts';

export const rules = z.array(z.custom<JsonObject>(isJsonObject)).max(1000);

/** Lists of S3's XML by the name of one entry, as the API names them. */
const LISTS: Readonly<Record<string, string>> = {
  NoncurrentVersionTransition: 'NoncurrentVersionTransitions',
  Rule: 'Rules',
  Tag: 'Tags',
  Transition: 'Transitions',
};
/** A tag alone stands in a filter, several in its `And`. */
const isList = (name: string, within: string): boolean =>
  Object.hasOwn(LISTS, name) && (name !== 'Tag' || within === 'And');
/** An empty element is an empty text in a record. */
const OBJECTS: ReadonlySet<string> = new Set(['Filter', 'Metrics']);

/**
 * Returns a configuration of a record as the API has it: CloudTrail writes the XML of the request as JSON [M-LAB], where a list of
 * one is its entry, and numbers may be texts.
 */
export function fromXml(value: Json, within = ''): Json {
  if (Array.isArray(value)) return value.map((one) => fromXml(one, within));
  if (!isJsonObject(value)) return scalar(value, within);
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !/^(xmlns|xsi)/.test(name))
      .map(([name, member]) => {
        const inner = member === '' && OBJECTS.has(name) ? {} : fromXml(member, name);
        return isList(name, within) ? [LISTS[name] ?? name, [inner].flat()] : [name, inner];
      }),
  );
}

function scalar(value: Json, name: string): Json {
  if (typeof value !== 'string') return value;
  if (name === 'Date') return dateOf(value);
  // A tag may have any text as its value.
  if (/^(ID|Key|Prefix|Value)$/.test(name)) return value;
  return /^\d{1,9}$/.test(value) ? Number(value) : /^(true|false)$/.test(value) ? value === 'true' : value;
}

const dateOf = (text: string): string => {
  const at = Date.parse(text);
  return Number.isNaN(at) ? text : new Date(at).toISOString();
};

/** Returns the rules as plain JSON; none where there is no list. */
export function rulesIn(value: unknown): JsonObject[] | undefined {
  const list = toJson(value);
  return Array.isArray(list) ? list.filter(isJsonObject) : undefined;
}

/** Returns the rules as the SDK takes them: with dates. */
export const forApi = <T>(list: readonly JsonObject[]): T[] =>
  JSON.parse(JSON.stringify(list), (key, value) =>
    key === 'Date' && typeof value === 'string' ? new Date(value) : value,
  );

/** Whether two lists say the same: ids are labels, which S3 makes where none is given, and a filter may be left out. */
export function sameRules(a: readonly JsonObject[], b: readonly JsonObject[]): boolean {
  const [one, other] = [a, b].map((list) => list.map(comparable).sort());
  return canonicalJson(one ?? []) === canonicalJson(other ?? []);
}

function comparable({ ID: _id, Filter: filter, Prefix: prefix, ...rule }: JsonObject): string {
  const narrowed = isJsonObject(filter) && filter['Prefix'] !== '' && Object.keys(filter).length > 0;
  const older = typeof prefix === 'string' && prefix !== '' ? { Prefix: prefix } : undefined;
  const of = narrowed ? filter : older;
  return canonicalJson({ ...rule, ...(of ? { Filter: of } : {}) });
}
