/** IAM roles that the pods of a service account get: by annotation (IRSA) and by EKS Pod Identity. */
import { parseArn } from '../../../core/aws/arn.ts';
import type { Aws } from '../../../core/aws/client.ts';
import { allPages } from '../../../core/aws/pages.ts';
import { orAbsent } from './kubernetes.ts';

/** Source: EKS user guide, "Assign IAM roles to Kubernetes service accounts". */
const IRSA = 'eks.amazonaws.com/role-arn';

export interface PodRole {
  readonly by: 'IRSA' | 'Pod Identity';
  readonly arn: string;
}

export async function podRolesOf(
  aws: Aws,
  clusterName: string,
  namespace: string,
  serviceAccount: string,
): Promise<readonly PodRole[]> {
  const cluster = await aws.kubernetes(clusterName);
  const [account, associations] = await Promise.all([
    orAbsent(cluster.core.readNamespacedServiceAccount({ namespace, name: serviceAccount })),
    associationsOf(aws, clusterName, namespace, serviceAccount),
  ]);
  const annotated = account?.metadata?.annotations?.[IRSA];
  const roles: PodRole[] = [
    ...(annotated ? [{ by: 'IRSA' as const, arn: annotated }] : []),
    ...associations.map((arn) => ({ by: 'Pod Identity' as const, arn })),
  ];
  // The annotation is text that whoever edits the service account writes.
  return roles.filter(({ arn }) => parseArn(arn)?.resource.startsWith('role/'));
}

async function associationsOf(
  aws: Aws,
  clusterName: string,
  namespace: string,
  serviceAccount: string,
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

/** What stays at risk because of them: credentials of a role outlive the pod and its rights in the cluster. */
export const roleResidual = (roles: readonly PodRole[]): readonly string[] =>
  roles.map(
    ({ by, arn }) =>
      `credentials of ${arn} that were handed out (${by}) stay valid until its sessions are revoked (a person is asked about revoke-pod-role)`,
  );
