/** The policy that denies users of Identity Center in every account, as deploy/management-account.ts makes it. Pure. */

import { isJsonObject, sameJson } from '../../../core/json.ts';
import { parsedPolicy } from '../iam/policy-statements.ts';

/** Its name, which no two policies of an organisation have. */
export const DENIED_USERS_POLICY = 'firebreak-denied-users';

/** A policy says something, so it denies a user that no identity store has. */
export const NO_USER = {
  Sid: 'NoUser',
  Effect: 'Deny',
  Action: '*',
  Resource: '*',
  Condition: { StringEquals: { 'identitystore:userId': '00000000-0000-0000-0000-000000000000' } },
} as const;

/** Characters of a service control policy (Organizations quotas). */
const LONGEST = 5120;
export const fits = (text: string): boolean => text.length <= LONGEST;

/** Returns whether the text is that policy: what was deployed, and besides it denies of Firebreak's alone. */
export function isDeniedUsers(text: string): boolean {
  const policy = parsedPolicy(text);
  const { statements = [] } = policy ?? {};
  return (
    statements.some((one) => sameJson(one, NO_USER)) &&
    statements.every((one) => isJsonObject(one) && one['Effect'] === 'Deny' && isJsonObject(one['Condition']))
  );
}
