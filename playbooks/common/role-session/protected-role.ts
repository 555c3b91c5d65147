/** Roles that are never changed, each with the lever that does work. */
import { compileGlob } from '../../../core/glob.ts';
import type { Target } from '../../../core/journal/playbook.ts';

export interface Refusal {
  readonly reason: string;
  readonly alternative: string;
}

const SCP = 'an SCP that denies aws:userid for this session, set by the management account';
const ISOLATE = 'isolate the instance so that nobody renews the session from it';

/** Why this role must not or cannot be changed, whatever the policy says. */
export function refusalFor(
  role: { readonly name: string; readonly path: string; readonly arn: string },
  target: Target,
  protectedArns: readonly string[],
): Refusal | undefined {
  if (role.path.startsWith('/aws-service-role/') || role.name.startsWith('AWSServiceRoleFor')) {
    return {
      reason: `${role.name} is a service-linked role: IAM refuses to change it (UnmodifiableEntity)`,
      alternative: `Use ${SCP}, or ${ISOLATE}.`,
    };
  }
  if (role.path.startsWith('/aws-reserved/') || role.name.startsWith('AWSReservedSSO_')) {
    return {
      reason: `${role.name} belongs to IAM Identity Center: a change here is refused or overwritten`,
      alternative:
        'Add the deny to the permission set and provision it, or revoke the user session in Identity Center.',
    };
  }
  if (role.name === 'OrganizationAccountAccessRole' || role.name === 'AWSControlTowerExecution') {
    return {
      reason: `${role.name} is the organisation's way into this account: cutting it off could lock everyone out`,
      alternative: `Contain the caller in the management account, or use ${SCP}.`,
    };
  }
  if (role.path.startsWith('/firebreak/')) {
    return {
      reason: `${role.name} is one of Firebreak's own roles: it never changes itself`,
      alternative: `Page the owner of Firebreak; use ${SCP}.`,
    };
  }
  const names = [
    role.name,
    `role${role.path}${role.name}`,
    `${role.path}${role.name}`,
    role.arn,
    target.display,
  ];
  const pattern = protectedArns.find((glob) => names.some(compileGlob(glob)));
  if (pattern === undefined) return undefined;
  return {
    reason: `${role.name} is protected by policy.yml (protected: ${pattern})`,
    alternative: `Ask the owner of the role to revoke the session in the IAM console, or ${ISOLATE}.`,
  };
}
