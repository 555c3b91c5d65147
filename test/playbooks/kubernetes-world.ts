/** A cluster in the twin, and the objects that tests put there. */
import type { Json, JsonObject } from '../../core/json.ts';
import type { TwinCluster } from '../../sandbox/twin/eks.ts';
import { newKubernetes, putObject, type TwinKubernetes } from '../../sandbox/twin/kubernetes.ts';
import type { AccountTwin } from '../../sandbox/twin/twin.ts';
import { findingOn } from '../../sandbox/worlds.ts';

const RBAC = 'rbac.authorization.k8s.io';

export function shopCluster(twin: AccountTwin, more: Partial<TwinCluster> = {}): TwinKubernetes {
  const kubernetes = newKubernetes();
  twin.region().eks.clusters.push({ name: 'shop', mode: 'API', entries: [], kubernetes, ...more });
  return kubernetes;
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
): JsonObject =>
  findingOn(twin, {
    seed: `eks ${type}`,
    type,
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
