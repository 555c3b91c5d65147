/** A request to the Kubernetes API, named as RBAC names it: verb, resource, namespace, name. */

export interface KubernetesRequest {
  /** EKS name of the cluster. */
  readonly cluster: string;
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly contentType: string;
  /** The `Authorization` header. Never logged: anyone who has it is us for 15 minutes. */
  readonly authorization: string;
  /** JSON text, or undefined. */
  readonly body: string | undefined;
}

export interface KubernetesAnswer {
  readonly status: number;
  readonly body: object;
}

/** What a path names. `namespace` and `name` are absent in lists over all of them. */
export interface ResourcePath {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly subresource?: string;
}

const PATH =
  /^\/(?:api\/(?<core>v\d\w*)|apis\/(?<group>[^/]+)\/(?<version>[^/]+))(?:\/namespaces\/(?<namespace>[^/]+))?\/(?<resource>[a-z]+)(?:\/(?<name>[^/]+))?(?:\/(?<subresource>[a-z]+))?$/;

/** Undefined for paths that do not name a resource (`/healthz`). */
export function resourceOf(path: string): ResourcePath | undefined {
  const found = PATH.exec(path)?.groups;
  if (!found) return undefined;
  const { core, group = '', version = core ?? '', resource = '', namespace, name, subresource } = found;
  return {
    group,
    version,
    resource,
    ...(namespace === undefined ? {} : { namespace: decodeURIComponent(namespace) }),
    ...(name === undefined ? {} : { name: decodeURIComponent(name) }),
    ...(subresource === undefined ? {} : { subresource }),
  };
}

/** The RBAC verb of a request. */
export function verbOf(method: string, { name }: ResourcePath): string {
  switch (method) {
    case 'GET':
      return name === undefined ? 'list' : 'get';
    case 'POST':
      return 'create';
    case 'PUT':
      return 'update';
    default:
      return method.toLowerCase();
  }
}

/** `ListPods`, `DeleteClusterrolebindings`: the request as a call is named in records. */
export function operationOf(method: string, path: string): string {
  const resource = resourceOf(path);
  if (!resource) return `${method} ${path}`;
  return `${capital(verbOf(method, resource))}${capital(resource.resource)}`;
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
