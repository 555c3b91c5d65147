/** Which identity in which cluster: from the finding alone, routed by the Kubernetes user name. */
import { z } from 'zod';
import { arn, parseArn } from '../../../core/aws/arn.ts';
import type { Finding } from '../../../core/finding/finding.ts';
import type { TargetChoice } from '../../../core/journal/playbook.ts';
import { detailsOf } from '../details.ts';
import { clusterOf, isNamespace, isObjectName } from './kubernetes.ts';

const NAME = /^[\w+=,.@-]{1,64}$/;

const identity = z.object({ cluster: z.string(), username: z.string() });
const principalFacts = identity.extend({
  kind: z.literal('principal'),
  /** `user/NAME` or `role/NAME` without a path: Kubernetes user names carry none for roles. */
  principal: z.string(),
});
const serviceAccountFacts = identity.extend({
  kind: z.literal('service-account'),
  namespace: z.string(),
  serviceAccount: z.string(),
});
const anonymousFacts = identity.extend({
  kind: z.literal('anonymous'),
  /** Who let everybody in, where the finding is about that. */
  grantedBy: z.string().nullable(),
});
const nodeFacts = identity.extend({ kind: z.literal('node'), node: z.string() });
export const identityFacts = z.discriminatedUnion('kind', [
  principalFacts,
  serviceAccountFacts,
  anonymousFacts,
  nodeFacts,
]);
export type IdentityFacts = z.infer<typeof identityFacts>;
export type PrincipalFacts = z.infer<typeof principalFacts>;
/** Identities that RBAC alone knows. */
type ServiceAccountFacts = z.infer<typeof serviceAccountFacts>;
export type BoundFacts = ServiceAccountFacts | z.infer<typeof anonymousFacts>;
export type NodeFacts = z.infer<typeof nodeFacts>;

const no = (reason: string): TargetChoice<never> => ({ ok: false, reason });
const ANONYMOUS = ['system:anonymous', 'system:unauthenticated'];

/** Who called does not say what to contain: the finding is about a thing that somebody made. */
const ABOUT_THINGS: Readonly<Record<string, string>> = {
  'Policy:Kubernetes/ExposedDashboard':
    'the dashboard is open to the internet by its Service: give that Service the type ClusterIP',
  'Policy:Kubernetes/KubeflowDashboardExposed':
    'the Kubeflow dashboard is open to the internet by its Service: give that Service the type ClusterIP',
  'Execution:Kubernetes/MaliciousFile': 'the finding is about a file in a pod, not about an identity',
  'Execution:Kubernetes/SuspiciousFile': 'the finding is about a file in a pod, not about an identity',
};

export function identityOf(finding: Finding): TargetChoice<IdentityFacts> {
  const cluster = clusterOf(finding);
  if (cluster === undefined) return no('the finding names no EKS cluster');
  if (typeof cluster !== 'string') return cluster;
  const thing = ABOUT_THINGS[finding.type];
  if (thing !== undefined) return no(thing);
  const username =
    detailsOf(finding, 'kubernetesDetails')?.child('kubernetesUserDetails')?.optionalText('username') ?? '';
  // Its user is whoever made the binding; the binding is what lets everybody in.
  if (finding.type === 'Policy:Kubernetes/AnonymousAccessGranted')
    return anonymous(finding, cluster, username.slice(0, 200) || null);
  if (ANONYMOUS.includes(username)) return anonymous(finding, cluster, null);
  const found = username.startsWith('system:')
    ? systemIdentity(username)
    : principalOf(username, finding.account);
  if (typeof found === 'string') return no(found);
  const { kind, id, display, facts } = found;
  const scope = scopeOf(finding);
  return {
    ok: true,
    target: {
      ...scope,
      kind,
      id: `${cluster}/${id}`,
      display: `${arn(scope, 'eks', `cluster/${cluster}`)} ${display}`,
      facts: { ...facts, cluster, username },
    },
  };
}

const scopeOf = ({ partition, account, region }: Finding) => ({ partition, account, region });

/** One target for everybody who has no credential: the cluster's openness itself. */
function anonymous(finding: Finding, cluster: string, grantedBy: string | null): TargetChoice<IdentityFacts> {
  const scope = scopeOf(finding);
  const facts: IdentityFacts = { kind: 'anonymous', cluster, username: 'system:anonymous', grantedBy };
  return {
    ok: true,
    target: {
      ...scope,
      kind: 'eks-anonymous',
      id: cluster,
      display: `${arn(scope, 'eks', `cluster/${cluster}`)} system:anonymous`,
      facts,
    },
  };
}

/** What a kind of identity adds to cluster and user name. */
type Own<F> = Omit<F, keyof z.infer<typeof identity>>;

interface Found {
  readonly kind: string;
  readonly id: string;
  readonly display: string;
  readonly facts: Own<PrincipalFacts> | Own<ServiceAccountFacts> | Own<NodeFacts>;
}

/** Identities of the cluster itself. A text says why there is nothing to contain. */
function systemIdentity(username: string): Found | string {
  const [, kind = '', ...rest] = username.split(':');
  if (kind === 'serviceaccount') {
    const [namespace = '', serviceAccount = ''] = rest;
    if (rest.length !== 2 || !isNamespace(namespace) || !isObjectName(serviceAccount))
      return 'the Kubernetes user is no service account that can exist';
    return {
      kind: 'eks-service-account',
      id: `${namespace}/${serviceAccount}`,
      display: username,
      facts: { kind: 'service-account', namespace, serviceAccount },
    };
  }
  if (kind === 'node') {
    const node = rest.join(':');
    if (!isObjectName(node)) return 'the Kubernetes user is no node that can exist';
    return { kind: 'eks-node', id: node, display: username, facts: { kind: 'node', node } };
  }
  return 'the caller is a component of the cluster itself';
}

/** EKS writes the user's ARN, or `arn:…:sts::…:assumed-role/ROLE/SESSION`. */
function principalOf(username: string, account: string): Found | string {
  if (username === '') return 'the finding names no Kubernetes user';
  const parsed = parseArn(username);
  const other = `the Kubernetes user is no IAM principal of account ${account}`;
  if (!parsed || parsed.account !== account) return other;
  const [kind, ...names] = parsed.resource.split('/');
  const name = (kind === 'assumed-role' ? names[0] : names.at(-1)) ?? '';
  if (!NAME.test(name)) return other;
  const assumed = parsed.service === 'sts' && kind === 'assumed-role';
  if (!assumed && !(parsed.service === 'iam' && (kind === 'user' || kind === 'role'))) return other;
  const principal = `${assumed ? 'role' : kind}/${name}`;
  return { kind: 'eks-identity', id: principal, display: principal, facts: { kind: 'principal', principal } };
}
