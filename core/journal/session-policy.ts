/**
 * The policy a function passes when it assumes the responder role of a member account: what this playbook needs for this
 * target, and no more. IAM takes what both it and the role allow, so a mistake in Firebreak cannot roam the account.
 */
import type { Scope } from '../aws/arn.ts';
import { FirebreakError } from '../errors.ts';
import { compileGlob } from '../glob.ts';
import type { Permission, Playbook } from './playbook.ts';

/** Characters of the `Policy` parameter of AssumeRole. */
export const SESSION_POLICY_CHARACTERS = 2048;

interface Statement {
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
}

/**
 * `arns`: what the plan names as changed. A right whose resources match one of them is narrowed to it; one that matches
 * none (a security group that is yet to be made) keeps its kind of resource. Conditions stay in the role's own policy.
 */
export function sessionPolicy(
  { id, permissions }: Pick<Playbook, 'id' | 'permissions'>,
  target: Scope,
  arns: readonly string[],
): string {
  const reads: Statement = {
    Effect: 'Allow',
    Action: verbs(permissions.read.flatMap(({ actions }) => actions)),
    Resource: ['*'],
  };
  const writes = permissions.write.map((permission) => narrowed(permission, target, arns));
  const all = writes.flatMap(({ Resource }) => Resource);
  const together: Statement = {
    Effect: 'Allow',
    Action: unique(writes.flatMap(({ Action }) => Action)),
    Resource: unique(all),
  };
  for (const statements of [
    [reads, ...merged(writes)],
    [reads, together],
  ]) {
    const text = JSON.stringify({ Version: '2012-10-17', Statement: statements });
    if (text.length <= SESSION_POLICY_CHARACTERS) return text;
  }
  throw new FirebreakError('Refused', `${id} names more resources than a session policy holds`, {
    resource: `${SESSION_POLICY_CHARACTERS} characters`,
    next: 'Contain this target by hand, and report it: the playbook has to be split.',
  });
}

function narrowed(
  { actions, resources }: Permission,
  { partition }: Scope,
  arns: readonly string[],
): Statement {
  const Resource = resources.flatMap((resource) => {
    // The role's own policy keeps to its account. IAM Identity Center is administered from another one, and a playbook
    // may act in more Regions than that of its target (an address is blocked in each).
    const pattern = resource.replace(/\$\{(Partition|Account|Region)\}/g, (_all, name: string) =>
      name === 'Partition' ? partition : '*',
    );
    const named = arns.filter(compileGlob(pattern)).flatMap(withQualifiers);
    return pattern !== '*' && named.length > 0 ? named : [pattern];
  });
  return { Effect: 'Allow', Action: actions, Resource: unique(Resource) };
}

/** Versions and aliases of a function are resources of their own. */
const withQualifiers = (named: string): readonly string[] =>
  named.includes(':function:') ? [named, `${named}:*`] : [named];

/** `ec2:DescribeInstances` -> `ec2:Describe*`: reading is bounded by the role itself. */
const verbs = (actions: readonly string[]): readonly string[] =>
  unique(actions.map((action) => action.replace(/:(Describe|Get|List|Lookup|Simulate)[A-Za-z]+$/, ':$1*')));

/** Rights on the same resources become one statement. */
function merged(statements: readonly Statement[]): readonly Statement[] {
  const groups = new Map<string, Statement[]>();
  for (const statement of statements) {
    const key = [...statement.Resource].sort().join(' ');
    groups.set(key, [...(groups.get(key) ?? []), statement]);
  }
  return [...groups.values()].map((same) => ({
    Effect: 'Allow',
    Action: unique(same.flatMap(({ Action }) => Action)),
    Resource: same[0]?.Resource ?? [],
  }));
}

const unique = (values: readonly string[]): readonly string[] => [...new Set(values)].sort();
