/**
 * What Firebreak never changes. One list: policy.yml adds to it (`protected`), and the refusals of the playbooks, the explicit
 * denies of Firebreak's own roles and the service control policies come from it. An attacker chooses names, so only what
 * others cannot create is refused; a pattern of names, or another spelling of one, asks a person instead.
 */
import { parseArn } from '../aws/arn.ts';
import { compileGlob } from '../glob.ts';

/** Roles in member accounts; reading and writing are separate roles, as they are in the pipeline's own account. */
export const MEMBER_ROLES = { read: 'firebreak-reader', write: 'firebreak-responder' } as const;

/** Roles in the management account, where they are deployed: they attach and detach service control policies. */
export const MANAGEMENT_ROLES = {
  read: 'firebreak-organization-reader',
  write: 'firebreak-organization-responder',
} as const satisfies Readonly<Record<keyof typeof MEMBER_ROLES, string>>;

/** The ways of the management account into a member account. */
export const ORGANISATION_ROLES = ['OrganizationAccountAccessRole', 'AWSControlTowerExecution'] as const;

/** Roles and policies of the pipeline's own account live under this path so that one deny covers them all. */
export const ROLE_PATH = '/firebreak/';

export interface ProtectedRole {
  /** Path and name, as an ARN has them after `role/`; a whole path ends in `/*`. */
  readonly role: string;
  /** Who keeps others from creating it: IAM reserves the path [M], or the guard (a service control policy) denies it. */
  readonly keptBy: 'aws' | 'guard';
  /** Only in the account that Firebreak runs in. */
  readonly hubOnly?: true;
  readonly because: string;
  readonly instead: string;
}

const SCP = 'an SCP that denies aws:userid for this session, set by the management account';

const OWN = {
  keptBy: 'guard',
  because: "is one of Firebreak's own roles: it never changes itself",
  instead: `Page the owner of Firebreak; use ${SCP}.`,
} as const;
const ORGANISATION = {
  keptBy: 'guard',
  because: "is the organisation's way into this account: cutting it off could lock everyone out",
  instead: `Contain the caller in the management account, or use ${SCP}.`,
} as const;

export const PROTECTED_ROLES: readonly ProtectedRole[] = [
  {
    role: 'aws-service-role/*',
    keptBy: 'aws',
    because: 'is a service-linked role: IAM refuses to change it (UnmodifiableEntity)',
    instead: `Use ${SCP}, or isolate the instance so that no one renews the session from it.`,
  },
  {
    role: 'aws-reserved/*',
    keptBy: 'aws',
    because: 'belongs to IAM Identity Center: a change here is refused or overwritten',
    instead:
      'Add the deny to the permission set and provision it, or revoke the user session in Identity Center.',
  },
  ...ORGANISATION_ROLES.map((role) => ({ role, ...ORGANISATION })),
  { role: MEMBER_ROLES.read, ...OWN },
  { role: MEMBER_ROLES.write, ...OWN },
  { role: MANAGEMENT_ROLES.read, ...OWN },
  { role: MANAGEMENT_ROLES.write, ...OWN },
  { role: `${ROLE_PATH.slice(1)}*`, hubOnly: true, ...OWN },
];

/** Returns the ARNs of the roles that the guard keeps, as entries of `protected`. `hub`: the account Firebreak runs in. */
export const guardedArns = (hub: string): readonly string[] =>
  PROTECTED_ROLES.filter(({ keptBy }) => keptBy === 'guard').map(
    ({ role, hubOnly }) => `arn:*:iam::${hubOnly ? hub : '*'}:role/${role}`,
  );

const IDENTITY = /^(role|user)\/./;

/**
 * Returns true where an entry of policy.yml names one resource: an ARN without `*` in its last part, or `role/PATH/NAME` and
 * `user/PATH/NAME`. A bare name is not exact: an attacker can create another resource with it, under another path or of
 * another kind.
 */
export function isExact(entry: string): boolean {
  const resource = parseArn(entry)?.resource;
  return resource === undefined ? IDENTITY.test(entry) && !entry.includes('*') : !resource.includes('*');
}

/**
 * Returns a test for names and ARNs. As in IAM, `*` in one part of an ARN does not reach into the next: a role under the path
 * `/x:role/` would otherwise pass for one that it is not.
 */
export function nameMatcher(entry: string): (name: string) => boolean {
  const pattern = parseArn(entry);
  if (!pattern) return compileGlob(entry);
  const { partition, service, region, account, resource } = pattern;
  const parts = [partition, service, region, account, resource].map(compileGlob);
  return (name) => {
    const given = parseArn(name);
    if (!given) return false;
    const values = [given.partition, given.service, given.region, given.account, given.resource];
    return parts.every((matches, index) => matches(values[index] ?? ''));
  };
}
