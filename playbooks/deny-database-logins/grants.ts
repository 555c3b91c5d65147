/** Which roles and users a policy lets log in as a database user with a token of IAM, by the policies of the whole account. */

import type { Aws } from '../../core/aws/client.ts';
import type { AuthorizationDetails } from '../../core/aws/services/iam.ts';
import { compileGlob } from '../../core/glob.ts';
import { isJsonObject, type Json } from '../../core/json.ts';
import { decodePolicy } from '../common/iam/policy-documents.ts';
import { PRINCIPAL_NAME } from '../common/iam/principal-name.ts';

export interface Principal {
  readonly principal: 'role' | 'user';
  readonly name: string;
  /** RoleId or user id: one re-created under the same name has another one. */
  readonly uniqueId: string;
}

export interface Grants {
  /** A policy names `rds-db:connect` for the user. */
  readonly logins: readonly Principal[];
  /** A policy names the Data API of the cluster, and none of them a login. */
  readonly dataApi: readonly Principal[];
}

interface Wanted {
  /** ARNs of the database user: behind the database, and behind each proxy that leads to it. */
  readonly users: readonly string[];
  /** ARN of the cluster where the Data API answers for it; null otherwise. */
  readonly cluster: string | null;
}

/**
 * Grants of every action (`*`) are an administrator's and are left out. What only a condition keeps from holding counts as a
 * grant: a person ticks each.
 */
export async function grantsOf(aws: Aws, wanted: Wanted): Promise<Grants> {
  const { users, groups, roles, managed } = await details(aws);
  const policies = new Map(
    managed.map(({ Arn = '', PolicyVersionList = [] }) => [
      Arn,
      PolicyVersionList.find(({ IsDefaultVersion }) => IsDefaultVersion === true)?.Document,
    ]),
  );
  const attachedTo = (list: Attached) => list?.map(({ PolicyArn = '' }) => policies.get(PolicyArn)) ?? [];
  const inlineOf = (list: Inline) => list?.map(({ PolicyDocument }) => PolicyDocument) ?? [];
  const ofGroup = new Map(
    groups.map(({ GroupName = '', GroupPolicyList, AttachedManagedPolicies }) => [
      GroupName,
      [...inlineOf(GroupPolicyList), ...attachedTo(AttachedManagedPolicies)],
    ]),
  );
  const holders = [
    ...users.map((user) => ({
      who: { principal: 'user' as const, name: user.UserName ?? '', uniqueId: user.UserId ?? '' },
      texts: [
        ...inlineOf(user.UserPolicyList),
        ...attachedTo(user.AttachedManagedPolicies),
        ...(user.GroupList ?? []).flatMap((group) => ofGroup.get(group) ?? []),
      ],
    })),
    ...roles.map((role) => ({
      who: { principal: 'role' as const, name: role.RoleName ?? '', uniqueId: role.RoleId ?? '' },
      texts: [...inlineOf(role.RolePolicyList), ...attachedTo(role.AttachedManagedPolicies)],
    })),
  ].filter(({ who }) => PRINCIPAL_NAME.test(who.name));
  const may = (
    texts: readonly (string | undefined)[],
    action: string,
    resources: readonly string[],
  ): boolean => texts.some((text) => allows(decodePolicy(text).value, action, resources));
  const logins = holders.filter(({ texts }) => may(texts, 'rds-db:connect', wanted.users));
  const { cluster } = wanted;
  const dataApi =
    cluster === null ? [] : holders.filter(({ texts }) => may(texts, 'rds-data:ExecuteStatement', [cluster]));
  return {
    logins: logins.map(({ who }) => who),
    dataApi: dataApi.filter((one) => !logins.includes(one)).map(({ who }) => who),
  };
}

type Attached = readonly { readonly PolicyArn?: string | undefined }[] | undefined;
type Inline = readonly { readonly PolicyDocument?: string | undefined }[] | undefined;

async function details(aws: Aws) {
  const { client, api } = await aws.iam();
  const found = {
    users: [] as NonNullable<AuthorizationDetails['UserDetailList']>,
    groups: [] as NonNullable<AuthorizationDetails['GroupDetailList']>,
    roles: [] as NonNullable<AuthorizationDetails['RoleDetailList']>,
    managed: [] as NonNullable<AuthorizationDetails['Policies']>,
  };
  let Marker: string | undefined;
  do {
    const page: AuthorizationDetails = await client.send(
      new api.GetAccountAuthorizationDetailsCommand({
        Filter: ['User', 'Role', 'Group', 'LocalManagedPolicy'],
        MaxItems: 1000,
        ...(Marker === undefined ? {} : { Marker }),
      }),
    );
    found.users.push(...(page.UserDetailList ?? []));
    found.groups.push(...(page.GroupDetailList ?? []));
    found.roles.push(...(page.RoleDetailList ?? []));
    found.managed.push(...(page.Policies ?? []));
    Marker = page.IsTruncated === true ? page.Marker : undefined;
  } while (Marker !== undefined);
  return found;
}

const listOf = (value: Json | undefined): readonly Json[] =>
  Array.isArray(value) ? value : value === undefined ? [] : [value];

/** The policy names the action by its service, and a resource that fits. */
function allows(document: Json, action: string, resources: readonly string[]): boolean {
  const [service = ''] = action.split(':');
  return listOf(isJsonObject(document) ? document['Statement'] : undefined).some((statement) => {
    if (!isJsonObject(statement) || statement['Effect'] !== 'Allow') return false;
    const names = listOf(statement['Action']).some(
      (pattern) =>
        typeof pattern === 'string' &&
        pattern.toLowerCase().startsWith(`${service}:`) &&
        fits(pattern.toLowerCase(), action.toLowerCase()),
    );
    // What is excepted is not looked at.
    if (statement['NotResource'] !== undefined) return names;
    return (
      names &&
      listOf(statement['Resource']).some(
        (pattern) => typeof pattern === 'string' && resources.some((one) => fits(pattern, one)),
      )
    );
  });
}

/** A variable (`${aws:username}`) may stand for anything, and `?` for one character. */
const fits = (pattern: string, text: string): boolean =>
  compileGlob(pattern.replace(/\$\{[^}]*\}/g, '*').replaceAll('?', '*'))(text);
