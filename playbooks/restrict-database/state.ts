/** Live state of one database and of the security groups in front of it. */
import type { SecurityGroupRule } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { allPages } from '../../core/aws/pages.ts';
import type { Target } from '../../core/journal/playbook.ts';
import { describeDatabase, describedDatabase } from '../common/rds/database.ts';
import type { DatabaseFacts } from '../common/rds/database-target.ts';
import { proxiesOf, proxiesSchema } from '../common/rds/proxies.ts';
import { type Rule, ruleOf, ruleSchema, sortedRules } from './rules.ts';

/** Firebreak's group of a case begins with this. */
export const GROUP_PREFIX = 'firebreak-database-';

export const databaseState = describedDatabase.extend({
  /** Names of its groups. */
  groupNames: z.array(z.string()),
  rules: z.array(ruleSchema),
  /** Groups that let their own members out to one of the database's groups by name, not by address. */
  dependents: z.array(z.string()),
  /** Proxies of RDS that lead to it; where AWS does not list them it is said, and the path is closed all the same. */
  proxies: proxiesSchema.default([]),
});
export type DatabaseState = z.infer<typeof databaseState>;

/** Throws ResourceNotFound when the database is gone. */
export async function readDatabase(
  { id, facts: { cluster } }: Target<DatabaseFacts>,
  aws: Aws,
): Promise<DatabaseState> {
  const found = await describeDatabase(aws, { id, cluster });
  const ids = found.groups.map((group) => group.id);
  const [groupNames, rules, dependents, proxies] = await Promise.all([
    namesOf(aws, ids),
    rulesOf(aws, ids),
    dependentsOf(aws, ids),
    proxiesOf(aws, { id, cluster }, found),
  ]);
  return { ...found, groupNames, rules, dependents, proxies };
}

async function namesOf(aws: Aws, groupIds: readonly string[]): Promise<string[]> {
  if (groupIds.length === 0) return [];
  const { client, api } = await aws.ec2();
  const { SecurityGroups = [] } = await client.send(
    new api.DescribeSecurityGroupsCommand({ GroupIds: [...groupIds] }),
  );
  return SecurityGroups.map(({ GroupName = '' }) => GroupName).sort();
}

/** Every rule of the groups, in and out. */
export const rulesOf = async (aws: Aws, groupIds: readonly string[]): Promise<Rule[]> =>
  sortedRules((await liveRules(aws, groupIds)).flatMap((rule) => ruleOf(rule) ?? []));

/** The same as EC2 gives them, with their ids. */
export async function liveRules(aws: Aws, groupIds: readonly string[]): Promise<SecurityGroupRule[]> {
  if (groupIds.length === 0) return [];
  const { client, api } = await aws.ec2();
  return allPages(async (token) => {
    const page = await client.send(
      new api.DescribeSecurityGroupRulesCommand({
        Filters: [{ Name: 'group-id', Values: [...groupIds] }],
        ...(token ? { NextToken: token } : {}),
      }),
    );
    return { items: page.SecurityGroupRules, next: page.NextToken };
  });
}

async function dependentsOf(aws: Aws, groupIds: readonly string[]): Promise<string[]> {
  if (groupIds.length === 0) return [];
  const { client, api } = await aws.ec2();
  const groups = await allPages(async (token) => {
    const page = await client.send(
      new api.DescribeSecurityGroupsCommand({
        Filters: [{ Name: 'egress.ip-permission.group-id', Values: [...groupIds] }],
        ...(token ? { NextToken: token } : {}),
      }),
    );
    return { items: page.SecurityGroups, next: page.NextToken };
  });
  return groups
    .flatMap(({ GroupId }) => GroupId ?? [])
    .filter((id) => !groupIds.includes(id))
    .sort();
}
