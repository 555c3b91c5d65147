/** A copy of data is shared with one account, or with everyone: a value of its own for each, so that the others stay. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import { itemsIn } from '../common/changes/inverse.ts';

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

const whom = (to: string): string => (to === 'all' ? 'everyone' : `account ${to}`);

/** Returns what is done, on a line of the table. */
export const sharesWith = (what: string, to: string, wanted: boolean): string =>
  `Share ${what} with ${whom(to)} ${wanted ? 'again' : 'no longer'}`;

export interface Given {
  readonly to: Json | undefined;
  readonly left: boolean;
}

/** Returns why a person must share it: whom the principal removed would have it again. */
export const sharesAgain = (wanted: boolean): string | undefined =>
  wanted ? 'it would let others than the account in again' : undefined;

/** Returns whom a call added and removed: `{ add: { items: [{ userId }, { group: 'all' }] }, remove: … }` [M-LAB]. */
export const givenIn = (request: JsonObject, permission: string): readonly Given[] =>
  (['add', 'remove'] as const).flatMap((does) =>
    itemsIn(request, permission, does).map((one) => ({
      to: one['userId'] ?? one['group'],
      left: does === 'add',
    })),
  );

/**
 * To share with who has it already is no error, so nothing proves that it was new: not shared is a guess, which closes and is
 * said. That something was shared is never guessed.
 */
export const effectOf = (resource: unknown, left: boolean) =>
  left ? { resource, left, guess: false } : { resource, left };
