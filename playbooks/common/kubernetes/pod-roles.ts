/**
 * IAM roles that the pods of a service account get: by IRSA and by EKS Pod Identity. The editor of the service account writes its
 * annotation, and the creator of a pod its environment: a role they name counts only where AWS says that it trusts this service
 * account.
 */
import type { V1Pod } from '@kubernetes/client-node';
import { z } from 'zod';
import { parseArn } from '../../../core/aws/arn.ts';
import type { Aws } from '../../../core/aws/client.ts';
import { eventPages } from '../../../core/aws/event-history.ts';
import type { Kubernetes } from '../../../core/aws/kubernetes.ts';
import { allPages } from '../../../core/aws/pages.ts';
import { iamHome } from '../../../core/aws/regions.ts';
import { isAccessDenied } from '../../../core/errors.ts';
import { isNoSuchEntity } from '../iam/aws-reason.ts';
import { decodePolicy } from '../iam/policy-documents.ts';
import { PRINCIPAL_NAME } from '../iam/principal-name.ts';
import { type TokenHolder, trustsTokenOf } from '../iam/web-identity-trust.ts';
import { listAll, orAbsent } from './kubernetes.ts';

/** Source: EKS user guide, "Assign IAM roles to Kubernetes service accounts". */
const IRSA = 'eks.amazonaws.com/role-arn';
/** What EKS writes into the containers of a pod when it is made: the annotation as it was then. */
const IN_POD = 'AWS_ROLE_ARN';
/** A pod may name any number of roles, and each is a call to IAM. */
const MOST_NAMED = 20;

export interface PodRole {
  readonly by: 'IRSA' | 'Pod Identity';
  readonly arn: string;
}

export interface PodRoles {
  readonly roles: readonly PodRole[];
  /** Roles that are named and do not count, with the reason, for people. */
  readonly doubtful: readonly string[];
}

