/** KMS keys as records name them. */
import { z } from 'zod';
import { arn, type Scope } from '../../core/aws/arn.ts';
import type { Aws } from '../../core/aws/client.ts';

export const KEYS = 'arn:${Partition}:kms:${Region}:${Account}:key/*';
const ID = '(?:mrk-[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})';
/** By its ARN, under which CloudTrail lists the calls of a key [M-LAB]. */
export const key = z.strictObject({
  key: z.string().regex(new RegExp(`^arn:[a-z-]+:kms:[a-z0-9-]+:\\d{12}:key/${ID}$`)),
});
type Key = z.infer<typeof key>;

/** Returns the ARN of a key of the account that a call names by its id or its ARN. */
export function ownKey(named: string | undefined, scope: Scope): string | undefined {
  const [, id] = new RegExp(`(?:^|:key/)(${ID})$`).exec(named ?? '') ?? [];
  const own = id === undefined ? undefined : arn(scope, 'kms', `key/${id}`);
  return named === id || named === own ? own : undefined;
}

export const keyId = ({ key: of }: Key): string => of.split('/').at(-1) ?? of;
export const keyNames = (_aws: Aws, of: Key): readonly string[] => [of.key, keyId(of)];
