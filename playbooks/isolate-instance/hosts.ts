/**
 * What the instance carries for others: tasks, pods, jobs, environments. Isolating it takes them down, and their controller may
 * delete the evidence, so a person decides. What the instance cannot change says it first: ECS's own list, the Auto Scaling
 * group, the profile, the image, tags of AWS (`aws:`). Other tags count as well: anyone who may write them makes it ask, no more.
 */
import { z } from 'zod';
import { parseArn } from '../../core/aws/arn.ts';
import { inBatches } from '../../core/aws/batches.ts';
import type { Aws } from '../../core/aws/client.ts';
import { allPages } from '../../core/aws/pages.ts';
import { awsErrorName, describeError, FirebreakError, isAccessDenied } from '../../core/errors.ts';
import type { Permission } from '../../core/journal/playbook.ts';
import { isClusterName, listAll } from '../common/kubernetes/kubernetes.ts';

export const hostSchema = z.object({
  /** What it is: `an ECS container instance of cluster shop`. */
  what: z.string(),
  /** What says so. */
  by: z.string(),
  /** What runs there, as people read it. */
  runs: z.array(z.string()),
  /** Why that is not known. */
  unread: z.string().nullable(),
});
export type Host = z.infer<typeof hostSchema>;

/** What is known of the instance when its hosts are looked for. */
export interface Signs {
  readonly instanceId: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly profileArn: string | null;
  readonly group: string | null;
  readonly image: string;
  readonly privateDnsName: string;
}

type Platform = 'ecs' | 'eks' | 'emr' | 'batch' | 'beanstalk';

const WHAT: Readonly<Record<Platform, string>> = {
  ecs: 'an ECS container instance',
  eks: 'an EKS node',
  emr: 'an EMR node',
  batch: 'an AWS Batch instance',
  beanstalk: 'an Elastic Beanstalk instance',
};

interface Marks {
  readonly tag: RegExp;
  readonly group: RegExp;
  readonly profile: RegExp;
  readonly image: RegExp;
}
const NEVER = /(?!)/;
const MARKS: Readonly<Record<Platform, Marks>> = {
  ecs: {
    tag: /^(AmazonECSManaged|AmazonECSCluster|aws:ecs:.*)$/i,
    group: /(^|-)(ecs|EC2ContainerService)(-|$)/i,
    profile: /ecsInstanceRole|EC2ContainerService|ecs-?instance/i,
    image: /(^|[-_/])ecs([-_/]|$)/i,
  },
  eks: {
    tag: /^(kubernetes\.io\/|k8s\.io\/|aws:eks:|eks:|alpha\.eksctl\.io\/|karpenter\.(sh|k8s\.aws)\/|kops\.k8s\.io\/|node-role\.kubernetes\.io\/|KubernetesCluster$|aws:eks$)/i,
    group: /^eks-|(^|[-.])(kops|k8s|karpenter)([-.]|$)|^nodes\.|^(control-plane|master)-/i,
    profile: /\/eks-|karpenter|kops|\/(nodes|masters|control-plane)\.|EKS.*Node|NodeInstance/i,
    image: /(^|[-_/])(eks|k8s|kops)([-_/]|$)/i,
  },
  emr: {
    tag: /^(aws:elasticmapreduce:|for-use-with-amazon-emr-managed-policies$)/,
    group: NEVER,
    profile: /EMR_EC2|ElasticMapReduce|AmazonEMR/i,
    image: /(^|[-_/])emr([-_/]|$)|elasticmapreduce/i,
  },
  batch: { tag: /^(AWSBatch|aws:batch:)/, group: /_Batch_|AWSBatch/, profile: NEVER, image: NEVER },
  beanstalk: {
    tag: /^(elasticbeanstalk:|aws:elasticbeanstalk:)/,
    group: /^awseb-/,
    profile: /elasticbeanstalk/i,
    image: /elasticbeanstalk/i,
  },
};
const PLATFORMS = Object.keys(MARKS) as Platform[];

/** What says that the instance is one of the platform's; undefined where nothing does. */
function signOf(platform: Platform, { tags, group, profileArn, image }: Signs): string | undefined {
  const marks = MARKS[platform];
  if (group !== null && marks.group.test(group)) return `Auto Scaling group ${group}`;
  if (profileArn !== null && marks.profile.test(profileArn)) return `instance profile ${profileArn}`;
  if (marks.image.test(image)) return `image ${image}`;
  const tag = Object.keys(tags).find((key) => marks.tag.test(key));
  return tag && `tag ${tag}`;
}

/** Everything that the instance is a host of. A list that cannot be read is reported, and does not keep isolation waiting. */
export async function hostsOf(aws: Aws, signs: Signs, listed: Listed): Promise<readonly Host[]> {
  const signed = PLATFORMS.flatMap((platform) => {
    const by = signOf(platform, signs);
    return by === undefined ? [] : [{ platform, by }];
  });
  const found = await Promise.all(signed.map(({ platform, by }) => hostBySign(aws, platform, by, signs)));
  if ('why' in listed)
    return found.map((host) => (host.what === WHAT.ecs ? { ...host, unread: listed.why } : host));
  const known = (what: string): boolean =>
    listed.hosts.some((host) => what === WHAT.ecs || host.what.startsWith(what));
  return [
    ...listed.hosts,
    ...found
      .filter(({ what }) => !known(what))
      .map((host) => (host.what === WHAT.ecs ? { ...host, unread: 'no cluster of ECS lists it' } : host)),
  ];
}

/** Who runs the node, as far as the sign tells; the tags of Kubernetes itself are on nodes of EKS as well. */
function nodeOf(by: string): string {
  if (/karpenter/i.test(by)) return 'a Karpenter node';
  return /kops|(^| )k8s|KubernetesCluster/.test(by) ? 'a Kubernetes node' : WHAT.eks;
}

