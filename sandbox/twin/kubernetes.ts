/**
 * The Kubernetes API of a twin cluster: objects by their path, as the server keeps them. It knows who calls by the token,
 * judges by RBAC, and answers 401, 403, 404, 409 and pages as the real one does. A path it does not know throws.
 */

import {
  type KubernetesAnswer,
  type KubernetesRequest,
  type ResourcePath,
  resourceOf,
  verbOf,
} from '../../core/aws/kubernetes-request.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import { isJsonObject } from '../../core/json.ts';
import { clusterObjects } from '../../playbooks/common/kubernetes/kubernetes-access.ts';
import {
  allowedBy,
  type BindingObject,
  type Identity,
  mayBind,
  type RbacObjects,
} from './kubernetes-rbac.ts';

/** What the server itself writes into metadata; kept apart, since no undo brings it back. */
interface ServerFields {
  uid: string;
  resourceVersion: string;
  creationTimestamp: string;
}
export interface TwinKubernetes {
  /** Groups of Firebreak's access entry; null: the cluster does not know Firebreak. */
  firebreak: string[] | null;
  /** False: nothing answers, as behind a private endpoint. */
  reachable: boolean;
  /** API path -> object, without the fields that the server writes. */
  objects: Record<string, JsonObject>;
  serverFields: { version: number; of: Record<string, ServerFields> };
}

const RBAC = 'rbac.authorization.k8s.io';
const KINDS: Readonly<Record<string, { kind: string; group: string; namespaced: boolean }>> = {
  pods: { kind: 'Pod', group: '', namespaced: true },
  serviceaccounts: { kind: 'ServiceAccount', group: '', namespaced: true },
  configmaps: { kind: 'ConfigMap', group: '', namespaced: true },
  nodes: { kind: 'Node', group: '', namespaced: false },
  deployments: { kind: 'Deployment', group: 'apps', namespaced: true },
  replicasets: { kind: 'ReplicaSet', group: 'apps', namespaced: true },
  daemonsets: { kind: 'DaemonSet', group: 'apps', namespaced: true },
  statefulsets: { kind: 'StatefulSet', group: 'apps', namespaced: true },
  networkpolicies: { kind: 'NetworkPolicy', group: 'networking.k8s.io', namespaced: true },
  roles: { kind: 'Role', group: RBAC, namespaced: true },
  rolebindings: { kind: 'RoleBinding', group: RBAC, namespaced: true },
  clusterroles: { kind: 'ClusterRole', group: RBAC, namespaced: false },
  clusterrolebindings: { kind: 'ClusterRoleBinding', group: RBAC, namespaced: false },
};
/** The real server gives as many as are asked for; a short page shows whether a caller reads the second. */
const PAGE = 3;

const DEFAULT_ROLES: readonly JsonObject[] = [
  { name: 'cluster-admin', rules: [{ apiGroups: ['*'], resources: ['*'], verbs: ['*'] }] },
  {
    name: 'view',
    rules: [{ apiGroups: ['', 'apps'], resources: ['pods', 'deployments'], verbs: ['get', 'list', 'watch'] }],
  },
  {
    name: 'system:public-info-viewer',
    rules: [{ nonResourceURLs: ['/healthz', '/livez', '/readyz', '/version', '/version/'], verbs: ['get'] }],
  },
  {
    name: 'system:discovery',
    rules: [{ nonResourceURLs: ['/api', '/api/*', '/apis', '/apis/*'], verbs: ['get'] }],
  },
];
const DEFAULT_BINDINGS: readonly { name: string; groups: readonly string[] }[] = [
  { name: 'system:public-info-viewer', groups: ['system:authenticated', 'system:unauthenticated'] },
  { name: 'system:discovery', groups: ['system:authenticated'] },
];

/** A cluster as EKS makes it, with Firebreak's manifest applied. */
export function newKubernetes(): TwinKubernetes {
  const cluster: TwinKubernetes = {
    firebreak: ['firebreak-reader', 'firebreak-responder', 'firebreak-binder'],
    reachable: true,
    objects: {},
    serverFields: { version: 0, of: {} },
  };
  for (const { name, rules } of DEFAULT_ROLES) {
    putObject(cluster, {
      apiVersion: `${RBAC}/v1`,
      kind: 'ClusterRole',
      metadata: { name: name ?? '', labels: DEFAULTS },
      rules: rules ?? [],
    });
  }
  for (const { name, groups } of DEFAULT_BINDINGS) {
    putObject(cluster, {
      apiVersion: `${RBAC}/v1`,
      kind: 'ClusterRoleBinding',
      metadata: { name, labels: DEFAULTS },
      roleRef: { apiGroup: RBAC, kind: 'ClusterRole', name },
      subjects: groups.map((group) => ({ apiGroup: RBAC, kind: 'Group', name: group })),
    });
  }
  for (const object of clusterObjects()) if (isJsonObject(object)) putObject(cluster, object);
  return cluster;
}
const DEFAULTS = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };

