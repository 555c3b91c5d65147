/**
 * What Firebreak may do inside a cluster: one list, from which the manifest to apply, the page about it and the sandbox's
 * clusters are made. Three groups, given to Firebreak's roles by access entries; none of them may read a secret, or a ConfigMap but `aws-auth`.
 */
import type { Json } from '../../../core/json.ts';

interface ClusterRule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  /** The objects of these names alone. */
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
  readonly why: string;
}

export interface ClusterGroup {
  /** Name of the group, of its ClusterRole and of its ClusterRoleBinding. */
  readonly name: string;
  /** Functions whose roles are put into the group. */
  readonly functions: readonly string[];
  /** Roles of member accounts that are put into it. */
  readonly member: readonly string[];
  readonly about: string;
  readonly rules: readonly ClusterRule[];
}

const RBAC = 'rbac.authorization.k8s.io';
const READERS = ['enrich', 'verify', 'investigate'];
const WRITERS = ['contain', 'undo', 'sweep'];

export const CLUSTER_GROUPS: readonly ClusterGroup[] = [
  {
    name: 'firebreak-reader',
    functions: [...READERS, ...WRITERS],
    member: ['firebreak-reader', 'firebreak-responder'],
    about: 'Reads what a plan and a proof need. Without it Firebreak asks a person to act in the cluster.',
    rules: [
      {
        apiGroups: [RBAC],
        resources: ['clusterrolebindings', 'clusterroles', 'rolebindings', 'roles'],
        verbs: ['get', 'list'],
        why: 'which bindings name an identity, and what they grant',
      },
      {
        apiGroups: [''],
        resources: ['nodes', 'pods', 'serviceaccounts'],
        verbs: ['get', 'list'],
        why: 'the pod, its node, and the IAM role of its service account',
      },
      {
        apiGroups: [''],
        resources: ['configmaps'],
        resourceNames: ['aws-auth'],
        verbs: ['get'],
        why: 'which principal of IAM is which user of the cluster',
      },
      {
        apiGroups: ['apps'],
        resources: ['daemonsets', 'deployments', 'replicasets', 'statefulsets'],
        verbs: ['get', 'list'],
        why: 'what starts the pod again, and whether the network plugin enforces policies',
      },
      {
        apiGroups: ['apps'],
        resources: ['deployments/scale'],
        verbs: ['get'],
        why: 'how many pods a Deployment wants',
      },
      {
        apiGroups: ['networking.k8s.io'],
        resources: ['networkpolicies'],
        verbs: ['get', 'list'],
        why: 'policies that allow the pod traffic',
      },
      {
        apiGroups: ['authorization.k8s.io'],
        resources: ['subjectaccessreviews'],
        verbs: ['create'],
        why: 'asks what an identity may still do; changes nothing',
      },
    ],
  },
  {
    name: 'firebreak-responder',
    functions: WRITERS,
    member: ['firebreak-responder'],
    about: 'Contains: takes bindings away, quarantines pods, cordons nodes. Deletes no pod.',
    rules: [
      {
        apiGroups: [RBAC],
        resources: ['clusterrolebindings', 'rolebindings'],
        verbs: ['delete'],
        why: 'takes a binding away that names the identity alone',
      },
      {
        apiGroups: [''],
        resources: ['pods', 'nodes'],
        verbs: ['patch'],
        why: 'labels a pod into quarantine; cordons its node',
      },
      {
        apiGroups: ['networking.k8s.io'],
        resources: ['networkpolicies'],
        verbs: ['create', 'delete'],
        why: 'the policy that lets nothing in or out of a quarantined pod',
      },
      {
        apiGroups: ['apps'],
        resources: ['deployments/scale'],
        verbs: ['patch'],
        why: 'scales a Deployment to 0 where policy.yml says so',
      },
    ],
  },
  {
    name: 'firebreak-binder',
    functions: ['contain', 'undo'],
    member: ['firebreak-responder'],
    about:
      'Optional, and powerful: Kubernetes lets no one write a binding to rights they do not have themselves, unless they may `bind` ' +
      'its role. With it Firebreak takes one identity out of a binding that names several, and restores bindings on undo. Without ' +
      'it both are reported, with the binding as it was. Narrow it with `resourceNames` to roles that may be bound.',
    rules: [
      {
        apiGroups: [RBAC],
        resources: ['clusterrolebindings', 'rolebindings'],
        verbs: ['create', 'update'],
        why: 'undo; and bindings that name others as well',
      },
      {
        apiGroups: [RBAC],
        resources: ['clusterroles', 'roles'],
        verbs: ['bind'],
        why: 'without it the API server refuses to write the binding',
      },
    ],
  },
];

/** The objects to apply: a ClusterRole and a ClusterRoleBinding per group. */
export const clusterObjects = (groups: readonly ClusterGroup[] = CLUSTER_GROUPS): readonly Json[] =>
  groups.flatMap(({ name, rules }): Json[] => [
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'ClusterRole',
      metadata: { name },
      rules: rules.map(({ why: _why, ...rule }) => rule),
    },
    {
      apiVersion: `${RBAC}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name },
      roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name },
      subjects: [{ apiGroup: RBAC, kind: 'Group', name }],
    },
  ]);
