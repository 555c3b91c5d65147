/** One database as RDS describes it: an instance, or a cluster (Aurora, Multi-AZ DB cluster) with its members. */
import { z } from 'zod';
import type { Aws } from '../../../core/aws/client.ts';
import { awsErrorName, FirebreakError } from '../../../core/errors.ts';

const membershipSchema = z.object({ id: z.string(), status: z.string() });

/** It is stored with incidents: a new key must have a default. */
export const describedDatabase = z.object({
  arn: z.string(),
  engine: z.string(),
  status: z.string(),
  vpcId: z.string().nullable(),
  groups: z.array(membershipSchema),
  publiclyAccessible: z.boolean(),
  /** Cluster, of Aurora or Multi-AZ, that an instance belongs to: its groups are changed on the cluster. */
  auroraCluster: z.string().nullable(),
  members: z.array(z.string()),
  /** Of the master user's password, where RDS manages it in Secrets Manager. */
  secret: z.string().nullable(),
  tags: z.record(z.string(), z.string()),
  /** By which IAM names it in the ARN of a database user; RDS never gives it to another database. */
  resourceId: z.string().nullable().default(null),
  masterUser: z.string().nullable().default(null),
  /** IAM tokens are taken in place of a password. */
  takesTokens: z.boolean().default(false),
  /** The Data API answers for it. */
  dataApi: z.boolean().default(false),
  /** Of the cluster, or of an instance that belongs to none. */
  parameterGroup: z.string().nullable().default(null),
  /** The database has what the group says, as far as that takes no restart. */
  parametersApplied: z.boolean().default(false),
  /** The latest time that a copy can be restored to; null where automatic backups are off. */
  restorableUntil: z.string().nullable().default(null),
  /** Databases of their own that hold the same data. */
  replicas: z.array(z.string()).default([]),
});
export type DescribedDatabase = z.infer<typeof describedDatabase>;

const tagsOf = (list: readonly { Key?: string | undefined; Value?: string | undefined }[] | undefined) =>
  Object.fromEntries((list ?? []).map(({ Key = '', Value = '' }) => [Key, Value]));

const memberships = (
  list: readonly { VpcSecurityGroupId?: string | undefined; Status?: string | undefined }[] | undefined,
): DescribedDatabase['groups'] =>
  (list ?? [])
    .map(({ VpcSecurityGroupId = '', Status = '' }) => ({ id: VpcSecurityGroupId, status: Status }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));

/** An instance by its identifier, or a cluster by its own. */
export interface Database {
  readonly id: string;
  readonly cluster: boolean;
}

/** The database as RDS has it now. Throws ResourceNotFound. */
export async function describeDatabase(aws: Aws, { id, cluster }: Database): Promise<DescribedDatabase> {
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

async function describeInstance(aws: Aws, id: string): Promise<DescribedDatabase> {
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
    resourceId: found?.DbiResourceId ?? null,
    masterUser: found?.MasterUsername ?? null,
    takesTokens: found?.IAMDatabaseAuthenticationEnabled === true,
    dataApi: false,
    parameterGroup: found?.DBParameterGroups?.[0]?.DBParameterGroupName ?? null,
    parametersApplied: found?.DBParameterGroups?.[0]?.ParameterApplyStatus === 'in-sync',
    restorableUntil: found?.LatestRestorableTime?.toISOString() ?? null,
    replicas: [
      ...(found?.ReadReplicaDBInstanceIdentifiers ?? []),
      ...(found?.ReadReplicaDBClusterIdentifiers ?? []),
    ].sort(),
  };
}

/** A cluster does not name its VPC: its members do. */
async function describeCluster(aws: Aws, id: string): Promise<DescribedDatabase> {
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
    resourceId: found?.DbClusterResourceId ?? null,
    masterUser: found?.MasterUsername ?? null,
    takesTokens: found?.IAMDatabaseAuthenticationEnabled === true,
    dataApi: found?.HttpEndpointEnabled === true,
    parameterGroup: found?.DBClusterParameterGroup ?? null,
    parametersApplied: (found?.DBClusterMembers ?? []).every(
      (one) => one.DBClusterParameterGroupStatus === 'in-sync',
    ),
    restorableUntil: found?.LatestRestorableTime?.toISOString() ?? null,
    replicas: [...(found?.ReadReplicaIdentifiers ?? [])].sort(),
  };
}
