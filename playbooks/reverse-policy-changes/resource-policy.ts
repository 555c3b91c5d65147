/** What the policies of topics, queues, keys, repositories and secrets have in common. */
import type { z } from 'zod';
import type { JsonObject } from '../../core/json.ts';
import { isJsonObject, type Json } from '../../core/json.ts';
import { defineInverse, type Inverse, type InverseDefinition, textIn } from '../common/changes/inverse.ts';
import { letsInAgain, policyValue, samePolicy } from '../common/changes/policy.ts';

type Value = z.infer<typeof policyValue>;
type Shared = 'danger' | 'does' | 'value' | 'says' | 'same' | 'words';

export interface PolicyKind<R extends JsonObject> extends Omit<InverseDefinition<R, Value>, Shared> {
  /** "topic orders" */
  what(resource: R): string;
  readonly does?: string;
  readonly setting: string;
  readonly why: string;
}

/** Makes the inverse of a resource whose policy is written as a whole. */
export const resourcePolicy = <R extends JsonObject>({
  what,
  setting,
  why,
  ...kind
}: PolicyKind<R>): Inverse =>
  defineInverse<R, Value>({
    danger: 'exposes data',
    does: 'the earlier policy is written again, unless it would let others in again',
    value: policyValue,
    says: (of, wanted) => `${wanted === null ? 'Remove' : 'Restore'} the policy of ${what(of)}`,
    byHand: letsInAgain,
    same: samePolicy,
    words: { setting, why },
    ...kind,
  });

/** Returns a policy as text, however the record or AWS Config has it. */
export function policyTextIn(from: Json | undefined, ...path: readonly string[]): string | undefined {
  const text = textIn(from, ...path);
  if (text !== undefined) return text === '' ? undefined : text;
  const value = path.reduce<Json | undefined>(
    (at, name) => (isJsonObject(at) && Object.hasOwn(at, name) ? at[name] : undefined),
    from,
  );
  return isJsonObject(value) ? JSON.stringify(value) : undefined;
}
