/** EKS clusters and access entries that an operator makes and removes, and what others see of the cluster, as far as a drill does. */
import { arn } from '../../core/aws/arn.ts';
import type { KubernetesAnswer, KubernetesRequest } from '../../core/aws/kubernetes-request.ts';
import { awsError } from '../aws-error.ts';
import type { TwinCluster } from './eks.ts';
import type { Answers, TwinCall } from './twin.ts';

const text = ({ input }: TwinCall, name: string): string => String(input[name] ?? '');
const tagsOf = ({ input }: TwinCall): Record<string, string> => ({
  ...(input['tags'] as Record<string, string>),
});

export const operatorEks: Answers = {
  CreateCluster: (call) => {
    const name = text(call, 'name');
    call.region.eks.clusters.push({ name, mode: 'API', entries: [], tags: tagsOf(call) });
    return { cluster: { name, arn: arn(call.scope, 'eks', `cluster/${name}`), status: 'CREATING' } };
  },
  DeleteCluster: (call) => {
    const name = text(call, 'name');
    const { eks } = call.region;
    if (!eks.clusters.some((one) => one.name === name))
      throw awsError('ResourceNotFoundException', `No cluster found for name: ${name}.`, 404);
    eks.clusters = eks.clusters.filter((one) => one.name !== name);
    return {};
  },
  CreateAccessEntry: (call) => {
    const cluster = call.region.eks.clusters.find(({ name }) => name === call.input['clusterName']);
    if (!cluster) throw awsError('ResourceNotFoundException', 'No cluster found.', 404);
    const principalArn = text(call, 'principalArn');
    cluster.entries.push({ principalArn, type: 'STANDARD', groups: [], policies: {}, tags: tagsOf(call) });
    return { accessEntry: { clusterName: cluster.name, principalArn, type: 'STANDARD' } };
  },
};

/** The access key that signed the token, where it is a user's. */
function userOf({ state }: TwinCall, { authorization }: KubernetesRequest) {
  const token = /^Bearer k8s-aws-v1\.([\w-]+)$/.exec(authorization)?.[1];
  if (token === undefined) return undefined;
  const url = new URL(Buffer.from(token, 'base64url').toString());
  const [key] = (url.searchParams.get('X-Amz-Credential') ?? '').split('/');
  return Object.values(state.users).find(({ keys }) => keys.some(({ AccessKeyId }) => AccessKeyId === key));
}

/** What the cluster answers a user of IAM: pods, where their access entry has AWS's policy for it. Undefined for anyone else. */
export function answerToUser(
  call: TwinCall,
  cluster: TwinCluster,
  request: KubernetesRequest,
): KubernetesAnswer | undefined {
  const user = userOf(call, request);
  if (!user) return undefined;
  const failed = (code: number, message: string) => ({
    status: code,
    body: { kind: 'Status', message, code },
  });
  const principal = arn(call.scope, 'iam', `user${user.Path}${user.UserName}`, { global: true });
  const entry = cluster.entries.find(({ principalArn }) => principalArn === principal);
  if (!entry) return failed(401, 'Unauthorized');
  if (!Object.keys(entry.policies).some((one) => one.endsWith('/AmazonEKSViewPolicy')))
    return failed(403, `pods is forbidden: User "${principal}" cannot list resource "pods"`);
  if (request.method !== 'GET' || !/^\/api\/v1\/namespaces\/[^/]+\/pods$/.test(request.path))
    throw new Error(`the twin does not answer ${request.method} ${request.path} of a user`);
  return { status: 200, body: { kind: 'PodList', apiVersion: 'v1', metadata: {}, items: [] } };
}
