/** EKS clusters and their access entries. */
import { createHash } from 'node:crypto';
import { arn, type Scope } from '../../core/aws/arn.ts';
import type { KubernetesRequest } from '../../core/aws/kubernetes-request.ts';
import { awsError } from '../aws-error.ts';
import { serveKubernetes, type TwinKubernetes } from './kubernetes.ts';
import { answerToUser, operatorEks } from './operator-eks.ts';
import { paged } from './pages.ts';
import type { Answers, TwinCall } from './twin.ts';

interface TwinAccessEntry {
  principalArn: string;
  type: string;
  /** As EKS gives it where the entry has none of its own: the principal's ARN. */
  username?: string;
  groups: string[];
  /** Left out: none. */
  tags?: Record<string, string>;
  /** Policy ARN -> scope. */
  policies: Record<string, { type: string; namespaces?: string[] }>;
}
export interface TwinCluster {
  name: string;
  mode: 'API' | 'API_AND_CONFIG_MAP' | 'CONFIG_MAP';
  entries: TwinAccessEntry[];
  /** Its Kubernetes API; without it the cluster does not know Firebreak. */
  kubernetes?: TwinKubernetes;
  podIdentities?: { namespace: string; serviceAccount: string; roleArn: string }[];
  tags?: Record<string, string>;
}
/** This service's part of a Region. */
export interface TwinEks {
  clusters: TwinCluster[];
}
/** Where the cluster publishes the keys of its service account tokens; no two clusters share one. */
export const issuerOf = ({ account, region }: Scope, cluster: string): string => {
  const id = createHash('md5').update(`${account} ${region} ${cluster}`).digest('hex').toUpperCase();
  return `https://oidc.eks.${region}.amazonaws.com/id/${id}`;
};

export const emptyEks = (): TwinEks => ({ clusters: [] });

function clusterOf({ region, input }: TwinCall): TwinCluster {
  const name = String(input['clusterName'] ?? input['name']);
  const found = region.eks.clusters.find((cluster) => cluster.name === name);
  if (found) return found;
  throw awsError('ResourceNotFoundException', `No cluster found for name: ${name}.`, 404);
}

function entryOf(call: TwinCall): TwinAccessEntry {
  const cluster = clusterOf(call);
  if (cluster.mode === 'CONFIG_MAP') {
    throw awsError(
      'InvalidRequestException',
      "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP]",
    );
  }
  const found = cluster.entries.find(({ principalArn }) => principalArn === call.input['principalArn']);
  if (found) return found;
  throw awsError('ResourceNotFoundException', 'The specified principalArn could not be found', 404);
}

const pages = { given: 'nextToken', next: 'nextToken', size: 'maxResults' } as const;

export const eks: Readonly<Record<string, Answers>> = {
  EKS: {
    ...operatorEks,
    ListClusters: (call) =>
      paged(
        call,
        call.region.eks.clusters.map(({ name }) => name),
        { ...pages, list: 'clusters', show: (name) => name },
      ),
    DescribeCluster: (call) => {
      const { name, mode, tags = {} } = clusterOf(call);
      return {
        cluster: {
          name,
          arn: arn(call.scope, 'eks', `cluster/${name}`),
          status: 'ACTIVE',
          endpoint: `https://${name}.twin.invalid`,
          certificateAuthority: { data: Buffer.from('the twin speaks no TLS').toString('base64') },
          resourcesVpcConfig: { endpointPublicAccess: true, publicAccessCidrs: ['0.0.0.0/0'] },
          accessConfig: { authenticationMode: mode },
          identity: { oidc: { issuer: issuerOf(call.scope, name) } },
          tags,
        },
      };
    },
    ListPodIdentityAssociations: (call) => {
      const { namespace, serviceAccount } = call.input;
      const all = (clusterOf(call).podIdentities ?? []).map((one, index) => ({
        ...one,
        associationId: `a-${index}`,
      }));
      const asked = all.filter(
        (one) =>
          (namespace === undefined || one.namespace === namespace) &&
          (serviceAccount === undefined || one.serviceAccount === serviceAccount),
      );
      // The list does not tell the role: DescribePodIdentityAssociation does.
      return paged(call, asked, {
        ...pages,
        list: 'associations',
        show: ({ roleArn: _role, ...association }) => ({ ...association, clusterName: clusterOf(call).name }),
      });
    },
    DescribePodIdentityAssociation: (call) => {
      const index = Number(String(call.input['associationId']).slice(2));
      const found = clusterOf(call).podIdentities?.[index];
      if (!found) throw awsError('ResourceNotFoundException', 'No association was found', 404);
      return { association: { ...found, associationId: call.input['associationId'] } };
    },
    ListAccessEntries: (call) =>
      paged(
        call,
        clusterOf(call).entries.map(({ principalArn }) => principalArn),
        { ...pages, list: 'accessEntries', show: (principalArn) => principalArn },
      ),
    DescribeAccessEntry: (call) => {
      const { principalArn, type, groups, username = principalArn, tags = {} } = entryOf(call);
      return { accessEntry: { principalArn, type, username, kubernetesGroups: groups, tags } };
    },
    UpdateAccessEntry: (call) => {
      entryOf(call).groups = [...((call.input['kubernetesGroups'] ?? []) as string[])];
      return {};
    },
    ListAssociatedAccessPolicies: (call) =>
      paged(call, Object.entries(entryOf(call).policies), {
        ...pages,
        list: 'associatedAccessPolicies',
        show: ([policyArn, accessScope]) => ({ policyArn, accessScope }),
      }),
    AssociateAccessPolicy: (call) => {
      const { policyArn, accessScope } = call.input as {
        policyArn: string;
        accessScope: { type: string; namespaces?: string[] };
      };
      entryOf(call).policies[policyArn] = { ...accessScope };
      return {};
    },
    DisassociateAccessPolicy: (call) => {
      const { policies } = entryOf(call);
      const policyArn = String(call.input['policyArn']);
      if (!Object.hasOwn(policies, policyArn)) {
        throw awsError('ResourceNotFoundException', 'The policy is not associated', 404);
      }
      delete policies[policyArn];
      return {};
    },
  },
};

/** The Kubernetes API behind the endpoint of a cluster. */
export const kubernetesApi = (call: TwinCall): object => {
  const request = call.input as unknown as KubernetesRequest;
  const cluster = clusterOf({ ...call, input: { name: request.cluster } });
  const ofUser = answerToUser(call, cluster, request);
  if (ofUser) return ofUser;
  const { kubernetes } = cluster;
  if (kubernetes) return serveKubernetes(kubernetes, request);
  return { status: 401, body: { kind: 'Status', message: 'Unauthorized', code: 401 } };
};
