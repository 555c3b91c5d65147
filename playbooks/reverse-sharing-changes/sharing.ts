/** A copy of data is shared with one account, or with everyone: a value of its own for each, so that the others stay. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';

/** An account, or everyone. */
export const sharedWith = z.string().regex(/^(\d{12}|all)$/);
export const isShared = z.boolean();

export const WORDS = { true: 'shared', false: 'not shared' };
export const COPIED =
  'what was copied while it was shared belongs to the other account: look for CopySnapshot and the like there';

/** Returns the ARN of what EC2 names without an account, and its id. */
export const publicNames = ({ scope }: Aws, type: string, id: string): readonly string[] => [
  ['arn', scope.partition, 'ec2', scope.region, '', `${type}/${id}`].join(':'),
  id,
];

/** Returns the words for whom it is. */
export const whom = (to: string): string => (to === 'all' ? 'everyone' : `account ${to}`);

const inside = (from: JsonObject, name: string): JsonObject => {
  const found = Object.hasOwn(from, name) ? from[name] : undefined;
  return isJsonObject(found) ? found : {};
};

export interface Given {
  readonly to: Json | undefined;
  readonly left: boolean;
}

/** Returns whom a call added and removed: `{ add: { items: [{ userId }, { group: 'all' }] }, remove: … }` [M-LAB]. */
export const givenIn = (request: JsonObject, permission: string): readonly Given[] =>
  (['add', 'remove'] as const).flatMap((does) => {
    const { items } = inside(inside(request, permission), does);
    return (Array.isArray(items) ? items.filter(isJsonObject) : []).map((one) => ({
      to: one['userId'] ?? one['group'],
      left: does === 'add',
    }));
  });

/**
 * To share with who has it already is no error, so nothing proves that it was new: not shared is a guess, which closes and is
 * said. That something was shared is never guessed.
 */
export const effectOf = (resource: unknown, left: boolean) =>
  left ? { resource, left, guess: false } : { resource, left };
