/**
 * EKS clusters that know a role. A session proves to a cluster who it is with a presigned sts:GetCallerIdentity, which no
 * policy can deny (STS API reference), so a denied session is let in until its credentials expire.
 */
import { inBatches } from '../../../core/aws/batches.ts';
import type { Aws } from '../../../core/aws/client.ts';
import { allPages } from '../../../core/aws/pages.ts';
import { awsReason } from '../iam/aws-reason.ts';
import { entryArnOf } from '../kubernetes/identity.ts';
import { shortList } from '../short-list.ts';

type Knows = 'entry' | 'perhaps' | 'no';

/** Returns one line for the clusters that let a session of the role in, one for those that may, one for what is not known. */
export async function clusterRisks(
  aws: Aws,
  roleName: string,
  regions: readonly string[],
): Promise<readonly string[]> {
  const looks = (
    await inBatches(regions, 10, (region) => inRegion(aws.inRegion(region), region, roleName))
  ).flat();
  const those = (knows: Knows) => looks.flatMap((look) => (look.knows === knows ? [look.where] : []));
  const unread = looks.flatMap((look) => (look.knows === undefined ? [look.where] : []));
  return [
    ...(those('entry').length > 0
      ? [
          `${shortList(those('entry'))} let sessions of ${roleName} in (sts:GetCallerIdentity cannot be denied): take its access entry away`,
        ]
      : []),
    ...(those('perhaps').length > 0
      ? [
          `${shortList(those('perhaps'))} may know ${roleName} by the aws-auth ConfigMap, which Firebreak does not read`,
        ]
      : []),
    ...(unread.length > 0
      ? [`EKS could not be read in ${shortList(unread)}: clusters there may know ${roleName}`]
      : []),
  ];
}

interface Found {
  readonly where: string;
  /** Undefined where it could not be read. */
  readonly knows: Knows | undefined;
}

async function inRegion(aws: Aws, region: string, roleName: string): Promise<readonly Found[]> {
  const { client, api } = await aws.eks();
  try {
    const names = await allPages(async (token) => {
      const page = await client.send(new api.ListClustersCommand(token ? { nextToken: token } : {}));
      return { items: page.clusters, next: page.nextToken };
    });
    return await inBatches(names, 5, async (name) => ({
      where: `cluster ${name} in ${region}`,
      knows: await knowsIn(aws, name, roleName),
    }));
  } catch (error) {
    return [{ where: `${region} (${awsReason(error)})`, knows: undefined }];
  }
}

async function knowsIn(aws: Aws, name: string, roleName: string): Promise<Knows> {
  const { client, api } = await aws.eks();
  const { cluster } = await client.send(new api.DescribeClusterCommand({ name }));
  const mode = cluster?.accessConfig?.authenticationMode ?? 'CONFIG_MAP';
  const entry = mode === 'CONFIG_MAP' ? undefined : await entryArnOf(aws, name, `role/${roleName}`);
  if (entry !== undefined) return 'entry';
  return mode === 'API' ? 'no' : 'perhaps';
}
