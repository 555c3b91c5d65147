/** From any published shape to plain camelCase JSON: key case, envelopes, lists. Knows nothing of a finding's meaning. */
import { FirebreakError } from '../errors.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';

/** Real findings nest about twelve levels; anything deeper is an attack on the reader. */
const DEEPEST = 60;

/**
 * Keys with a lower-case first letter, as EventBridge delivers them; published samples carry PascalCase as well, even
 * mixed in one envelope. Keys that are data (`AWS::IAM::Role`, tag names) are left alone. A null value counts as
 * absent to the code that reads it, and stays for a person who looks at the finding. `__proto__` and its kind are dropped: they would reach the prototype of whatever copies them.
 */
export function camelKeys(value: unknown): Json {
  if (inOrder(value, 0)) return value;
  try {
    return camel(value, 0);
  } catch (error) {
    if (!(error instanceof TooDeep)) throw error;
    throw invalid(`nested deeper than ${DEEPEST} levels (at ${pathOf(error.keys).slice(0, 80)}…)`);
  }
}

/**
 * Whether there is nothing to rename and nothing to drop, as in every event that EventBridge delivers. Looking costs a
 * quarter of the walk that renames, and a replay of a million findings is made of little else.
 */
function inOrder(value: unknown, depth: number): value is Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true;
    case 'number':
      return Number.isFinite(value);
    case 'object':
      break;
    default:
      return false;
  }
  if (value === null) return true;
  if (depth > DEEPEST) return false;
  if (Array.isArray(value)) {
    for (const item of value) if (typeof item !== 'string' && !inOrder(item, depth + 1)) return false;
    return true;
  }
  const members = value as JsonObject;
  for (const key in members) {
    const member = members[key];
    if (nameOf(key) !== key || forbidden(key)) return false;
    if (typeof member !== 'string' && !inOrder(member, depth + 1)) return false;
  }
  return true;
}

/** Its keys are put together on the way up: a path built at every key is what a stream of a million would pay. */
class TooDeep extends Error {
  readonly keys: (string | number)[] = [];
}

function camel(value: unknown, depth: number): Json {
  if (depth > DEEPEST) throw new TooDeep();
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : null;
    case 'object':
      break;
    default:
      return null;
  }
  if (value === null) return null;
  if (Array.isArray(value)) return camelList(value, depth + 1);
  return isJsonObject(value) ? camelObject(value, depth + 1) : null;
}

function camelList(value: readonly Json[], depth: number): readonly Json[] {
  const list: Json[] = [];
  let index = 0;
  try {
    // Not `map`: it leaves the holes of a list as they are.
    for (; index < value.length; index++) list.push(camel(value[index], depth));
  } catch (error) {
    if (error instanceof TooDeep) error.keys.unshift(index);
    throw error;
  }
  return list;
}

function camelObject(value: JsonObject, depth: number): JsonObject {
  const copy: Record<string, Json> = {};
  let name = '';
  try {
    // What JSON.parse makes inherits nothing that can be listed.
    for (const key in value) {
      const member = value[key];
      name = nameOf(key);
      if (member === undefined || forbidden(key)) continue;
      // The camelCase spelling wins when a sample carries both.
      if (name !== key && Object.hasOwn(value, name)) continue;
      copy[name] = typeof member === 'object' && member !== null ? camel(member, depth) : member;
    }
  } catch (error) {
    if (error instanceof TooDeep) error.keys.unshift(name);
    throw error;
  }
  return copy;
}

const forbidden = (key: string): boolean =>
  key === '__proto__' || key === 'constructor' || key === 'prototype';

const pathOf = (keys: readonly (string | number)[]): string =>
  keys.reduce<string>((path, key) => path + (typeof key === 'number' ? `[${key}]` : `.${key}`), 'detail');

/** Findings share a few hundred keys; keys come from outside all the same, so what is remembered is bounded. */
const names = new Map<string, string>();
const NAMES_KEPT = 4096;

function nameOf(key: string): string {
  // Most keys are camelCase as they come; looking each of them up would cost more than all the rest.
  const first = key.charCodeAt(0);
  if (!(first >= 0x41 && first <= 0x5a)) return key;
  const known = names.get(key);
  if (known !== undefined) return known;
  const name = /^[A-Z][A-Za-z0-9]*$/.test(key) ? lowerFirst(key) : key;
  if (names.size < NAMES_KEPT && key.length < 100) names.set(key, name);
  return name;
}

