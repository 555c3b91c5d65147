/** Which identity in which cluster: from the finding alone, routed by the Kubernetes user name. */
import { z } from 'zod';
import { arn, parseArn } from '../../../core/aws/arn.ts';
import type { Finding } from '../../../core/finding/finding.ts';
import { type Reader, reader } from '../../../core/finding/reader.ts';
import type { TargetChoice } from '../../../core/journal/playbook.ts';
import { isJsonObject, own } from '../../../core/json.ts';
import { detailsOf } from '../details.ts';
import { PRINCIPAL_NAME } from '../iam/principal-name.ts';
import { deploysForOthers } from './deployers.ts';
import { clusterOf, isNamespace, isObjectName } from './kubernetes.ts';
import { podOf } from './pod-target.ts';

/** Which binding: cluster role bindings have no namespace. */
export const bindingRef = z.object({
  kind: z.enum(['ClusterRoleBinding', 'RoleBinding']),
  name: z.string(),
  namespace: z.string().nullable(),
});
export type BindingRef = z.infer<typeof bindingRef>;

const identity = z.object({
  cluster: z.string(),
  username: z.string(),
  /** The finding is about a workload that the identity made: it is asked about where the identity cannot be contained. */
  made: z.exactOptional(z.literal(true)),
});
/** AROA... or AIDA..., which no name can imitate. */
const principalId = z.string().regex(/^A(?:ROA|IDA)[A-Z0-9]{4,124}$/);
const principalFacts = identity.extend({
  kind: z.literal('principal'),
  /** `user/NAME` or `role/NAME` without a path: Kubernetes user names carry none for roles. */
  principal: z.string(),
  /** As the authenticator says it: the user name is chosen by the administrator who maps it. */
  principalId: z.exactOptional(principalId),
});
const mappedFacts = identity.extend({
  kind: z.literal('mapped'),
  /** Null: neither the authenticator nor the finding's access key says it. */
  principalId: principalId.nullable(),
});
const serviceAccountFacts = identity.extend({
  kind: z.literal('service-account'),
  namespace: z.string(),
  serviceAccount: z.string(),
  /** Only the bindings that make it an administrator are taken away: the finding is about those. */
  granted: z.exactOptional(z.object({ by: z.string().nullable() })),
});
const anonymousFacts = identity.extend({
  kind: z.literal('anonymous'),
  /** Who let everybody in, where the finding is about that. */
  grantedBy: z.string().nullable(),
});
const bindingFacts = identity.extend({
  kind: z.literal('binding'),
  binding: bindingRef,
  grantedBy: z.string().nullable(),
});
const nodeFacts = identity.extend({ kind: z.literal('node'), node: z.string() });
export const identityFacts = z.discriminatedUnion('kind', [
  principalFacts,
  mappedFacts,
  serviceAccountFacts,
  anonymousFacts,
  bindingFacts,
  nodeFacts,
]);
export type IdentityFacts = z.infer<typeof identityFacts>;
/** Identities that IAM knows. */
export type PrincipalFacts = z.infer<typeof principalFacts> | z.infer<typeof mappedFacts>;
/** Identities that RBAC alone knows, and a binding itself. */
type ServiceAccountFacts = z.infer<typeof serviceAccountFacts>;
export type BoundFacts = ServiceAccountFacts | z.infer<typeof anonymousFacts> | z.infer<typeof bindingFacts>;
export type NodeFacts = z.infer<typeof nodeFacts>;

const no = (reason: string): TargetChoice<never> => ({ ok: false, reason });
/** The finding does say who acted, and nothing here contains that. */
const stays = (reason: string): TargetChoice<never> => ({ ok: false, reason, named: 'actor' });
const ANONYMOUS = ['system:anonymous', 'system:unauthenticated'];

/** Who called does not say what to contain: the finding is about a thing that someone made. */
const ABOUT_THINGS: Readonly<Record<string, string>> = {
  'Policy:Kubernetes/ExposedDashboard':
    'the dashboard is open to the internet by its Service: give that Service the type ClusterIP',
  'Policy:Kubernetes/KubeflowDashboardExposed':
    'the Kubeflow dashboard is open to the internet by its Service: give that Service the type ClusterIP',
  'Execution:Kubernetes/MaliciousFile': 'the finding is about a file in a pod, not about an identity',
  'Execution:Kubernetes/SuspiciousFile': 'the finding is about a file in a pod, not about an identity',
};

/** What to contain of a finding of the audit log: what was granted where it is about that, otherwise who called. */
export function identityOf(finding: Finding): TargetChoice<IdentityFacts> {
  const thing = own(ABOUT_THINGS, finding.type);
  const cluster = clusterOf(finding);
  if (typeof cluster === 'string' && thing !== undefined) return no(thing);
  return (typeof cluster === 'string' ? grantedIn(finding, cluster) : undefined) ?? callerOf(finding);
}