async function hostBySign(aws: Aws, platform: Platform, by: string, signs: Signs): Promise<Host> {
  const what = platform === 'eks' ? nodeOf(by) : WHAT[platform];
  const host = { what, by, runs: [], unread: null };
  if (platform !== 'eks') return host;
  const cluster = clusterNamed(signs.tags);
  if (cluster === undefined) return { ...host, unread: 'no tag names its cluster' };
  return { ...host, what: `${what} of cluster ${cluster}`, ...(await podsOn(aws, cluster, signs)) };
}

/** The cluster that AWS's own tag names comes first: the others are for anyone to write. */
function clusterNamed(tags: Signs['tags']): string | undefined {
  const keys = Object.keys(tags);
  const owned = keys
    .find((key) => key.startsWith('kubernetes.io/cluster/'))
    ?.slice('kubernetes.io/cluster/'.length);
  const named = [
    'aws:eks:cluster-name',
    'eks:cluster-name',
    'eks:eks-cluster-name',
    'alpha.eksctl.io/cluster-name',
  ];
  return [...named.map((key) => tags[key]), owned, tags['KubernetesCluster']].find(
    (name) => name !== undefined && isClusterName(name),
  );
}

async function podsOn(
  aws: Aws,
  cluster: string,
  { privateDnsName, instanceId }: Signs,
): Promise<Pick<Host, 'runs' | 'unread'>> {
  try {
    const kubernetes = await aws.kubernetes(cluster);
    // A node is named after its private name or its id; the server picks its pods, of which a cluster has thousands.
    const names = [privateDnsName, instanceId].filter((name) => name !== '');
    const here = await Promise.all(
      names.map((name) =>
        listAll((page) =>
          kubernetes.core.listPodForAllNamespaces({ ...page, fieldSelector: `spec.nodeName=${name}` }),
        ),
      ),
    );
    return {
      runs: here.flat().map(({ metadata }) => `pod ${metadata?.namespace}/${metadata?.name}`),
      unread: null,
    };
  } catch (error) {
    if (!(error instanceof FirebreakError) && awsErrorName(error) === undefined) throw error;
    return { runs: [], unread: describeError(error) };
  }
}

type Listed = { readonly hosts: readonly Host[] } | { readonly why: string };

/** Asked of ECS itself, cluster by cluster, with a filter on `ec2InstanceId` [M]: no call goes from an instance to its cluster. */
export async function containerInstances(aws: Aws, instanceId: string): Promise<Listed> {
  try {
    const { client, api } = await aws.ecs();
    const clusters = await allPages(async (nextToken) => {
      const page = await client.send(new api.ListClustersCommand(nextToken ? { nextToken } : {}));
      return { items: page.clusterArns, next: page.nextToken };
    });
    const hosts = await inBatches(clusters, 10, (cluster) => hostsIn(aws, cluster, instanceId));
    return { hosts: hosts.flat() };
  } catch (error) {
    if (!isAccessDenied(error)) throw error;
    return { why: describeError(error) };
  }
}

async function hostsIn(aws: Aws, clusterArn: string, instanceId: string): Promise<readonly Host[]> {
  const cluster = parseArn(clusterArn)?.resource.split('/').at(-1) ?? clusterArn;
  const { client, api } = await aws.ecs();
  const { containerInstanceArns = [] } = await client.send(
    new api.ListContainerInstancesCommand({ cluster, filter: `ec2InstanceId == ${instanceId}` }),
  );
  if (containerInstanceArns.length === 0) return [];
  const { containerInstances: found = [] } = await client.send(
    new api.DescribeContainerInstancesCommand({ cluster, containerInstances: containerInstanceArns }),
  );
  const own = found.filter(({ ec2InstanceId }) => ec2InstanceId === instanceId);
  return Promise.all(
    own.map(async ({ containerInstanceArn = '' }) => ({
      // Compute environments of Batch are clusters of ECS.
      what: `${cluster.includes('_Batch_') ? WHAT.batch : WHAT.ecs} of cluster ${cluster}`,
      by: 'the list of ECS',
      runs: await tasksOn(aws, cluster, containerInstanceArn),
      unread: null,
    })),
  );
}

/** As many as DescribeTasks takes. */
const MOST_TASKS = 100;

async function tasksOn(aws: Aws, cluster: string, containerInstance: string): Promise<string[]> {
  const { client, api } = await aws.ecs();
  const { taskArns = [] } = await client.send(new api.ListTasksCommand({ cluster, containerInstance }));
  if (taskArns.length === 0) return [];
  const { tasks = [] } = await client.send(
    new api.DescribeTasksCommand({ cluster, tasks: taskArns.slice(0, MOST_TASKS) }),
  );
  return tasks.map(
    ({ taskArn = '', group, taskDefinitionArn = '' }) =>
      `task ${taskArn.split('/').at(-1)} (${group ?? 'no group'}, ${taskDefinitionArn.split('/').at(-1)})`,
  );
}

export const READ_HOSTS: readonly Permission[] = [
  {
    // ListClusters has no resource level.
    actions: ['ecs:ListClusters'],
    resources: ['*'],
    why: 'clusters that may have the instance as container instance',
  },
  {
    actions: [
      'ecs:DescribeContainerInstances',
      'ecs:DescribeTasks',
      'ecs:ListContainerInstances',
      'ecs:ListTasks',
    ],
    resources: [
      'arn:${Partition}:ecs:${Region}:${Account}:cluster/*',
      'arn:${Partition}:ecs:${Region}:${Account}:container-instance/*',
      'arn:${Partition}:ecs:${Region}:${Account}:task/*',
    ],
    why: 'which tasks run on the instance: they go down with it',
  },
];
