/** Role bindings of a cluster as they stand: read, named, and which of them grant to an identity. */
import type { V1ClusterRoleBinding, V1PolicyRule, V1RoleBinding } from '@kubernetes/client-node';
import { z } from 'zod';
import type { Kubernetes } from '../../core/aws/kubernetes.ts';
import { toJson } from '../../core/json.ts';
import type { BindingRef, BoundFacts } from '../common/kubernetes/identity-target.ts';
import { orAbsent } from '../common/kubernetes/kubernetes.ts';

export const subjectSchema = z.object({
  apiGroup: z.exactOptional(z.string()),
  kind: z.string(),
  name: z.string(),
  namespace: z.exactOptional(z.string()),
});
export type Subject = z.infer<typeof subjectSchema>;

/** A binding as it can be applied again: without what the API server writes itself. */
export const manifestSchema = z.object({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.object({
    name: z.exactOptional(z.string()),
    namespace: z.exactOptional(z.string()),
    labels: z.exactOptional(z.record(z.string(), z.string())),
    annotations: z.exactOptional(z.record(z.string(), z.string())),
    ownerReferences: z.exactOptional(
      z.array(
        z.object({
          apiVersion: z.string(),
          kind: z.string(),
          name: z.string(),
          uid: z.string(),
          controller: z.exactOptional(z.boolean()),
          blockOwnerDeletion: z.exactOptional(z.boolean()),
        }),
      ),
    ),
    finalizers: z.exactOptional(z.array(z.string())),
  }),
  roleRef: z.object({
    apiGroup: z.literal('rbac.authorization.k8s.io'),
    kind: z.enum(['ClusterRole', 'Role']),
    name: z.string(),
  }),
  subjects: z.array(subjectSchema),
});

export type AnyBinding = V1ClusterRoleBinding | V1RoleBinding;

export const refOf = ({ metadata }: AnyBinding, kind: BindingRef['kind']): BindingRef => ({
  kind,
  name: metadata?.name ?? '',
  namespace: kind === 'RoleBinding' ? (metadata?.namespace ?? '') : null,
});

export const bindingName = ({ kind, name, namespace }: BindingRef): string =>
  `${kind} ${namespace === null ? '' : `${namespace}/`}${name}`;

/** Does this subject name the identity itself? Groups it is in are not it: taking them out would hit everybody in them. */
export function namesIdentity(facts: BoundFacts, { kind, name, namespace }: Subject): boolean {
  switch (facts.kind) {
    case 'service-account':
      return (
        (kind === 'ServiceAccount' && name === facts.serviceAccount && namespace === facts.namespace) ||
        (kind === 'User' && name === facts.username)
      );
    case 'anonymous':
      return (
        (kind === 'User' && name === 'system:anonymous') ||
        (kind === 'Group' && name === 'system:unauthenticated')
      );
    // Whom it names was granted something by it: all of them lose that.
    case 'binding':
      return true;
  }
}

/** The groups the API server puts the identity into. */
export function groupsOf(facts: BoundFacts): readonly string[] {
  switch (facts.kind) {
    case 'anonymous':
      return ['system:unauthenticated'];
    case 'service-account':
      return ['system:serviceaccounts', `system:serviceaccounts:${facts.namespace}`, 'system:authenticated'];
    case 'binding':
      return [];
  }
}

/**
 * Bindings that every cluster has and needs: discovery for everybody, and each controller of the control plane its own. By
 * name, role and subject together; the label `kubernetes.io/bootstrapping` is the attacker's to write, and so is a name.
 */
const DISCOVERY = new Set(['system:public-info-viewer', 'system:discovery', 'system:basic-user']);
const CONTROLLER = 'system:controller:';
export function isBuiltIn(ref: BindingRef, { roleRef, subjects = [] }: AnyBinding): boolean {
  const { kind, name } = ref;
  if (kind !== 'ClusterRoleBinding' || roleRef.kind !== 'ClusterRole' || roleRef.name !== name) return false;
  if (DISCOVERY.has(name)) return true;
  const own = (subject: Subject): boolean =>
    subject.kind === 'ServiceAccount' &&
    subject.namespace === 'kube-system' &&
    subject.name === name.slice(CONTROLLER.length);
  return name.startsWith(CONTROLLER) && subjects.every(own);
}

/** Whether the binding is one that has to go: that of the finding, or what names the identity. */
export function isConcerned(
  facts: BoundFacts,
  { kind, name, namespace }: BindingRef,
  { subjects = [] }: AnyBinding,
): boolean {
  if (facts.kind !== 'binding') return subjects.some((subject) => namesIdentity(facts, subject));
  const { binding } = facts;
  return kind === binding.kind && name === binding.name && namespace === binding.namespace;
}

/** Roles of Kubernetes itself that give a namespace or the whole cluster away. */
const ADMIN = new Set(['cluster-admin', 'admin']);

/** Whether a binding makes an administrator, by its role's name or by a rule that allows everything. */
export const makesAdmin = ({ roleRef }: AnyBinding, rules: readonly V1PolicyRule[]): boolean =>
  (roleRef.kind === 'ClusterRole' && ADMIN.has(roleRef.name)) ||
  rules.some(({ verbs, resources = [] }) => verbs.includes('*') && resources.includes('*'));

export const readBinding = (
  { rbac }: Kubernetes,
  { kind, name, namespace }: BindingRef,
): Promise<AnyBinding | undefined> =>
  orAbsent<AnyBinding>(
    kind === 'ClusterRoleBinding'
      ? rbac.readClusterRoleBinding({ name })
      : rbac.readNamespacedRoleBinding({ name, namespace: namespace ?? '' }),
  );

/** Writes over the version that the body carries; `create` where there is none. */
export async function writeBinding(
  { rbac }: Kubernetes,
  { kind, name, namespace }: BindingRef,
  body: AnyBinding,
  how: 'create' | 'replace',
): Promise<void> {
  const cluster = kind === 'ClusterRoleBinding';
  const place = { namespace: namespace ?? '' };
  if (how === 'create')
    await (cluster
      ? rbac.createClusterRoleBinding({ body })
      : rbac.createNamespacedRoleBinding({ ...place, body }));
  else
    await (cluster
      ? rbac.replaceClusterRoleBinding({ name, body })
      : rbac.replaceNamespacedRoleBinding({ ...place, name, body }));
}

/** Deletes exactly the object that was read. */
export async function deleteBinding(
  { rbac }: Kubernetes,
  { kind, name, namespace }: BindingRef,
  { metadata }: AnyBinding,
): Promise<void> {
  const { uid, resourceVersion } = metadata ?? {};
  const body = {
    preconditions: { ...(uid ? { uid } : {}), ...(resourceVersion ? { resourceVersion } : {}) },
  };
  await (kind === 'ClusterRoleBinding'
    ? rbac.deleteClusterRoleBinding({ name, body })
    : rbac.deleteNamespacedRoleBinding({ name, namespace: namespace ?? '', body }));
}

/** Returns the binding as it can be applied again. */
export function manifestOf(binding: AnyBinding, { kind }: BindingRef): z.infer<typeof manifestSchema> {
  const { metadata = {}, roleRef, subjects = [] } = binding;
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  return manifestSchema.parse(toJson({ apiVersion, kind, metadata, roleRef, subjects }));
}