/** Who called. */
export function callerOf(finding: Finding): TargetChoice<IdentityFacts> {
  const cluster = clusterOf(finding);
  if (cluster === undefined) return no('the finding does not name an EKS cluster');
  if (typeof cluster !== 'string') return cluster;
  const { username, uid } = userOf(finding);
  if (ANONYMOUS.includes(username)) return anonymous(finding, cluster, null);
  const found = username.startsWith('system:')
    ? systemIdentity(username)
    : principalOf(finding, username, uid);
  if (typeof found === 'string') return username === '' ? no(found) : stays(found);
  const made = isMade(finding) && podOf(finding).ok;
  const deploys = found.facts.kind === 'service-account' && !found.facts.granted ? found.facts : undefined;
  if (
    deploys &&
    (made || GRANTED.has(finding.type)) &&
    deploysForOthers(deploys.namespace, deploys.serviceAccount)
  )
    return stays(
      `${username} deploys what others ask for, and is not unbound: find who changed what it deploys (a repository, a Deployment, a job), and contain them`,
    );
  return targetOf(finding, cluster, found, { username, ...(made ? { made } : {}) });
}

/** Empty where the finding says nothing of it. */
function userOf(finding: Finding): { readonly username: string; readonly uid: string } {
  const user = detailsOf(finding, 'kubernetesDetails')?.child('kubernetesUserDetails');
  return { username: user?.optionalText('username') ?? '', uid: user?.optionalText('uid') ?? '' };
}

/** Types about a workload that was made, as its maker's deed. */
const isMade = ({ type }: Finding): boolean => /:Kubernetes\/.*(Container|WorkloadDeployed)/.test(type);

function targetOf(
  finding: Finding,
  cluster: string,
  { kind, id, display, facts }: Found,
  common: Omit<z.infer<typeof identity>, 'cluster'>,
): TargetChoice<IdentityFacts> {
  const scope = scopeOf(finding);
  return {
    ok: true,
    target: {
      ...scope,
      kind,
      id: `${cluster}/${id}`,
      display: `${arn(scope, 'eks', `cluster/${cluster}`)} ${display}`,
      facts: { ...facts, cluster, ...common },
    },
  };
}

const scopeOf = ({ partition, account, region }: Finding) => ({ partition, account, region });

/** Types in which the caller granted something: that is reverted first, and who granted it is the second question. */
const GRANTED = new Set([
  'Policy:Kubernetes/AnonymousAccessGranted',
  'Policy:Kubernetes/AdminAccessToDefaultServiceAccount',
  'PrivilegeEscalation:Kubernetes/AnomalousBehavior.RoleBindingCreated',
]);

/** What was granted, as target; undefined where the finding is not about that or does not say what it was. */
function grantedIn(finding: Finding, cluster: string): TargetChoice<IdentityFacts> | undefined {
  if (!GRANTED.has(finding.type)) return undefined;
  const by = userOf(finding).username.slice(0, 200) || null;
  const namespace = namespaceOf(finding);
  switch (finding.type) {
    case 'Policy:Kubernetes/AnonymousAccessGranted':
      return anonymous(finding, cluster, by);
    case 'Policy:Kubernetes/AdminAccessToDefaultServiceAccount': {
      if (namespace === undefined) return undefined;
      const found = serviceAccountIn(namespace, 'default');
      return targetOf(
        finding,
        cluster,
        { ...found, facts: { ...found.facts, granted: { by } } },
        { username: found.display },
      );
    }
    default: {
      const binding = bindingIn(finding, namespace);
      if (binding === undefined) return undefined;
      const display = `${binding.kind} ${binding.namespace === null ? '' : `${binding.namespace}/`}${binding.name}`;
      return targetOf(
        finding,
        cluster,
        {
          kind: 'eks-binding',
          id: display.replace(' ', '/'),
          display,
          facts: { kind: 'binding', binding, grantedBy: by },
        },
        { username: display },
      );
    }
  }
}

/** The namespace that was changed: of the request, or of the workload that GuardDuty shows with it. */
function namespaceOf(finding: Finding): string | undefined {
  const call = actionOf(finding)?.child('kubernetesApiCallAction');
  const named = [
    call?.optionalText('namespace'),
    /\/namespaces\/([^/?]+)/.exec(call?.optionalText('requestUri') ?? '')?.[1],
    detailsOf(finding, 'kubernetesDetails')?.child('kubernetesWorkloadDetails')?.optionalText('namespace'),
  ];
  return named.find((name) => name !== undefined && isNamespace(name));
}

function bindingIn(finding: Finding, namespace: string | undefined): BindingRef | undefined {
  const details = actionOf(finding)?.child('kubernetesRoleBindingDetails');
  const kind = bindingRef.shape.kind.safeParse(details?.optionalText('kind')).data;
  const name = details?.optionalText('name') ?? '';
  // Kubernetes lets names of RBAC objects hold more than those of others, and no slash.
  if (kind === undefined || !/^[\w:.-]{1,253}$/.test(name)) return undefined;
  if (kind === 'ClusterRoleBinding') return { kind, name, namespace: null };
  return namespace === undefined ? undefined : { kind, name, namespace };
}

