/** Which principal of IAM a Kubernetes user is: by the id that the authenticator gives, or by the name of an access entry. */
import { parseArn } from '../../../core/aws/arn.ts';
import type { Aws } from '../../../core/aws/client.ts';
import type { Permission } from '../../../core/journal/playbook.ts';
import { isNoSuchEntity } from '../iam/aws-reason.ts';
import { pagesOf } from '../iam/iam-pages.ts';
import type { PrincipalFacts } from './identity-target.ts';

export const READ_PRINCIPALS: readonly Permission[] = [
  {
    // No list of IAM has a resource level, and IAM finds no one by id.
    actions: ['iam:ListRoles', 'iam:ListUsers'],
    resources: ['*'],
    why: 'who a user of a cluster is that is known by the id of its role or user alone',
  },
  {
    actions: ['iam:GetRole', 'iam:GetUser'],
    resources: ['arn:${Partition}:iam::${Account}:role/*', 'arn:${Partition}:iam::${Account}:user/*'],
    why: 'whether the user name of a cluster is that of the principal that called',
  },
];

/** `role/NAME` or `user/NAME` of a principal's ARN, whatever its path. */
export function principalOfArn(principalArn: string): string | undefined {
  const [kind, ...path] = parseArn(principalArn)?.resource.split('/') ?? [];
  return kind === undefined || path.length === 0 ? undefined : `${kind}/${path.at(-1)}`;
}

/** Returns the principal's id, or undefined where there is none of that name (any more). */
export async function idOf(aws: Aws, principal: string): Promise<string | undefined> {
  const [kind, name = ''] = principal.split('/');
  const { client, api } = await aws.iam();
  try {
    if (kind === 'user') return (await client.send(new api.GetUserCommand({ UserName: name }))).User?.UserId;
    return (await client.send(new api.GetRoleCommand({ RoleName: name }))).Role?.RoleId;
  } catch (error) {
    if (isNoSuchEntity(error)) return undefined;
    throw error;
  }
}

/** As many as IAM gives in one answer. */
const PAGE = 1000;

/** `role/NAME` or `user/NAME` of an id, or undefined where the account has none. */
async function principalOfId(aws: Aws, id: string): Promise<string | undefined> {
  const { client, api } = await aws.iam();
  if (id.startsWith('AROA')) {
    const roles = await pagesOf(
      (marker) => client.send(new api.ListRolesCommand({ MaxItems: PAGE, ...marker })),
      ({ Roles }) => Roles,
    );
    const role = roles.find(({ RoleId }) => RoleId === id);
    return role && `role/${role.RoleName}`;
  }
  const users = await pagesOf(
    (marker) => client.send(new api.ListUsersCommand({ MaxItems: PAGE, ...marker })),
    ({ Users }) => Users,
  );
  const user = users.find(({ UserId }) => UserId === id);
  return user && `user/${user.UserName}`;
}

const PLACEHOLDER = /\{\{(AccountID|SessionName|SessionNameRaw|EC2PrivateDNSName)\}\}/;

/** The user name of a mapping as a pattern, with the session's name as a group. */
function patternOf(template: string): RegExp {
  // Every second part is the name of a placeholder.
  const parts = template.split(PLACEHOLDER).map((part, index) => {
    if (index % 2 === 0) return part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    if (part === 'AccountID') return '\\d{12}';
    return part === 'EC2PrivateDNSName' ? '[a-zA-Z0-9.-]+' : '([^:/]+)';
  });
  return new RegExp(`^${parts.join('')}$`);
}

/** Whether a mapping's user name, with its placeholders, can have given this one. */
export const mapsTo = (template: string, username: string): boolean => patternOf(template).test(username);

/**
 * Returns the session's name that a mapping put into the user name; undefined where it did not, or where the name is not
 * certain: `{{SessionName}}` has a dash for every at sign.
 */
export function sessionIn(template: string, username: string): string | undefined {
  const [, name] = patternOf(template).exec(username) ?? [];
  if (name === undefined) return undefined;
  return template.includes('{{SessionNameRaw}}') || !name.includes('-') ? name : undefined;
}

/** Access entries of a cluster, as far as it takes to say whose user name it is. */
export interface NamedEntry {
  readonly principalArn: string;
  readonly username: string;
}

/** Who the identity is. */
export interface KnownPrincipal {
  /** `role/NAME` or `user/NAME`, null where it is not known. */
  readonly principal: string | null;
  /** Those whose mappings fit the user name, where that is more than one. */
  readonly candidates: readonly string[];
}

/**
 * Returns who the identity is. A name alone is believed of an ARN and of the one mapping that it fits; an id is always asked for,
 * since who maps a user name chooses it.
 */
export async function principalOfUser(
  aws: Aws,
  facts: PrincipalFacts,
  entries: () => Promise<readonly NamedEntry[]>,
): Promise<KnownPrincipal> {
  const { principalId } = facts;
  const sure = (principal: string | null): KnownPrincipal => ({ principal, candidates: [] });
  if (facts.kind === 'principal') {
    if (principalId === undefined || (await idOf(aws, facts.principal)) === principalId)
      return sure(facts.principal);
    return sure((await principalOfId(aws, principalId ?? '')) ?? null);
  }
  if (facts.principalId !== null) return sure((await principalOfId(aws, facts.principalId)) ?? null);
  const fitting = (await entries()).filter(({ username }) => mapsTo(username, facts.username));
  const found = [...new Set(fitting.map(({ principalArn }) => principalOfArn(principalArn) ?? principalArn))];
  const [only, ...others] = found;
  return only !== undefined && others.length === 0 ? sure(only) : { principal: null, candidates: found };
}

/** Why the principal is not the identity; undefined where it is. */
export async function anotherPrincipal(
  aws: Aws,
  facts: PrincipalFacts,
  entry: NamedEntry,
): Promise<string | undefined> {
  const principal = principalOfArn(entry.principalArn) ?? entry.principalArn;
  const { principalId } = facts;
  if (principalId !== undefined && principalId !== null)
    return (await idOf(aws, principal)) === principalId ? undefined : `${principal} is not ${principalId}`;
  const same =
    facts.kind === 'principal' ? principal === facts.principal : mapsTo(entry.username, facts.username);
  return same
    ? undefined
    : `${principal} is not ${facts.kind === 'principal' ? facts.principal : facts.username}`;
}
