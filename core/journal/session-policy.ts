/**
 * The policy a function passes when it assumes the responder role of a member account: what this playbook needs for this
 * target, and no more. IAM takes what both it and the role allow, so a mistake in Firebreak cannot roam the account.
 */
import type { Scope } from '../aws/arn.ts';
import { SESSION_POLICY_CHARACTERS } from '../aws/client.ts';
import { FirebreakError } from '../errors.ts';
import { compileGlob } from '../glob.ts';
import { exactPatterns, isExact, shortPattern } from './name-pattern.ts';
import type { Permission, Playbook } from './playbook.ts';

interface Statement {
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: readonly string[];
}

type Rights = Pick<Playbook, 'id' | 'permissions'>;

/**
 * Returns the policy as JSON text of at most `characters`. `arns`: what the plan names as changed. A right whose resources match
 * one of them is narrowed to it; one that matches none (a security group that is yet to be made) keeps its kind of resource.
 * `part`: a containment has none of the rights that only undo needs. Conditions stay in the role's own policy. Throws Refused
 * where the names do not fit however they are shortened.
 */
export const sessionPolicy = (
  playbook: Rights,
  target: Scope,
  arns: readonly string[],
  part: 'write' | 'undo',
  characters = SESSION_POLICY_CHARACTERS,
): string => narrowestPolicy(playbook, target, arns, part, characters).text;

/** The patterns of a session policy that match more than the one resource they were written for. */
export function widenedPatterns(playbook: Rights, target: Scope, arns: readonly string[]): readonly string[] {
  const { write, names } = narrowestPolicy(playbook, target, arns, 'undo', SESSION_POLICY_CHARACTERS);
  return names.map(write).flatMap((patterns) => (isExact(patterns) ? [] : patterns));
}

type Write = (name: string) => readonly string[];

/** From the narrowest way of writing names to the shortest. */
function* waysToWrite(names: readonly string[]): Generator<Write> {
  yield exactPatterns;
  yield (name) => [shortPattern(name)];
  const longest = Math.max(0, ...names.map(({ length }) => length));
  for (let most = longest - 1; most > 0; most--) yield (name) => [shortPattern(name, most)];
}

function narrowestPolicy(
  { id, permissions }: Rights,
  target: Scope,
  arns: readonly string[],
  part: 'write' | 'undo',
  characters: number,
): { readonly text: string; readonly write: Write; readonly names: readonly string[] } {
  const reads: Statement = {
    Effect: 'Allow',
    Action: verbs(permissions.read.flatMap(({ actions }) => actions)),
    Resource: ['*'],
  };
  const granted = [...permissions.write, ...(part === 'undo' ? (permissions.undo ?? []) : [])];
  const bound = granted.map((permission) => bind(permission, target, arns));
  const names = unique(bound.flatMap((one) => one.names));
  for (const write of waysToWrite(names)) {
    const writes = bound.map((one) => statement(one, write));
    const together: Statement = {
      Effect: 'Allow',
      Action: unique(writes.flatMap(({ Action }) => Action)),
      Resource: unique(writes.flatMap(({ Resource }) => Resource)),
    };
    for (const statements of [
      [reads, ...merged(writes)],
      [reads, together],
    ]) {
      const text = JSON.stringify({ Version: '2012-10-17', Statement: statements });
      if (text.length <= characters) return { text, write, names };
    }
  }
  throw new FirebreakError('Refused', `${id} names more resources than a session policy holds`, {
    resource: `${characters} characters`,
    next: 'Contain this target by hand, and report it: the playbook has to be split.',
  });
}

/** A right with what the plan names of its resources, and its own patterns where the plan names none. */
interface Bound {
  readonly actions: readonly string[];
  readonly names: readonly string[];
  readonly patterns: readonly string[];
}

function bind({ actions, resources }: Permission, { partition }: Scope, arns: readonly string[]): Bound {
  const found = resources.map((resource) => {
    // The role's own policy keeps to its account. IAM Identity Center is administered from another one, and a playbook
    // may act in more Regions than that of its target (an address is blocked in each).
    // Ids of what a template makes (the policies of the management account) are known to the role alone.
    const pattern = resource.replace(/\$\{(\w+)\}/g, (_all, name: string) =>
      name === 'Partition' ? partition : '*',
    );
    const named = pattern === '*' ? [] : arns.filter(compileGlob(pattern));
    const kinds = named.filter((arn) => lastOf(arn) === lastOf(resource));
    return { pattern: kinds[0] ?? pattern, named: named.filter((arn) => !kinds.includes(arn)) };
  });
  return {
    actions,
    names: found.flatMap(({ named }) => named),
    patterns: found.flatMap(({ pattern, named }) => (named.length > 0 ? [] : [pattern])),
  };
}

/**
 * Returns what follows Region and account. Where it is `detector/*` in what the plan names as in the right itself, the target
 * is the kind in that Region and account. No resource can have that as its name.
 */
const lastOf = (arn: string): string => arn.split(':').slice(5).join(':');

const statement = ({ actions, names, patterns }: Bound, write: Write): Statement => ({
  Effect: 'Allow',
  Action: actions,
  Resource: unique([...patterns, ...names.flatMap(write).flatMap(withQualifiers)]),
});

/** Versions and aliases of a function are resources of their own; a log group is asked about as `NAME:log-stream:` [M]. */
const withQualifiers = (named: string): readonly string[] =>
  /:(function|log-group):/.test(named) ? [named, `${named}:*`] : [named];

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