/** Puts an object there as it is, past all checks; `uid` where a finding names it. */
export function putObject(cluster: TwinKubernetes, object: JsonObject, uid?: string): void {
  const [resource, { group, namespaced }] =
    Object.entries(KINDS).find(([, { kind }]) => kind === object['kind']) ?? unknownKind(object['kind']);
  const { name, namespace } = object['metadata'] as { name: string; namespace?: string };
  const base = group === '' ? '/api/v1' : `/apis/${group}/v1`;
  const place = namespaced ? `${base}/namespaces/${namespace}` : base;
  const path = `${place}/${resource}/${name}`;
  write(cluster, path, object);
  const fields = cluster.serverFields.of[path];
  if (fields && uid !== undefined) fields.uid = uid;
}
function unknownKind(kind: unknown): never {
  throw new Error(`the twin has no kind ${String(kind)}`);
}

function write(cluster: TwinKubernetes, path: string, object: JsonObject): void {
  const { serverFields } = cluster;
  serverFields.version += 1;
  const serial = String(serverFields.version);
  const {
    uid: _uid,
    resourceVersion: _version,
    creationTimestamp: _created,
    ...metadata
  } = object['metadata'] as Record<string, Json>;
  // Empty maps are not kept: the server leaves them out of what it stores.
  for (const map of ['labels', 'annotations']) {
    const found = metadata[map];
    if (isJsonObject(found ?? null) && Object.keys(found as JsonObject).length === 0) delete metadata[map];
  }
  cluster.objects[path] = { ...object, metadata };
  const kept = serverFields.of[path];
  serverFields.of[path] = {
    uid: kept?.uid ?? `00000000-0000-4000-8000-${serial.padStart(12, '0')}`,
    creationTimestamp: kept?.creationTimestamp ?? '2026-01-01T00:00:00Z',
    resourceVersion: serial,
  };
}

function shown(cluster: TwinKubernetes, path: string): JsonObject {
  const object = cluster.objects[path] as JsonObject;
  return { ...object, metadata: { ...(object['metadata'] as JsonObject), ...cluster.serverFields.of[path] } };
}

const failed = (status: number, reason: string, message: string): KubernetesAnswer => ({
  status,
  body: { kind: 'Status', apiVersion: 'v1', status: 'Failure', reason, message, code: status },
});

/** A lost connection as undici tells it. */
const lost = (): TypeError =>
  new TypeError('fetch failed', {
    cause: Object.assign(new Error('Connect Timeout Error'), { code: 'UND_ERR_CONNECT_TIMEOUT' }),
  });

export function serveKubernetes(cluster: TwinKubernetes, given: KubernetesRequest): KubernetesAnswer {
  // The client writes a name's colons as %3A.
  const request = { ...given, path: decodeURIComponent(given.path) };
  if (!cluster.reachable) throw lost();
  const caller = callerOf(cluster, request);
  if (!caller) return failed(401, 'Unauthorized', 'Unauthorized');
  const at = resourceOf(request.path);
  const known =
    at && (at.resource === 'subjectaccessreviews' ? { group: 'authorization.k8s.io' } : KINDS[at.resource]);
  if (!at || !known || known.group !== at.group || at.version !== 'v1')
    throw new Error(`the twin does not answer ${request.method} ${request.path}`);
  const verb = verbOf(request.method, at);
  const rbac = rbacOf(cluster);
  const { version: _version, ...asked } = at;
  if (allowedBy(rbac, caller, { verb, ...asked }) === undefined) return forbidden(caller, verb, at);
  const body = request.body === undefined ? {} : (JSON.parse(request.body) as JsonObject);
  if (at.resource === 'subjectaccessreviews') return { status: 201, body: reviewed(rbac, body) };
  if (at.subresource !== undefined) return serveScale(cluster, request, at, body);
  switch (verb) {
    case 'list':
      return { status: 200, body: listed(cluster, request, at) };
    case 'get':
      return cluster.objects[request.path]
        ? { status: 200, body: shown(cluster, request.path) }
        : notFound(at);
    case 'create':
    case 'update':
      return written(cluster, request.path, verb, caller, at, body);
    case 'patch':
      return patched(cluster, request, at, body);
    case 'delete':
      return deleted(cluster, request.path, at, body);
    default:
      throw new Error(`the twin does not answer ${request.method} ${request.path}`);
  }
}

