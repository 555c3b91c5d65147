/**
 * The roles and users that nothing of Firebreak may change, as its IAM denies and the service control policies name them:
 * those of the product, and the exact ones of policy.yml. The playbooks refuse by the same list.
 */
import { readFileSync } from 'node:fs';
import { parseArn } from '../core/aws/arn.ts';
import { parseDocument } from '../core/policy/document.ts';
import { isExact, PROTECTED_ROLES } from '../core/policy/protected.ts';

interface ProtectedIdentity {
  /** As after the account in an ARN: `role/PATH/NAME`, `user/PATH/NAME`; a whole path ends in `/*`. */
  readonly resource: string;
  /** `*`: every account; `hub`: the one Firebreak runs in. */
  readonly account: string;
  /** IAM reserves some paths; what is left, the guard keeps others from creating. */
  readonly keptBy: 'aws' | 'guard';
}

/** Returns the list that a policy.yml with these `protected` entries makes. */
export const protectedIdentities = (entries: readonly string[]): readonly ProtectedIdentity[] => [
  ...PROTECTED_ROLES.map(({ role, keptBy, hubOnly }) => ({
    resource: `role/${role}`,
    account: hubOnly ? 'hub' : '*',
    keptBy,
  })),
  ...entries.filter(isExact).flatMap((entry): ProtectedIdentity[] => {
    const { service, account, resource } = parseArn(entry) ?? {
      service: 'iam',
      account: '*',
      resource: entry,
    };
    return service === 'iam' ? [{ resource, account, keptBy: 'guard' }] : [];
  }),
];

/** Packaging sets it to the team's own policy (deploy/packaged-policy.js). */
const FILE = process.env['FIREBREAK_POLICY'] ?? 'policy.yml';
export const PROTECTED = protectedIdentities(parseDocument(readFileSync(FILE, 'utf8'), FILE).protected);
