/** Live state of an identity that RBAC alone knows: the bindings that name it, what they grant, and who else it touches. */
import type { V1PolicyRule } from '@kubernetes/client-node';
import { z } from 'zod';
import { inBatches } from '../../core/aws/batches.ts';
import type { Aws } from '../../core/aws/client.ts';
import type { Kubernetes } from '../../core/aws/kubernetes.ts';
import type { Target } from '../../core/journal/playbook.ts';
import { clusterTags } from '../common/kubernetes/identity.ts';
import { type BoundFacts, bindingRef } from '../common/kubernetes/identity-target.ts';
import { listAll, orAbsent } from '../common/kubernetes/kubernetes.ts';
import { type PodRoles, podRolesOf, podsOfAccount } from '../common/kubernetes/pod-roles.ts';
import { type Right, rightSchema } from './binding-step.ts';
import {
  type AnyBinding,
  bindingName,
  groupsOf,
  isBuiltIn,
  isConcerned,
  makesAdmin,
  namesIdentity,
  refOf,
  subjectSchema,
} from './bindings.ts';

export const rbacState = z.object({
  /** Bindings that name the identity and may be taken away. */
  bindings: z.array(
    z.object({
      ref: bindingRef,
      role: z.string(),
      subjects: z.array(subjectSchema),
      /** How many others the binding names. */
      others: z.number(),
      /** A few of the rights, for the proving read. */
      rights: z.array(rightSchema),
    }),
  ),
  /** Bindings every cluster needs, with a warning where their role grants more than it should. */
  builtIn: z.array(z.string()),
  /** Bindings of groups that the identity is in, as people read them. */
  throughGroups: z.array(z.string()),
  pods: z.array(z.string()),
  roles: z.array(z.object({ by: z.enum(['IRSA', 'Pod Identity']), arn: z.string() })),
  doubtfulRoles: z.array(z.string()).default([]),
  tags: z.record(z.string(), z.string()),
});
export type RbacState = z.infer<typeof rbacState>;

/** More than this proves no more: rules of one role are removed together. */
const MOST_RIGHTS = 4;

export async function readBound({ facts }: Target<BoundFacts>, aws: Aws): Promise<RbacState> {
  const cluster = await aws.kubernetes(facts.cluster);
  const [bindings, { pods, roles, doubtful }, tags] = await Promise.all([
    bindingsOf(cluster),
    podsAndRoles(facts, aws),
    clusterTags(aws, facts.cluster),
  ]);
  const naming = await concerned(cluster, facts, bindings);
  const ours = naming.filter(({ ref, binding }) => !isBuiltIn(ref, binding));
  return {
    bindings: await Promise.all(
      ours.map(async ({ ref, binding }) => {
        const all = binding.subjects ?? [];
        const subjects = all.filter((subject) => namesIdentity(facts, subject)).map((one) => ({ ...one }));
        return {
          ref,
          role: `${binding.roleRef.kind} ${binding.roleRef.name}`,
          subjects,
          others: all.length - subjects.length,
          rights: rightsOf(await rulesOf(cluster, binding), ref.namespace).slice(0, MOST_RIGHTS),
        };
      }),
    ),
    builtIn: await Promise.all(
      naming.filter(({ ref, binding }) => isBuiltIn(ref, binding)).map((one) => builtInTold(cluster, one)),
    ),
    throughGroups: bindings
      .filter(
        ({ ref, binding }) =>
          !isBuiltIn(ref, binding) &&
          facts.kind === 'service-account' &&
          (binding.subjects ?? []).some(
            ({ kind, name }) => kind === 'Group' && groupsOf(facts).includes(name),
          ),
      )
      .map(({ ref, binding }) => `${bindingName(ref)} (${binding.roleRef.kind} ${binding.roleRef.name})`),
    pods,
    roles: [...roles],
    doubtfulRoles: [...doubtful],
    tags,
  };
}

interface Listed {
  readonly ref: ReturnType<typeof refOf>;
  readonly binding: AnyBinding;
}

/** The bindings that have to go: where an identity was made an administrator, only those that make it one. */
export async function concerned(
  cluster: Kubernetes,
  facts: BoundFacts,
  bindings: readonly Listed[],
): Promise<readonly Listed[]> {
  const found = bindings.filter(({ ref, binding }) => isConcerned(facts, ref, binding));
  if (facts.kind !== 'service-account' || !facts.granted) return found;
  const admin = await inBatches(found, 5, async ({ binding }) =>
    makesAdmin(binding, await rulesOf(cluster, binding)),
  );
  return found.filter((_one, index) => admin[index]);
}

/** Every binding of the cluster: RBAC cannot be asked which ones name someone. */
export async function bindingsOf({ rbac }: Kubernetes): Promise<readonly Listed[]> {
  const [wide, local] = await Promise.all([
    listAll((page) => rbac.listClusterRoleBinding(page)),
    listAll((page) => rbac.listRoleBindingForAllNamespaces(page)),
  ]);
  return [
    ...wide.map((binding) => ({ ref: refOf(binding, 'ClusterRoleBinding'), binding })),
    ...local.map((binding) => ({ ref: refOf(binding, 'RoleBinding'), binding })),
  ];
}

async function rulesOf({ rbac }: Kubernetes, binding: AnyBinding): Promise<readonly V1PolicyRule[]> {
  const { kind, name } = binding.roleRef;
  const role = await orAbsent<{ rules?: V1PolicyRule[] }>(
    kind === 'ClusterRole'
      ? rbac.readClusterRole({ name })
      : rbac.readNamespacedRole({ name, namespace: binding.metadata?.namespace ?? '' }),
  );
  return role?.rules ?? [];
}

/** RBAC compares the words of a request with those of a rule, so a rule's own words ask whether it still counts. */
function rightsOf(rules: readonly V1PolicyRule[], namespace: string | null): readonly Right[] {
  const place = namespace === null ? {} : { namespace };
  return rules.flatMap(
    ({ verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] }) =>
      verbs.flatMap((verb): Right[] => [
        ...apiGroups.flatMap((group) =>
          resources.map((word): Right => {
            const [resource = '', subresource] = word.split('/');
            const [name] = resourceNames;
            return {
              verb,
              group,
              resource,
              ...(subresource === undefined ? {} : { subresource }),
              ...(name === undefined ? {} : { name }),
              ...place,
            };
          }),
        ),
        ...nonResourceURLs.map((path): Right => ({ verb, path })),
      ]),
  );
}

async function builtInTold(cluster: Kubernetes, { ref, binding }: Listed): Promise<string> {
  const rules = await rulesOf(cluster, binding);
  const wide = rules.some(
    ({ resources = [], verbs }) => resources.length > 0 || verbs.some((verb) => verb !== 'get'),
  );
  const changed = wide && !ref.name.startsWith('system:controller:');
  return changed
    ? `${bindingName(ref)} stays, but its role grants more than discovery: compare it with \`kubectl auth reconcile\``
    : `${bindingName(ref)} stays`;
}

async function podsAndRoles(facts: BoundFacts, aws: Aws): Promise<PodRoles & { readonly pods: string[] }> {
  if (facts.kind !== 'service-account') return { pods: [], roles: [], doubtful: [] };
  const pods = await podsOfAccount(await aws.kubernetes(facts.cluster), facts);
  return {
    pods: pods.map(({ metadata }) => metadata?.name ?? ''),
    ...(await podRolesOf(aws, facts, pods)),
  };
}
