/** Permissions of playbooks and functions -> IAM statements for CloudFormation. */
import type { Permission, Permissions, Playbook } from '../core/journal/playbook.ts';

/** Whose permissions: playbooks, and composites that read for themselves. */
export type Rights = readonly Pick<Playbook, 'id' | 'permissions'>[];

/** What a placeholder in a permission stands for. `${Service}` and `${Stage}` are left to the Serverless Framework. */
const PLACEHOLDERS: Readonly<Record<string, string>> = {
  // A parameter and two policies of the template of the management account.
  DeniedRoot: '${DeniedRoot}',
  DeniedUsers: '${DeniedUsers}',
  QuarantinePolicy: '${QuarantinePolicy}',
  // Parameters of the stack.
  EventDataStore: '${EventDataStoreArn}',
  TrailBucket: '${TrailBucket}',
  TrailTable: '${TrailTableArn}',
  TrailWorkgroup: '${TrailWorkgroup}',
  Partition: '${AWS::Partition}',
  Region: '${AWS::Region}',
  Account: '${AWS::AccountId}',
  Service: '${self:service}-${sls:stage}',
  Stage: '${sls:stage}',
};

type CloudFormation = string | { readonly 'Fn::Sub': string };

export interface Statement {
  readonly Sid?: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: readonly string[];
  readonly Resource: readonly CloudFormation[];
  readonly Condition?: Readonly<
    Record<string, Readonly<Record<string, CloudFormation | readonly CloudFormation[]>>>
  >;
}

/** Text with placeholders as CloudFormation; an unknown `${word}` is a mistake in the permission. */
export function substitute(text: string): CloudFormation {
  let pseudo = false;
  const replaced = text.replace(/\$\{([^}]*)\}/g, (_all, name: string) => {
    // IAM policy variables (`${aws:username}`) are IAM's to fill in, not CloudFormation's.
    if (/^[a-z0-9]+:/i.test(name)) return `\${!${name}}`;
    const meaning = PLACEHOLDERS[name];
    if (meaning === undefined) throw new Error(`unknown placeholder \${${name}} in ${text}`);
    if (!/\$\{(self|sls):/.test(meaning)) pseudo = true;
    return meaning;
  });
  if (pseudo) return { 'Fn::Sub': replaced };
  return replaced.replaceAll('${!', '${');
}

/** One statement per permission, named after where the permission comes from; without a name where characters are few. */
export function statements(
  sid: string | undefined,
  permissions: readonly Permission[],
  effect: Statement['Effect'] = 'Allow',
): readonly Statement[] {
  return permissions.map(({ actions, resources, condition }, index) => ({
    ...(sid === undefined ? {} : { Sid: `${sid}${index + 1}` }),
    Effect: effect,
    Action: [...actions],
    Resource: resources.map(substitute),
    ...(condition ? { Condition: conditionOf(condition) } : {}),
  }));
}

function conditionOf(condition: NonNullable<Permission['condition']>): NonNullable<Statement['Condition']> {
  return mapValues(condition, (keys) =>
    mapValues(keys, (value) => (typeof value === 'string' ? substitute(value) : value.map(substitute))),
  );
}

/** Everything a playbook is granted, whichever function gets it. */
export const allOf = ({ read, write, undo = [] }: Permissions): readonly Permission[] => [
  ...read,
  ...write,
  ...undo,
];

/**
 * What all playbooks together read, change, or need for undo alone. Rights on the same resources under the same condition become one
 * statement, so that few policies hold them; docs/permissions.md tells which playbook needs which.
 */
export const playbookStatements = (
  playbooks: Rights,
  part: keyof Permissions,
  where: 'account' | 'management' = 'account',
): readonly Statement[] =>
  statements(
    undefined,
    acrossServices(
      merged(
        playbooks.flatMap(({ permissions }) => permissions[part] ?? []).filter((one) => isIn(one, where)),
      ).map(anyRegion),
    ),
  );