export interface ServiceAccount {
  readonly cluster: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

export async function podRolesOf(
  aws: Aws,
  holder: ServiceAccount,
  pods: readonly V1Pod[],
): Promise<PodRoles> {
  const { namespace, serviceAccount } = holder;
  const cluster = await aws.kubernetes(holder.cluster);
  const [account, associated, token] = await Promise.all([
    orAbsent(cluster.core.readNamespacedServiceAccount({ namespace, name: serviceAccount })),
    associationsOf(aws, holder),
    tokenHolderOf(aws, holder),
  ]);
  const annotated = account?.metadata?.annotations?.[IRSA];
  const named = [...new Set([...(annotated ? [annotated] : []), ...pods.flatMap(rolesInPod)])];
  const judged = await Promise.all(
    named.slice(0, MOST_NAMED).map(async (arn) => ({ arn, doubt: await doubtAbout(aws, arn, token) })),
  );
  return {
    roles: [
      ...judged.flatMap(({ arn, doubt }) => (doubt === undefined ? [{ by: 'IRSA' as const, arn }] : [])),
      ...associated.map((arn) => ({ by: 'Pod Identity' as const, arn })),
    ],
    doubtful: [
      ...judged.flatMap(({ arn, doubt }) =>
        doubt === undefined
          ? []
          : [
              `${namespace}/${serviceAccount} names ${JSON.stringify(arn.slice(0, 200))} as its role, which ${doubt}: it is left alone`,
            ],
      ),
      ...(named.length > MOST_NAMED
        ? [
            `${namespace}/${serviceAccount} and its pods name ${named.length} roles: ${MOST_NAMED} were looked at`,
          ]
        : []),
    ],
  };
}

const rolesInPod = ({ spec }: V1Pod): readonly string[] =>
  [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].flatMap(({ env = [] }) =>
    env.flatMap(({ name, value }) => (name === IN_POD && value ? [value] : [])),
  );

export const podsOfAccount = (
  { core }: Kubernetes,
  { namespace, serviceAccount }: Omit<ServiceAccount, 'cluster'>,
): Promise<readonly V1Pod[]> =>
  listAll((page) =>
    core.listNamespacedPod({
      namespace,
      fieldSelector: `spec.serviceAccountName=${serviceAccount}`,
      ...page,
    }),
  );

/** The service account as IAM sees it; undefined where the cluster has no issuer. */
async function tokenHolderOf(
  aws: Aws,
  { cluster: name, namespace, serviceAccount }: ServiceAccount,
): Promise<TokenHolder | undefined> {
  const { client, api } = await aws.eks();
  const { cluster } = await client.send(new api.DescribeClusterCommand({ name }));
  const issuer = cluster?.identity?.oidc?.issuer;
  if (!issuer) return undefined;
  const { partition, account } = aws.scope;
  return {
    provider: `arn:${partition}:iam::${account}:oidc-provider/${issuer.replace(/^https:\/\//, '')}`,
    subject: `system:serviceaccount:${namespace}:${serviceAccount}`,
  };
}

/** Name of a role in this account; undefined for anything else that an annotation may hold. */
function roleNameIn({ scope }: Aws, text: string): string | undefined {
  const parsed = parseArn(text);
  const [kind, ...path] = parsed?.resource.split('/') ?? [];
  const name = path.at(-1) ?? '';
  const own =
    parsed?.service === 'iam' && parsed.partition === scope.partition && parsed.account === scope.account;
  return own && kind === 'role' && PRINCIPAL_NAME.test(name) ? name : undefined;
}

/** Why the role does not count; undefined where it trusts the service account. */
async function doubtAbout(
  aws: Aws,
  arn: string,
  token: TokenHolder | undefined,
): Promise<string | undefined> {
  const RoleName = roleNameIn(aws, arn);
  if (RoleName === undefined) return 'is not an IAM role of this account';
  if (token === undefined) return 'cannot be had from this cluster: it has no OIDC issuer';
  const { client, api } = await aws.iam();
  try {
    const { Role: role } = await client.send(new api.GetRoleCommand({ RoleName }));
    if (role?.Arn !== arn) return 'does not exist under this path';
    const trusts = trustsTokenOf(decodePolicy(role.AssumeRolePolicyDocument).value, token);
    return trusts ? undefined : 'does not trust this service account of this cluster';
  } catch (error) {
    if (isNoSuchEntity(error)) return 'does not exist';
    if (isAccessDenied(error)) return 'Firebreak may not read';
    throw error;
  }
}

async function associationsOf(
  aws: Aws,
  { cluster: clusterName, namespace, serviceAccount }: ServiceAccount,
): Promise<readonly string[]> {
  const { client, api } = await aws.eks();
  const associations = await allPages(async (nextToken) => {
    const page = await client.send(
      new api.ListPodIdentityAssociationsCommand({
        clusterName,
        namespace,
        serviceAccount,
        ...(nextToken ? { nextToken } : {}),
      }),
    );
    return { items: page.associations, next: page.nextToken };
  });
  const described = await Promise.all(
    associations.map(({ associationId }) =>
      client.send(new api.DescribePodIdentityAssociationCommand({ clusterName, associationId })),
    ),
  );
  return described.flatMap(({ association }) => (association?.roleArn ? [association.roleArn] : []));
}

/** The part of CloudTrail's record of AssumeRoleWithWebIdentity that says who got which role. */
const assumed = z.object({
  eventName: z.literal('AssumeRoleWithWebIdentity'),
  errorCode: z.undefined().optional(),
  userIdentity: z.object({ userName: z.string(), identityProvider: z.string() }),
  requestParameters: z.object({ roleArn: z.string() }),
});
/** A session of a role ends after twelve hours at the latest. */
const LONGEST_SESSION_MS = 43_200_000;
/** 50 events each, two a second, newest first. */
const MOST_PAGES = 4;

/**
 * Roles of this account that the service account opened sessions of, by CloudTrail, newest first: what neither an annotation nor a
 * changed trust policy can hide. `doubtful` says where CloudTrail may not be read.
 */
export async function rolesSeen(aws: Aws, holder: ServiceAccount, until: Date): Promise<PodRoles> {
  const token = await tokenHolderOf(aws, holder);
  if (token === undefined) return { roles: [], doubtful: [] };
  const from = new Date(until.getTime() - LONGEST_SESSION_MS);
  // Sessions from the global endpoint of STS are recorded in the partition's home Region.
  const regions = [...new Set([aws.scope.region, iamHome(aws.scope).region])];
  const arns = new Set<string>();
  try {
    for (const region of regions) {
      let pages = 0;
      const search = { attribute: 'Username', value: token.subject, from } as const;
      for await (const page of eventPages(aws.inRegion(region), search)) {
        for (const { arn, provider } of page.flatMap(assumption)) {
          if (provider === token.provider && roleNameIn(aws, arn) !== undefined) arns.add(arn);
        }
        pages += 1;
        if (pages === MOST_PAGES) break;
      }
    }
  } catch (error) {
    if (!isAccessDenied(error)) throw error;
    return { roles: [], doubtful: ['CloudTrail may not be read: which roles the pods used is not known'] };
  }
  return { roles: [...arns].map((arn) => ({ by: 'IRSA', arn })), doubtful: [] };
}

function assumption(record: unknown): readonly { readonly arn: string; readonly provider: string }[] {
  const { data } = assumed.safeParse(record);
  return data ? [{ arn: data.requestParameters.roleArn, provider: data.userIdentity.identityProvider }] : [];
}

/** What stays at risk because of them: credentials of a role outlive the pod and its rights in the cluster. */
export const roleResidual = (roles: readonly PodRole[]): readonly string[] =>
  roles.map(
    ({ by, arn }) =>
      `credentials of ${arn} that were handed out (${by}) stay valid until its sessions are revoked (a person is asked about revoke-pod-role)`,
  );
