/** From any published shape to plain camelCase JSON: key case, envelopes, lists. Knows nothing of a finding's meaning. */
import { FirebreakError } from './errors.ts';
import { isJsonObject, type Json, type JsonObject } from './json.ts';

/** Real findings nest about twelve levels; anything deeper is an attack on the reader. */
const DEEPEST = 60;

/**
 * Keys with a lower-case first letter, as EventBridge delivers them; published samples carry PascalCase as well, even
 * mixed in one envelope. Keys that are data (`AWS::IAM::Role`, tag names) are left alone. A null value counts as
 * absent. `__proto__` and its kind are dropped: they would reach the prototype of whatever copies them.
 */
export function camelKeys(value: unknown, path = 'detail', depth = 0): Json {
  if (depth > DEEPEST) throw invalid(`nested deeper than ${DEEPEST} levels (at ${path.slice(0, 80)}…)`);
  if (Array.isArray(value))
    return value.map((item, index) => camelKeys(item, `${path}[${index}]`, depth + 1));
  if (typeof value === 'object' && value !== null) {
    const result: Record<string, Json> = {};
    for (const [key, member] of Object.entries(value)) {
      if (member === null || member === undefined || FORBIDDEN.has(key)) continue;
      const name = /^[A-Z][A-Za-z0-9]*$/.test(key) ? lowerFirst(key) : key;
      // The camelCase spelling wins when a sample carries both.
      if (name !== key && Object.hasOwn(value, name)) continue;
      result[name] = camelKeys(member, `${path}.${name}`, depth + 1);
    }
    return result;
  }
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value;
    case 'number':
      return Number.isFinite(value) ? value : null;
    default:
      return null;
  }
}

const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype']);

/** `InstanceId` -> `instanceId`, `VPCConfig` stays readable as `vpcConfig`. */
const lowerFirst = (key: string): string =>
  key.replace(/^[A-Z]+(?=[A-Z][a-z]|$)|^[A-Z]/, (run) => run.toLowerCase());

/**
 * The single findings in a document: an EventBridge event, a bare finding, a GetFindings answer or a list of these.
 * What is none of them is given back as it is, so that parsing it names what is wrong.
 */
export function unwrapFindings(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value.flatMap((item) => unwrapFindings(item));
  if (typeof value !== 'object' || value === null) return [value];
  const members = value as Record<string, unknown>;
  const list = members['Findings'] ?? members['findings'];
  if (Array.isArray(list) && members['type'] === undefined && members['Type'] === undefined) return list;
  return [value];
}

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
  if (!isJsonObject(inner)) throw invalid(`expected a JSON object, got ${kindOf(inner)} (at detail)`);
  const detail = camelKeys(inner);
  if (!isJsonObject(detail)) throw invalid('expected a JSON object (at detail)');
  return detail;
}

export const kindOf = (value: unknown): string => {
  if (value === null) return 'null';
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'string')
    return `the text ${JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value)}`;
  if (typeof value === 'object') return 'an object';
  return `the ${typeof value} ${String(value)}`;
};

export const invalid = (message: string): FirebreakError =>
  new FirebreakError('FindingInvalid', message, {
    next: 'Give an EventBridge event, a finding, or a GetFindings answer as GuardDuty writes them.',
  });
