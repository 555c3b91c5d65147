/** Public access blocks in records and items of AWS Config, and which change of one opens something. */
import type { z } from 'zod';
import type { Json, JsonObject } from '../../core/json.ts';
import { valueIn } from '../common/changes/inverse.ts';
import type { blockValue } from '../common/s3/public-access-block.ts';

type Block = z.infer<typeof blockValue>;
const SWITCHES = [
  'BlockPublicAcls',
  'BlockPublicPolicy',
  'IgnorePublicAcls',
  'RestrictPublicBuckets',
] as const;

const isOn = (value: Json | undefined): boolean => value === true || value === 'true';

/** Returns the switches of a request; one that is left out is off. */
export const requestedBlock = (request: JsonObject): JsonObject =>
  Object.fromEntries(
    SWITCHES.map((name) => [name, isOn(valueIn(request, 'PublicAccessBlockConfiguration', name))]),
  );

/** Returns the switches that AWS Config recorded; undefined where it says nothing of them. */
export function recordedBlock(item: Json | undefined): Json | undefined {
  if (item === null) return null;
  const small = (name: string): string => name.slice(0, 1).toLowerCase() + name.slice(1);
  const all = SWITCHES.map((name) => [name, valueIn(item, small(name))] as const);
  if (all.every(([, value]) => value === undefined)) return undefined;
  return Object.fromEntries(all.map(([name, value]) => [name, isOn(value)]));
}

/** Returns why a person must write it: a switch that is on would be off. */
export const opensBlock = (wanted: Block, left: Block): string | undefined =>
  SWITCHES.some((name) => left?.[name] === true && wanted?.[name] !== true)
    ? 'it would switch off what keeps the public out'
    : undefined;