/** Whether the roles of every account have the right, or that of the management account. */
export const isIn = ({ in: where }: Permission, asked: 'account' | 'management'): boolean =>
  (where ?? 'account') === asked;

/**
 * A playbook acts in the Region of the finding, which need not be the one Firebreak is deployed in: findings are
 * forwarded, roles are global. The session policy of an incident narrows it to that Region again.
 */
const anyRegion = ({ resources, ...rest }: Permission): Permission => ({
  ...rest,
  resources: resources.map((resource) => resource.replaceAll('${Region}', '*')),
});

function merged(permissions: readonly Permission[]): readonly Permission[] {
  const groups = new Map<string, Permission[]>();
  for (const permission of permissions) {
    const { resources, condition } = permission;
    const key = JSON.stringify([[...resources].sort(), condition ?? null]);
    groups.set(key, [...(groups.get(key) ?? []), permission]);
  }
  return alternatives(
    [...groups.values()].map((same) => {
      const [first] = same;
      return {
        resources: first?.resources ?? [],
        ...(first?.condition ? { condition: first.condition } : {}),
        actions: [...new Set(same.flatMap(({ actions }) => actions))].sort(),
        why: same.map(({ why }) => why).join('; '),
      };
    }),
  );
}

/** The service whose actions and resources a right without a condition is about; undefined where they are of several. */
function serviceOf({ actions, resources, condition }: Permission): string | undefined {
  const services = new Set([
    ...actions.map((action) => action.split(':')[0]),
    ...resources.map((resource) => resource.split(':')[2]),
  ]);
  const [service] = services;
  return services.size === 1 && condition === undefined ? service : undefined;
}

/** Services in one statement: what it takes stays far from what a policy holds. */
const MOST_SERVICES = 10;

/**
 * Returns the rights; those of several services, one of each, are one: no action of a service is about a resource of another. A
 * statement takes characters, and a role has few.
 */
function acrossServices(permissions: readonly Permission[]): readonly Permission[] {
  const together: Map<string, Permission>[] = [];
  const alone: Permission[] = [];
  for (const permission of permissions) {
    const service = serviceOf(permission);
    if (service === undefined) {
      alone.push(permission);
      continue;
    }
    const open = together.find((some) => some.size < MOST_SERVICES && !some.has(service));
    if (open) open.set(service, permission);
    else together.push(new Map([[service, permission]]));
  }
  const joined = together.map((some) => ({
    actions: [...some.values()].flatMap(({ actions }) => actions),
    resources: [...some.values()].flatMap(({ resources }) => resources),
    why: [...some.values()].map(({ why }) => why).join('; '),
  }));
  return [...joined, ...alone];
}

/** Returns the rights; those that differ in the values of one StringEquals alone (whom a role is passed to) are one with all of them. */
function alternatives(permissions: readonly Permission[]): readonly Permission[] {
  const groups = new Map<string, Permission>();
  for (const permission of permissions) {
    const { actions, resources, condition } = permission;
    const [[key, values] = ['', '']] = Object.entries(condition?.['StringEquals'] ?? {});
    const single =
      JSON.stringify(Object.values(condition ?? {}).map((keys) => Object.keys(keys).length)) === '[1]';
    const id = JSON.stringify([
      [...resources].sort(),
      actions,
      key === '' || !single ? (condition ?? null) : key,
    ]);
    const known = groups.get(id);
    const all = [...new Set([known?.condition?.['StringEquals']?.[key] ?? [], values].flat())];
    groups.set(
      id,
      known && single
        ? { ...known, condition: { StringEquals: { [key]: all } }, why: `${known.why}; ${permission.why}` }
        : permission,
    );
  }
  return [...groups.values()];
}

/** `request-approval` -> `RequestApproval`: a logical id or Sid. */
export const pascal = (name: string): string =>
  name.replace(/(?:^|-)([a-z0-9])/g, (_all, letter: string) => letter.toUpperCase());

const mapValues = <A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
