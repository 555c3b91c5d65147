/** A cluster in the twin, and the objects that tests put there. */
import type { Json, JsonObject } from '../../core/json.ts';
import { issuerOf, type TwinCluster } from '../../sandbox/twin/eks.ts';
import { newKubernetes, putObject, type TwinKubernetes } from '../../sandbox/twin/kubernetes.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';

const RBAC = 'rbac.authorization.k8s.io';

export function shopCluster(twin: AccountTwin, more: Partial<TwinCluster> = {}): TwinKubernetes {
  const kubernetes = newKubernetes();
  twin.region().eks.clusters.push({ name: 'shop', mode: 'API', entries: [], kubernetes, ...more });
  return kubernetes;
}

/** The ARN by which a role's trust policy names the tokens of a cluster. */
const oidcProvider = ({ scope }: AccountTwin, cluster = 'shop'): string =>
  `arn:${scope.partition}:iam::${scope.account}:oidc-provider/${issuerOf(scope, cluster).slice('https://'.length)}`;

/** A trust policy for IRSA, as the EKS user guide writes it; `sub` names `namespace:account`. */
export function irsaTrust(
  twin: AccountTwin,
  sub: string,
  operator = 'StringEquals',
  cluster = 'shop',
): string {
  const Federated = oidcProvider(twin, cluster);
  const issuer = Federated.slice(Federated.indexOf('/') + 1);
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Federated },
        Action: 'sts:AssumeRoleWithWebIdentity',
        Condition: {
          [operator]: { [`${issuer}:sub`]: `system:serviceaccount:${sub}` },
          ...(operator === 'StringEquals'
            ? {}
            : { StringEquals: { [`${issuer}:aud`]: 'sts.amazonaws.com' } }),
        },
      },
    ],
  });
}

/** CloudTrail's record of a session that a service account opened by its token. */
export function webIdentityEvent(twin: AccountTwin, roleArn: string, sub: string, cluster = 'shop'): void {
  const userName = `system:serviceaccount:${sub}`;
  twin.region().cloudtrail.history.unshift({
    name: userName,
    event: {
      eventName: 'AssumeRoleWithWebIdentity',
      eventSource: 'sts.amazonaws.com',
      userIdentity: { type: 'WebIdentityUser', userName, identityProvider: oidcProvider(twin, cluster) },
      requestParameters: { roleArn, roleSessionName: 'botocore-session-1' },
    },
  });
}

export const subject = {
  account: (namespace: string, name: string): JsonObject => ({ kind: 'ServiceAccount', name, namespace }),
  group: (name: string): JsonObject => ({ apiGroup: RBAC, kind: 'Group', name }),
  user: (name: string): JsonObject => ({ apiGroup: RBAC, kind: 'User', name }),
};

/** A ClusterRoleBinding, or with a namespace a RoleBinding, to a ClusterRole. */
export const binding = (
  name: string,
  role: string,
  subjects: readonly JsonObject[],
  { namespace, ...metadata }: { readonly namespace?: string; readonly [key: string]: Json | undefined } = {},
): JsonObject => ({
  apiVersion: `${RBAC}/v1`,
  kind: namespace === undefined ? 'ClusterRoleBinding' : 'RoleBinding',
  metadata: { name, ...(namespace === undefined ? {} : { namespace }), ...(metadata as JsonObject) },
  roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name: role },
  subjects: [...subjects],
});

export const objects = (cluster: TwinKubernetes, ...all: readonly JsonObject[]): void => {
  for (const object of all) putObject(cluster, object);
};

export const inCluster = (
  twin: AccountTwin,
  type: string,
  kubernetesDetails: JsonObject,
  more: JsonObject = {},
  action: JsonObject = {},
): JsonObject =>
  findingOn(twin, {
    seed: `eks ${type}`,
    type,
    action: { actionType: 'KUBERNETES_API_CALL', ...action },
    resource: {
      resourceType: 'EKSCluster',
      eksClusterDetails: { name: 'shop' },
      kubernetesDetails,
      ...more,
    },
  });
export const byUser = (
  twin: AccountTwin,
  username: string,
  type = 'CredentialAccess:Kubernetes/TorIPCaller',
) => inCluster(twin, type, { kubernetesUserDetails: { username } });
