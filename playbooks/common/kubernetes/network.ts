/**
 * What quarantine can do on the cluster's network. Network policies only ever add allowances: the empty one of a quarantine
 * cuts a pod off only where no other policy that selects it allows something, and where the cluster's network plugin
 * enforces policies at all.
 */
import type { V1DaemonSet, V1LabelSelector, V1NetworkPolicy } from '@kubernetes/client-node';

export const QUARANTINE = 'firebreak/quarantine';
/** On a pod whose own labels are gone: the workload it was taken from, so that it is found again. */
export const TAKEN_FROM = 'firebreak/taken-from';

type Labels = Readonly<Record<string, string>>;

/** Kubernetes semantics: an empty selector takes everything. */
function selects({ matchLabels = {}, matchExpressions = [] }: V1LabelSelector, labels: Labels): boolean {
  const has = (key: string) => Object.hasOwn(labels, key);
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(({ key, operator, values = [] }) => {
      switch (operator) {
        case 'In':
          return has(key) && values.includes(labels[key] ?? '');
        case 'NotIn':
          return !has(key) || !values.includes(labels[key] ?? '');
        case 'Exists':
          return has(key);
        case 'DoesNotExist':
          return !has(key);
        default:
          // An operator this version does not know may well select it.
          return true;
      }
    })
  );
}

/** Policies that allow a pod with these labels some traffic, each with the directions. */
export function allowances(policies: readonly V1NetworkPolicy[], labels: Labels): readonly string[] {
  return policies.flatMap(({ metadata, spec }) => {
    if (!spec || !selects(spec.podSelector ?? {}, labels)) return [];
    const ways = [
      ...((spec.ingress ?? []).length > 0 ? ['ingress'] : []),
      ...((spec.egress ?? []).length > 0 ? ['egress'] : []),
    ];
    return ways.length > 0 ? [`${metadata?.name} (${ways.join(' and ')})`] : [];
  });
}

export interface Enforcement {
  readonly by: 'Amazon VPC CNI' | 'Calico' | 'Cilium';
  /** Whether connections that are open when a policy comes are cut is the plugin's own affair. */
  readonly cutsOpenConnections: boolean;
}

/**
 * Who enforces network policies here, as the DaemonSets show it; undefined: no one is seen to. VPC CNI runs
 * `aws-eks-nodeagent` in every cluster and enforces only with `--enable-network-policy=true` (EKS user guide, "Configure
 * your VPC CNI for network policies"). That Calico lets open connections live, and the others do not, is [M-LAB].
 */
export function enforcementOf(daemonSets: readonly V1DaemonSet[]): Enforcement | undefined {
  for (const { metadata, spec } of daemonSets) {
    const containers = spec?.template.spec?.containers ?? [];
    const words = containers.flatMap(({ command = [], args = [] }) => [...command, ...args]);
    if (metadata?.name === 'aws-node' && words.includes('--enable-network-policy=true'))
      return { by: 'Amazon VPC CNI', cutsOpenConnections: true };
    if (metadata?.name === 'calico-node') return { by: 'Calico', cutsOpenConnections: false };
    if (metadata?.name === 'cilium') return { by: 'Cilium', cutsOpenConnections: true };
  }
  return undefined;
}