/** Who signed the token: in the sandbox that is always Firebreak. */
function callerOf({ firebreak }: TwinKubernetes, { authorization }: KubernetesRequest): Identity | undefined {
  const token = /^Bearer k8s-aws-v1\.([\w-]+)$/.exec(authorization)?.[1];
  if (token === undefined || firebreak === null) return undefined;
  const url = new URL(Buffer.from(token, 'base64url').toString());
  const signed = (url.searchParams.get('X-Amz-SignedHeaders') ?? '').split(';');
  const expires = Number(url.searchParams.get('X-Amz-Expires'));
  const sound =
    /^sts\..*amazonaws\.com(\.cn)?$/.test(url.hostname) &&
    url.searchParams.get('Action') === 'GetCallerIdentity' &&
    signed.includes('x-k8s-aws-id') &&
    expires > 0 &&
    expires <= 900 &&
    url.searchParams.has('X-Amz-Signature');
  return sound ? { user: 'firebreak', groups: [...firebreak, 'system:authenticated'] } : undefined;
}

const forbidden = (caller: Identity, verb: string, at: ResourcePath): KubernetesAnswer =>
  failed(
    403,
    'Forbidden',
    `${at.resource}${at.group ? `.${at.group}` : ''}${at.name ? ` "${at.name}"` : ''} is forbidden: User "${caller.user}" cannot ${verb} resource "${at.resource}" in API group "${at.group}"${at.namespace === undefined ? ' at the cluster scope' : ` in the namespace "${at.namespace}"`}`,
  );

const notFound = ({ resource, group, name }: ResourcePath): KubernetesAnswer =>
  failed(404, 'NotFound', `${resource}${group ? `.${group}` : ''} "${name}" not found`);