/** `InstanceId` -> `instanceId`, `VPCConfig` stays readable as `vpcConfig`. */
const lowerFirst = (key: string): string =>
  key.replace(/^[A-Z]+(?=[A-Z][a-z]|$)|^[A-Z]/, (run) => run.toLowerCase());

/** The finding itself: the `detail` of an EventBridge event, or the value. Identity never comes from the envelope. */
export function detailOf(value: unknown): JsonObject {
  if (!isJsonObject(value)) {
    throw invalid(`expected a JSON object, got ${kindOf(value)}`);
  }
  const envelope = 'detail' in value || 'Detail' in value;
  const source = value['source'] ?? value['Source'];
  if (envelope && source !== undefined && source !== 'aws.guardduty') {
    throw invalid(`this event is from ${JSON.stringify(source)}, not from aws.guardduty (at source)`);
  }
  const inner = envelope ? (value['detail'] ?? value['Detail']) : value;
  const other = otherThanFinding(value, inner);
  if (other !== undefined) throw invalid(other);
  if (!isJsonObject(inner)) throw invalid(`expected a JSON object, got ${kindOf(inner)} (at detail)`);
  return camelDetail(inner);
}

/** The finding with camelCase keys, nothing unwrapped. */
export function camelDetail(value: JsonObject): JsonObject {
  const detail = camelKeys(value);
  if (!isJsonObject(detail)) throw invalid('expected a JSON object (at detail)');
  return detail;
}

/** What people take for a finding, each said by name: a missing member would not tell them. */
function otherThanFinding(value: JsonObject, inner: Json | undefined): string | undefined {
  if (!isJsonObject(inner) || 'type' in inner || 'Type' in inner) return undefined;
  const kind = value['detail-type'];
  if (typeof kind === 'string' && kind !== 'GuardDuty Finding')
    return `this event is a ${JSON.stringify(kind.slice(0, 60))}, not a "GuardDuty Finding" (at detail-type)`;
  if ('ProductArn' in inner || 'Types' in inner)
    return "this is a finding in Security Hub's format (ASFF): give GuardDuty's own, by EventBridge or GetFindings";
  if ('class_uid' in inner)
    return "this is a finding in OCSF: give GuardDuty's own, by EventBridge or GetFindings";
  if ('FindingIds' in inner || 'findingIds' in inner)
    return 'these are ids of findings (ListFindings): give what GetFindings answers for them';
  if (inner['eventSource'] === 'aws:s3' && isJsonObject(inner['s3'])) return s3Notification(inner['s3']);
  const keys = Object.keys(inner);
  return keys.length === 0
    ? undefined
    : `type: expected a text, got nothing (at detail.type); this is not a GuardDuty finding: keys seen are ${shownKeys(keys)}`;
}

/** Security lakes are filled so: the notification names the object that holds the findings. */
function s3Notification(s3: JsonObject): string {
  const { bucket, object } = s3;
  const key = isJsonObject(object) ? object['key'] : undefined;
  const name = isJsonObject(bucket) ? bucket['name'] : undefined;
  const what = typeof key === 'string' && typeof name === 'string' ? ` about s3://${name}/${key}` : '';
  return `this is an S3 notification${what}, not a finding: give the object itself; keys seen are eventSource, eventName, s3`;
}

const shownKeys = (keys: readonly string[]): string => {
  const shown = keys.slice(0, 8).map((key) => key.slice(0, 40));
  return keys.length > shown.length
    ? `${shown.join(', ')} and ${keys.length - shown.length} more`
    : shown.join(', ');
};

export const kindOf = (value: unknown): string => {
  if (value === null) return 'null';
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string')
    return `the text ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)}`;
  if (typeof value === 'object') return 'an object';
  return `the ${typeof value} ${String(value)}`;
};

/** Returns the partition that a Region's name tells. */
export function partitionOfRegion(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}

export const invalid = (message: string): FirebreakError =>
  new FirebreakError('FindingInvalid', message, {
    next: 'Give an EventBridge event, a finding, or a GetFindings answer as GuardDuty writes them.',
  });
