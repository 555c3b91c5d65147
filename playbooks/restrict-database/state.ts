/** Live state of one database and of the security groups in front of it. */
import type { SecurityGroupRule } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { allPages } from '../../core/aws/pages.ts';
import { awsErrorName, FirebreakError } from '../../core/errors.ts';
import type { Target } from '../../core/journal/playbook.ts';
import { type Rule, ruleOf, ruleSchema, sortedRules } from './rules.ts';
import type { DatabaseFacts } from './target.ts';

/** Firebreak's group of a case begins with this. */
export const GROUP_PREFIX = 'firebreak-database-';

const membershipSchema = z.object({ id: z.string(), status: z.string() });

export const databaseState = z.object({
  arn: z.string(),
  engine: z.string(),
  status: z.string(),
  vpcId: z.string().nullable(),
  groups: z.array(membershipSchema),
  /** Names of those groups. */
  groupNames: z.array(z.string()),
  publiclyAccessible: z.boolean(),
  /** Cluster, of Aurora or Multi-AZ, that an instance belongs to: its groups are changed on the cluster. */
  auroraCluster: z.string().nullable(),
  members: z.array(z.string()),
  secret: z.string().nullable(),
  rules: z.array(ruleSchema),
  /** Groups that let their own members out to one of the database's groups by name, not by address. */
  dependents: z.array(z.string()),
  tags: z.record(z.string(), z.string()),
});
export type DatabaseState = z.infer<typeof databaseState>;

type Described = Omit<DatabaseState, 'groupNames' | 'rules' | 'dependents'>;

/** Throws ResourceNotFound when the database is gone. */
export async function readDatabase(
  { id, facts: { cluster } }: Target<DatabaseFacts>,
  aws: Aws,
): Promise<DatabaseState> {
  const found = await describeDatabase(aws, { id, cluster });
  const ids = found.groups.map((group) => group.id);
  const [groupNames, rules, dependents] = await Promise.all([
    namesOf(aws, ids),
    rulesOf(aws, ids),
    dependentsOf(aws, ids),
  ]);
  return { ...found, groupNames, rules, dependents };
}

const tagsOf = (list: readonly { Key?: string | undefined; Value?: string | undefined }[] | undefined) =>
  Object.fromEntries((list ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));

const memberships = (
  list: readonly { VpcSecurityGroupId?: string | undefined; Status?: string | undefined }[] | undefined,
): Described['groups'] =>
  (list ?? [])
    .map(({ VpcSecurityGroupId = '', Status = '' }) => ({ id: VpcSecurityGroupId, status: Status }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));

/** An instance by its identifier, or a cluster by its own. */
interface Database {
  readonly id: string;
  readonly cluster: boolean;
}

/** The database as RDS has it now. Throws ResourceNotFound. */
export async function describeDatabase(aws: Aws, { id, cluster }: Database): Promise<Described> {
  try {
    return cluster ? await describeCluster(aws, id) : await describeInstance(aws, id);
  } catch (error) {
    if (!/^DB(Instance|Cluster)NotFound(Fault)?$/.test(awsErrorName(error) ?? '')) throw error;
    throw new FirebreakError('ResourceNotFound', 'the database does not exist any more', {
      resource: id,
      next: 'See CloudTrail for who deleted it, and for a last snapshot.',
      cause: error,
    });
  }
}

async function describeInstance(aws: Aws, id: string): Promise<Described> {
  const { client, api } = await aws.rds();
  const { DBInstances = [] } = await client.send(
    new api.DescribeDBInstancesCommand({ DBInstanceIdentifier: id }),
  );
  const [found] = DBInstances;
  return {
    arn: found?.DBInstanceArn ?? '',
    engine: found?.Engine ?? '',
    status: found?.DBInstanceStatus ?? '',
    vpcId: found?.DBSubnetGroup?.VpcId ?? null,
    groups: memberships(found?.VpcSecurityGroups),
    publiclyAccessible: found?.PubliclyAccessible === true,
    auroraCluster: found?.DBClusterIdentifier ?? null,
    members: [id],
    secret: found?.MasterUserSecret?.SecretArn ?? null,
    tags: tagsOf(found?.TagList),
  };
}

/** A cluster does not name its VPC: its members do. */
async function describeCluster(aws: Aws, id: string): Promise<Described> {
  const { client, api } = await aws.rds();
  const { DBClusters = [] } = await client.send(
    new api.DescribeDBClustersCommand({ DBClusterIdentifier: id }),
  );
  const [found] = DBClusters;
  const members = (found?.DBClusterMembers ?? []).flatMap((member) => member.DBInstanceIdentifier ?? []);
  const [one] = members;
  const member = one === undefined ? undefined : await describeInstance(aws, one);
  return {
    arn: found?.DBClusterArn ?? '',
    engine: found?.Engine ?? '',
    status: found?.Status ?? '',
    vpcId: member?.vpcId ?? null,
    groups: memberships(found?.VpcSecurityGroups),
    publiclyAccessible: member?.publiclyAccessible === true,
    auroraCluster: null,
    members,
    secret: found?.MasterUserSecret?.SecretArn ?? null,
    tags: tagsOf(found?.TagList),
  };
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