const conflict = ({ resource, name }: ResourcePath): KubernetesAnswer =>
  failed(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${resource} "${name}": the object has been modified; please apply your changes to the latest version and try again`,
  );

function rbacOf({ objects }: TwinKubernetes): RbacObjects {
  const of = <T>(kind: string): readonly T[] =>
    Object.values(objects).filter((object) => object['kind'] === kind) as unknown as readonly T[];
  return {
    clusterRoles: of('ClusterRole'),
    roles: of('Role'),
    clusterRoleBindings: of('ClusterRoleBinding'),
    roleBindings: of('RoleBinding'),
  };
}

function listed(cluster: TwinKubernetes, { path, query }: KubernetesRequest, at: ResourcePath): object {
  const { kind } = KINDS[at.resource] ?? unknownKind(at.resource);
  const paths = Object.keys(cluster.objects)
    .filter((key) => {
      const found = resourceOf(key);
      return found?.resource === at.resource && (at.namespace === undefined || key.startsWith(`${path}/`));
    })
    .sort()
    .filter((key) => selected(cluster.objects[key] as JsonObject, query));
  const start = Number(query['continue'] ?? 0);
  const end = start + Math.min(Number(query['limit'] ?? paths.length), query['limit'] ? PAGE : paths.length);
  return {
    kind: `${kind}List`,
    apiVersion: at.group === '' ? 'v1' : `${at.group}/v1`,
    metadata: {
      resourceVersion: String(cluster.serverFields.version),
      ...(end < paths.length ? { continue: String(end) } : {}),
    },
    items: paths.slice(start, end).map((key) => shown(cluster, key)),
  };
}

function selected(
  object: JsonObject,
  { labelSelector, fieldSelector }: Readonly<Record<string, string>>,
): boolean {
  const { labels = {} } = object['metadata'] as { labels?: Record<string, string> };
  const pairs = (text: string | undefined) =>
    (text ?? '')
      .split(',')
      .filter(Boolean)
      .map((pair) => pair.split('=') as [string, string]);
  const field = (name: string) =>
    name.split('.').reduce<Json>((value, key) => (isJsonObject(value) ? (value[key] ?? null) : null), object);
  return (
    pairs(labelSelector).every(([key, value]) => labels[key] === value) &&
    pairs(fieldSelector).every(([key, value]) => field(key) === value)
  );
}

function written(
  cluster: TwinKubernetes,
  path: string,
  verb: 'create' | 'update',
  caller: Identity,
  at: ResourcePath,
  body: JsonObject,
): KubernetesAnswer {
  const metadata = body['metadata'] as { name: string; resourceVersion?: string };
  const key = verb === 'create' ? `${path}/${metadata.name}` : path;
  const exists = cluster.objects[key];
  const named = { ...at, name: metadata.name };
  if (verb === 'create' && exists)
    return failed(409, 'AlreadyExists', `${at.resource} "${metadata.name}" already exists`);
  if (verb === 'update') {
    if (!exists) return notFound(named);
    const current = cluster.serverFields.of[key]?.resourceVersion;
    if (metadata.resourceVersion !== undefined && metadata.resourceVersion !== current)
      return conflict(named);
  }
  if (at.resource.endsWith('bindings')) {
    const binding = {
      ...body,
      metadata: { ...metadata, ...(at.namespace ? { namespace: at.namespace } : {}) },
    };
    if (exists && JSON.stringify(exists['roleRef']) !== JSON.stringify(body['roleRef']))
      return failed(
        422,
        'Invalid',
        `${at.resource} "${metadata.name}" is invalid: roleRef: cannot change roleRef`,
      );
    if (!mayBind(rbacOf(cluster), caller, binding as unknown as BindingObject))
      return failed(
        403,
        'Forbidden',
        `${at.resource}.${at.group} "${metadata.name}" is forbidden: user "${caller.user}" is attempting to grant RBAC permissions not currently held`,
      );
  }
  const { kind } = KINDS[at.resource] ?? unknownKind(at.resource);
  write(cluster, key, {
    ...body,
    apiVersion: at.group === '' ? 'v1' : `${at.group}/v1`,
    kind,
    metadata: { ...metadata, ...(at.namespace ? { namespace: at.namespace } : {}) },
  });
  return { status: verb === 'create' ? 201 : 200, body: shown(cluster, key) };
}

function patched(
  cluster: TwinKubernetes,
  { path, contentType }: KubernetesRequest,
  at: ResourcePath,
  patch: JsonObject,
): KubernetesAnswer {
  if (!contentType.startsWith('application/merge-patch+json'))
    throw new Error(`the twin knows merge patches only, not ${contentType}`);
  const object = cluster.objects[path];
  if (!object) return notFound(at);
  const wanted = (patch['metadata'] as JsonObject | undefined)?.['resourceVersion'];
  if (wanted !== undefined && wanted !== cluster.serverFields.of[path]?.resourceVersion) return conflict(at);
  write(cluster, path, mergePatch(object, patch) as JsonObject);
  return { status: 200, body: shown(cluster, path) };
}

/** RFC 7396. */
function mergePatch(target: Json, patch: Json): Json {
  if (!isJsonObject(patch)) return patch;
  const result: Record<string, Json> = isJsonObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key] ?? null, value);
  }
  return result;
}

function deleted(
  cluster: TwinKubernetes,
  path: string,
  at: ResourcePath,
  options: JsonObject,
): KubernetesAnswer {
  if (!cluster.objects[path]) return notFound(at);
  const { uid, resourceVersion } = (options['preconditions'] ?? {}) as {
    uid?: string;
    resourceVersion?: string;
  };
  const live = cluster.serverFields.of[path];
  const other =
    (uid !== undefined && uid !== live?.uid) ||
    (resourceVersion !== undefined && resourceVersion !== live?.resourceVersion);
  if (other) return conflict(at);
  delete cluster.objects[path];
  delete cluster.serverFields.of[path];
  return { status: 200, body: { kind: 'Status', apiVersion: 'v1', status: 'Success' } };
}

/** `deployments/scale`: the number of replicas and nothing else. */
function serveScale(
  cluster: TwinKubernetes,
  { method, path }: KubernetesRequest,
  at: ResourcePath,
  patch: JsonObject,
): KubernetesAnswer {
  const key = path.slice(0, -'/scale'.length);
  const object = cluster.objects[key];
  if (!object) return notFound(at);
  const spec = object['spec'] as JsonObject;
  if (method === 'PATCH') {
    const wanted = (patch['metadata'] as JsonObject | undefined)?.['resourceVersion'];
    if (wanted !== undefined && wanted !== cluster.serverFields.of[key]?.resourceVersion) return conflict(at);
    const replicas = (patch['spec'] as JsonObject)['replicas'] ?? null;
    write(cluster, key, { ...object, spec: { ...spec, replicas } });
  }
  const now = cluster.objects[key]?.['spec'] as JsonObject;
  return {
    status: 200,
    body: {
      kind: 'Scale',
      apiVersion: 'autoscaling/v1',
      metadata: { name: at.name, namespace: at.namespace, ...cluster.serverFields.of[key] },
      spec: { replicas: now['replicas'] },
    },
  };
}

function reviewed(rbac: RbacObjects, review: JsonObject): object {
  const spec = review['spec'] as {
    user?: string;
    groups?: string[];
    resourceAttributes?: {
      verb: string;
      group?: string;
      resource?: string;
      namespace?: string;
      name?: string;
      subresource?: string;
    };
    nonResourceAttributes?: { verb: string; path: string };
  };
  const asked = spec.resourceAttributes ?? spec.nonResourceAttributes;
  if (!asked) throw new Error('a review without attributes');
  const { namespace, ...rest } = asked as { verb: string; namespace?: string };
  const reason = allowedBy(
    rbac,
    { user: spec.user ?? '', groups: spec.groups ?? [] },
    { ...rest, ...(namespace ? { namespace } : {}) },
  );
  return {
    ...review,
    status: { allowed: reason !== undefined, ...(reason === undefined ? {} : { reason }) },
  };
}
