/** RBAC as the Kubernetes API server judges it: additive, by roles and their bindings. */

export interface Attributes {
  readonly verb: string;
  readonly group?: string;
  readonly resource?: string;
  readonly subresource?: string;
  readonly namespace?: string;
  readonly name?: string;
  /** For URLs that are no resource. */
  readonly path?: string;
}
interface Subject {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
  readonly apiGroup?: string;
}
interface Rule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
}
interface RoleObject {
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly Rule[];
}
export interface BindingObject {
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly roleRef: { readonly kind: string; readonly name: string; readonly apiGroup?: string };
  readonly subjects?: readonly Subject[];
}
/** The RBAC objects of a cluster. */
export interface RbacObjects {
  readonly clusterRoles: readonly RoleObject[];
  readonly roles: readonly RoleObject[];
  readonly clusterRoleBindings: readonly BindingObject[];
  readonly roleBindings: readonly BindingObject[];
}
export interface Identity {
  readonly user: string;
  readonly groups: readonly string[];
}

/** Why it is allowed, in the API server's own words, or undefined. */
export function allowedBy(rbac: RbacObjects, who: Identity, asked: Attributes): string | undefined {
  const bindings = [
    ...rbac.clusterRoleBindings.map((binding) => ({ kind: 'ClusterRoleBinding', binding })),
    ...rbac.roleBindings
      .filter(({ metadata }) => asked.namespace !== undefined && metadata.namespace === asked.namespace)
      .map((binding) => ({ kind: 'RoleBinding', binding })),
  ];
  for (const { kind, binding } of bindings) {
    const subject = (binding.subjects ?? []).find((one) => names(one, who));
    if (!subject) continue;
    if (!rulesOf(rbac, binding).some((rule) => covers(rule, asked))) continue;
    const { name, namespace } = binding.metadata;
    const where = namespace === undefined ? name : `${name}/${namespace}`;
    return `RBAC: allowed by ${kind} "${where}" of ${binding.roleRef.kind} "${binding.roleRef.name}" to ${subject.kind} "${subject.name}"`;
  }
  return undefined;
}

function rulesOf(rbac: RbacObjects, { roleRef, metadata }: BindingObject): readonly Rule[] {
  const role =
    roleRef.kind === 'ClusterRole'
      ? rbac.clusterRoles.find((one) => one.metadata.name === roleRef.name)
      : rbac.roles.find(
          (one) => one.metadata.name === roleRef.name && one.metadata.namespace === metadata.namespace,
        );
  return role?.rules ?? [];
}

function names({ kind, name, namespace }: Subject, { user, groups }: Identity): boolean {
  switch (kind) {
    case 'User':
      return name === user;
    case 'Group':
      return groups.includes(name);
    case 'ServiceAccount':
      return `system:serviceaccount:${namespace}:${name}` === user;
    default:
      return false;
  }
}

const holds = (list: readonly string[] | undefined, value: string): boolean =>
  (list ?? []).some((one) => one === '*' || one === value);

function covers(rule: Rule, asked: Attributes): boolean {
  if (!holds(rule.verbs, asked.verb)) return false;
  if (asked.path !== undefined) {
    const { path } = asked;
    return (rule.nonResourceURLs ?? []).some((url) =>
      url.endsWith('*') ? path.startsWith(url.slice(0, -1)) : url === path,
    );
  }
  const resource = asked.subresource ? `${asked.resource}/${asked.subresource}` : (asked.resource ?? '');
  const named =
    (rule.resourceNames ?? []).length === 0 ||
    (asked.name !== undefined && (rule.resourceNames ?? []).includes(asked.name));
  return holds(rule.apiGroups, asked.group ?? '') && holds(rule.resources, resource) && named;
}

/** May `who` write a binding to these rules: they have them all themselves, or may `bind` the role. */
export function mayBind(rbac: RbacObjects, who: Identity, binding: BindingObject): boolean {
  const { namespace } = binding.metadata;
  const place = namespace === undefined ? {} : { namespace };
  const resource = binding.roleRef.kind === 'ClusterRole' ? 'clusterroles' : 'roles';
  const bind: Attributes = {
    verb: 'bind',
    group: 'rbac.authorization.k8s.io',
    resource,
    name: binding.roleRef.name,
    ...place,
  };
  if (allowedBy(rbac, who, bind) !== undefined) return true;
  return rulesOf(rbac, binding).every((rule) =>
    tuples(rule).every((asked) => allowedBy(rbac, who, { ...asked, ...place }) !== undefined),
  );
}

function tuples({
  verbs,
  apiGroups = [],
  resources = [],
  nonResourceURLs = [],
}: Rule): readonly Attributes[] {
  return verbs.flatMap((verb) => [
    ...apiGroups.flatMap((group) => resources.map((resource) => ({ verb, group, resource }))),
    ...nonResourceURLs.map((path) => ({ verb, path })),
  ]);
}
