/** The roles of the functions as IAM judges them, and what their holder can put into the table. */
import { gunzipSync, gzipSync } from 'node:zlib';
import { ScanCommand } from '@aws-sdk/lib-dynamodb';
import type { Item } from '../../core/table/table.ts';
import { FUNCTIONS } from '../../deploy/access.ts';
import { judge, rolePolicies } from '../../deploy/role-policies.ts';
import { stackRoles } from '../../deploy/roles.ts';
import { pascal } from '../../deploy/statements.ts';
import { PLAYBOOKS } from '../../playbooks/index.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';

const ACCOUNT = '111122223333';
const TABLE = `arn:aws:dynamodb:eu-west-1:${ACCOUNT}:table/firebreak-prod`;
const roles = rolePolicies(await stackRoles(PLAYBOOKS), {
  partition: 'aws',
  region: 'eu-west-1',
  account: ACCOUNT,
  stage: 'prod',
});

export const FUNCTION_NAMES: readonly string[] = FUNCTIONS.map(({ name }) => name);

/** Returns IAM's decision over a call of a function on a resource. */
export function judgeFunction(
  name: string,
  action: string,
  resource: string,
  keys: Readonly<Record<string, readonly string[]>> = {},
): string {
  const role = roles[`${pascal(name)}Role`];
  if (!role) throw new Error(`${name} has no role`);
  return judge(role, { action, resource, keys }).decision;
}

/** Returns IAM's decision over a call on items of these partition keys; undefined for a call that names none. */
export const decide = (name: string, action: string, keys: readonly string[] | undefined): string =>
  judgeFunction(
    name,
    `dynamodb:${action}`,
    TABLE,
    keys === undefined ? {} : { 'dynamodb:leadingkeys': keys },
  );

export const mayWrite = (name: string, ...keys: readonly string[]): boolean =>
  ['PutItem', 'UpdateItem'].some((action) => decide(name, action, keys) === 'allowed');

/** Puts an item with the role of a function; false where IAM refuses. */
export async function putAs(name: string, { runtime }: Sandbox, item: Item): Promise<boolean> {
  if (decide(name, 'PutItem', [item.pk]) !== 'allowed') return false;
  await runtime.table.put(item);
  return true;
}

/** Text by text, in every record that the role may write, compressed ones as well. Returns the partitions it reached. */
export async function rewriteAs(
  name: string,
  sandbox: Sandbox,
  words: ReadonlyMap<string, string>,
): Promise<readonly string[]> {
  const { client, table } = sandbox.database;
  const { Items = [] } = await client.send(new ScanCommand({ TableName: table.name, ConsistentRead: true }));
  const reached: string[] = [];
  const replaced = (value: unknown): unknown => {
    if (typeof value === 'string')
      return [...words].reduce((text, [from, to]) => text.replaceAll(from, to), value);
    if (value instanceof Uint8Array) return gzipSync(String(replaced(gunzipSync(value).toString())));
    if (Array.isArray(value)) return value.map(replaced);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, replaced(member)]));
  };
  for (const item of Items as Item[]) {
    const { pk, sk, ...rest } = item;
    if (await putAs(name, sandbox, { pk, sk, ...Object(replaced(rest)) })) reached.push(pk);
  }
  return reached;
}
