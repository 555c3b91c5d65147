/**
 * EKS clusters that know a role or user. A session proves to a cluster who it is with a presigned sts:GetCallerIdentity, which no
 * policy can deny (STS API reference), so a denied session is let in until its credentials expire.
 */
import { inBatches } from '../../../core/aws/batches.ts';
import type { Aws } from '../../../core/aws/client.ts';
import { allPages } from '../../../core/aws/pages.ts';
import { enabledRegions } from '../../../core/aws/regions.ts';
import { awsReason } from '../iam/aws-reason.ts';
import { shortList } from '../short-list.ts';
import { entryArnOf } from './identity.ts';

type Knows = 'entry' | 'perhaps' | 'no';

/**
 * Returns one line for the clusters that let the identity in, one for those that may, one for what is not known.
 * `principal`: `role/NAME` or `user/NAME`.
 */
export async function clusterRisks(aws: Aws, principal: string): Promise<readonly string[]> {
  const regions = await enabledRegions(aws).catch((error: unknown) => ({ why: awsReason(error) }));
  if ('why' in regions)
    return [
      `which clusters know ${principal} is not known: the Regions could not be listed (${regions.why})`,
    ];
  const looks = (
    await inBatches(regions, 10, (region) => inRegion(aws.inRegion(region), region, principal))
  ).flat();
  const those = (knows: Knows) => looks.flatMap((look) => (look.knows === knows ? [look.where] : []));
  const unread = looks.flatMap((look) => (look.knows === undefined ? [look.where] : []));
  return [
    ...(those('entry').length > 0
      ? [
          `${shortList(those('entry'))} let sessions of ${principal} in (sts:GetCallerIdentity cannot be denied): take its access entry away`,
        ]
      : []),
    ...(those('perhaps').length > 0
      ? [`${shortList(those('perhaps'))} may know ${principal} by the aws-auth ConfigMap, which was not read`]
      : []),
    ...(unread.length > 0
      ? [`EKS could not be read in ${shortList(unread)}: clusters there may know ${principal}`]
      : []),
  ];
}

interface Found {
  readonly where: string;
  /** Undefined where it could not be read. */
  readonly knows: Knows | undefined;
}

async function inRegion(aws: Aws, region: string, principal: string): Promise<readonly Found[]> {
  const { client, api } = await aws.eks();
  try {
    const names = await allPages(async (token) => {
      const page = await client.send(new api.ListClustersCommand(token ? { nextToken: token } : {}));
      return { items: page.clusters, next: page.nextToken };
    });
    return await inBatches(names, 5, async (name) => ({
      where: `cluster ${name} in ${region}`,
      knows: await knowsIn(aws, name, principal),
    }));
  } catch (error) {
    return [{ where: `${region} (${awsReason(error)})`, knows: undefined }];
  }
}

async function knowsIn(aws: Aws, name: string, principal: string): Promise<Knows> {
  const { client, api } = await aws.eks();
  const { cluster } = await client.send(new api.DescribeClusterCommand({ name }));
  const mode = cluster?.accessConfig?.authenticationMode ?? 'CONFIG_MAP';
  const entry = mode === 'CONFIG_MAP' ? undefined : await entryArnOf(aws, name, principal);
  if (entry !== undefined) return 'entry';
  return mode === 'API' ? 'no' : 'perhaps';
}