function actionOf({ detail }: Finding): Reader | undefined {
  const service = detail['service'];
  return isJsonObject(service) ? reader(service, 'detail.service').child('action') : undefined;
}

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
type Own<F> = F extends z.infer<typeof identity> ? Omit<F, keyof z.infer<typeof identity>> : never;

interface Found {
  readonly kind: string;
  readonly id: string;
  readonly display: string;
  readonly facts: Own<IdentityFacts>;
}

/** Identities of the cluster itself. A text says why there is nothing to contain. */
function systemIdentity(username: string): Found | string {
  const [, kind = '', ...rest] = username.split(':');
  if (kind === 'serviceaccount') {
    const [namespace = '', serviceAccount = ''] = rest;
    if (rest.length !== 2 || !isNamespace(namespace) || !isObjectName(serviceAccount))
      return 'the Kubernetes user is no service account that can exist';
    return serviceAccountIn(namespace, serviceAccount);
  }
  if (kind === 'node') {
    const node = rest.join(':');
    if (!isObjectName(node)) return 'the Kubernetes user is no node that can exist';
    return { kind: 'eks-node', id: node, display: username, facts: { kind: 'node', node } };
  }
  return `the caller ${username.slice(0, 100)} is a component of the cluster itself: find who made what it acted on, and contain them`;
}

const serviceAccountIn = (namespace: string, serviceAccount: string) =>
  ({
    kind: 'eks-service-account',
    id: `${namespace}/${serviceAccount}`,
    display: `system:serviceaccount:${namespace}:${serviceAccount}`,
    facts: { kind: 'service-account', namespace, serviceAccount },
  }) as const;

/** `aws-iam-authenticator:ACCOUNT:AROA...`, as the authenticator writes the principal that it let in; an older name of it as well. */
export const AUTHENTICATED =
  /^(?:aws-iam-authenticator|heptio-authenticator-aws):(\d{12}):(A(?:ROA|IDA)[A-Z0-9]{4,124})/;

/**
 * EKS writes the user's ARN, or `arn:…:sts::…:assumed-role/ROLE/SESSION`, or the name that `aws-auth` or an access entry maps it
 * to. Such a name is chosen by the administrator who maps it: the id that the authenticator adds says who it is.
 */
function principalOf(finding: Finding, username: string, uid: string): Found | string {
  if (username === '') return 'the finding does not name a Kubernetes user';
  const { account } = finding;
  const [, owner, said] = AUTHENTICATED.exec(uid) ?? [];
  const who = username.slice(0, 100);
  if (owner !== undefined && owner !== account)
    return `the Kubernetes user ${who} is ${said} of account ${owner}: contain it there, and take its mapping out of the cluster`;
  const name = principalNamed(username, account);
  if (name === 'elsewhere')
    return `the Kubernetes user ${who} is no IAM principal of account ${account}: contain it there, and take its mapping out of the cluster`;
  const key = keyHolder(finding);
  const id = said ?? key?.principalId;
  const principal = name ?? (id === undefined || id === key?.principalId ? key?.principal : undefined);
  if (principal !== undefined) {
    return {
      kind: 'eks-identity',
      id: principal,
      display: principal,
      facts: { kind: 'principal', principal, ...(id === undefined ? {} : { principalId: id }) },
    };
  }
  return {
    kind: 'eks-identity',
    id: id ?? `name ${who}`,
    display: `${who} (${id ?? 'principal not said'})`,
    facts: { kind: 'mapped', principalId: id ?? null },
  };
}

/** `role/NAME` or `user/NAME` of an ARN; undefined for a name of another form. */
function principalNamed(username: string, account: string): string | undefined {
  const parsed = parseArn(username);
  if (!parsed) return undefined;
  if (parsed.account !== account) return 'elsewhere';
  const [kind, ...names] = parsed.resource.split('/');
  const name = (kind === 'assumed-role' ? names[0] : names.at(-1)) ?? '';
  if (!PRINCIPAL_NAME.test(name)) return undefined;
  const assumed = parsed.service === 'sts' && kind === 'assumed-role';
  if (!assumed && !(parsed.service === 'iam' && (kind === 'user' || kind === 'role'))) return undefined;
  return `${assumed ? 'role' : kind}/${name}`;
}

/** The principal of the finding's access key, where it carries one. */
function keyHolder({ accessKey }: Finding): { principal: string; principalId: string } | undefined {
  const { userName = '', principalId: given = '' } = accessKey ?? {};
  const id = principalId.safeParse(given.split(':')[0]).data;
  if (id === undefined || !PRINCIPAL_NAME.test(userName)) return undefined;
  return { principal: `${id.startsWith('AROA') ? 'role' : 'user'}/${userName}`, principalId: id };
}
