/** Roles that are never changed, each with what works instead. */
import { compileGlob } from '../../../core/glob.ts';
import type { Target } from '../../../core/journal/playbook.ts';
import { PROTECTED_ROLES } from '../../../core/policy/protected.ts';
import { protectedBy } from '../protected.ts';

export interface Refusal {
  readonly reason: string;
  readonly alternative: string;
}

/** Why this role must not or cannot be changed, whatever the policy says. By its path and name, never by a name alone. */
export function refusalFor(
  role: { readonly name: string; readonly path: string; readonly arn: string },
  target: Target,
  protectedArns: readonly string[],
): Refusal | undefined {
  const names = [
    role.name,
    `role${role.path}${role.name}`,
    `${role.path}${role.name}`,
    role.arn,
    target.display,
  ];
  const entry = protectedBy(names, protectedArns);
  const known = PROTECTED_ROLES.find(
    ({ role: pathAndName, hubOnly }) =>
      compileGlob(pathAndName)(`${role.path}${role.name}`.slice(1)) &&
      (!hubOnly || entry?.endsWith(`:role/${pathAndName}`) === true),
  );
  if (known) return { reason: `${role.name} ${known.because}`, alternative: known.instead };
  if (entry === undefined) return undefined;
  return {
    reason: `${role.name} is protected by policy.yml (protected: ${entry})`,
    alternative:
      'Ask the owner of the role to revoke the session in the IAM console. An instance that renews its session has to be isolated as well.',
  };
}
