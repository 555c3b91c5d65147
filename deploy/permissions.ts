import type { Change, Permission } from '../core/journal/playbook.ts';
import { MANAGEMENT_ROLES, MEMBER_ROLES } from '../core/policy/protected.ts';
import {
  assumeMemberRole,
  EVENT_STORES,
  FUNCTIONS,
  type FunctionAccess,
  type PlaybookAccess,
  telemetry,
} from './access.ts';
import { grantedActions } from './boundary.ts';
import { code, GENERATED, page, table } from './markdown.ts';
import { destructive, NEVER_OWN, never } from './never.ts';
import type { Rights } from './statements.ts';

/** docs/permissions.md: every IAM right, who has it, and why. */
export function permissionsPage(playbooks: Rights): string {
  return page(
    GENERATED,
    '# Permissions',
    'Every function has a role of its own. The functions that contain and undo can change resources; the others cannot. ' +
      'What only a revert calls is under *undo*: the function that undoes has it, those that contain do not. ' +
      `In member accounts the same rights are two roles, ${code(MEMBER_ROLES.read)} and ${code(MEMBER_ROLES.write)}; ` +
      'the second includes undo, and the session policy under which a containment assumes it leaves undo out. What is said of the ' +
      `management account is in neither: it is in ${code(MANAGEMENT_ROLES.read)} and ${code(MANAGEMENT_ROLES.write)} there, where they are deployed.`,
    'A session policy narrows the role of a member account to one playbook and one target. IAM cannot demand one: it keeps a ' +
      "mistake of Firebreak in bounds, not anyone who runs code as a function, and Firebreak's own account has none. What such " +
      'code can do at worst stands next to each right to change something; the denies below hold all the same.',
    '## Denied, whatever else is allowed',
    'A permissions boundary over every role keeps it to the actions below besides; the lines on Firebreak itself are in its own account only.',
    permissionTable([...never('hub'), ...NEVER_OWN, destructive(grantedActions(playbooks))]),
    '## Playbooks',
    ...playbooks.flatMap((playbook) => playbookPermissions(playbook, '###')),
    '## Functions',
    table(
      ['Function', 'Playbooks', 'Changes resources'],
      FUNCTIONS.map(({ name, playbooks: access }) => [
        `[${name}](#${name})`,
        PARTS[access],
        access === 'write' || access === 'undo' ? 'yes' : 'no',
      ]),
    ),
    ...FUNCTIONS.flatMap((access) => [`### ${access.name}`, permissionTable(own(access))]),
    '## Stores of events',
    `Only where the deployment names one ([call-history.md](call-history.md)); every function that has a playbook's rights has these as well, in Firebreak's own account.`,
    permissionTable(Object.values(EVENT_STORES).flat()),
  );
}

const PARTS: Readonly<Record<PlaybookAccess, string>> = {
  none: 'none',
  read: 'read',
  write: 'read, write',
  undo: 'read, write, undo',
};

const own = ({ name, base, playbooks }: FunctionAccess): readonly Permission[] => [
  ...base,
  ...(playbooks === 'none' ? [] : [assumeMemberRole(playbooks)]),
  ...telemetry(name),
];

/** The tables of one playbook, under headings of the given level. */
export const playbookPermissions = (
  { id, permissions }: Rights[number],
  level: string,
): readonly string[] => [
  `${level} ${id}: read`,
  permissionTable(permissions.read),
  `${level} ${id}: write`,
  changeTable(permissions.write),
  ...(permissions.undo ? [`${level} ${id}: undo`, changeTable(permissions.undo)] : []),
];

/** Rights to change something say the worst that code run with them can do. */
const changeTable = (changes: readonly Change[]): string =>
  permissionTable(changes, { 'Worst that a hijacker of this role can do': ({ worst }) => worst });

export function permissionTable<P extends Permission>(
  permissions: readonly P[],
  more: Readonly<Record<string, (permission: P) => string>> = {},
): string {
  return table(
    ['Actions', 'Resources', 'Condition', 'Why', ...Object.keys(more)],
    permissions.map((permission) => [
      permission.actions.map(code).join('<br>'),
      permission.resources.map(code).join('<br>'),
      Object.entries(permission.condition ?? {})
        .flatMap(([operator, keys]) =>
          Object.entries(keys).map(([key, value]) =>
            code(`${operator} ${key} = ${[value].flat().join(', ')}`),
          ),
        )
        .join('<br>'),
      permission.in === 'management' ? `management account: ${permission.why}` : permission.why,
      ...Object.values(more).map((cell) => cell(permission)),
    ]),
  );
}
