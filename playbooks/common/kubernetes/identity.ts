/** Live state: the cluster's way of authenticating, and the identity's access entry with its policies. */
import { z } from 'zod';
import { inBatches } from '../../../core/aws/batches.ts';
import type { Aws } from '../../../core/aws/client.ts';
import { allPages } from '../../../core/aws/pages.ts';
import { awsErrorName, FirebreakError } from '../../../core/errors.ts';
import type { Target } from '../../../core/journal/playbook.ts';
import { awsAuthOf, type Mapping } from './aws-auth.ts';
import type { PrincipalFacts } from './identity-target.ts';
import { mapsTo, type NamedEntry, principalOfArn, principalOfUser } from './principal.ts';

const accessSchema = z.object({
  policyArn: z.string(),
  /** `cluster`, or `namespace` with the namespaces. */
  scope: z.object({ type: z.string(), namespaces: z.array(z.string()) }),
});
export type Access = z.infer<typeof accessSchema>;

export const identityState = z.object({
  mode: z.string(),
  /** `role/NAME` or `user/NAME` as found; null where it was not. Earlier releases took it from the user name. */
  principal: z.exactOptional(z.string().nullable()),
  /** What `aws-auth` maps it to: of the principal where that is known, otherwise of the user name. Absent: not read. */
  maps: z.exactOptional(
    z.array(z.object({ principalArn: z.string(), username: z.string(), groups: z.array(z.string()) })),
  ),
  /** Why `aws-auth` could not be read. */
  unread: z.exactOptional(z.string()),
  /** Principals whose mappings fit the user name, where that is more than one. */
  candidates: z.exactOptional(z.array(z.string())),
  /** Null: no access entry is that of the identity. */
  entry: z
    .object({
      principalArn: z.string(),
      type: z.string(),
      groups: z.array(z.string()),
      policies: z.array(accessSchema),
      tags: z.record(z.string(), z.string()),
    })
    .nullable(),
});
export type IdentityState = z.infer<typeof identityState>;

/** Throws ResourceNotFound when the cluster is gone. */
export async function readIdentity(target: Target<PrincipalFacts>, aws: Aws): Promise<IdentityState> {
  const { facts } = target;
  const { cluster } = facts;
  const { client, api } = await aws.eks();
  try {
    const { cluster: found } = await client.send(new api.DescribeClusterCommand({ name: cluster }));
    const mode = found?.accessConfig?.authenticationMode ?? 'CONFIG_MAP';
    // The calls are refused in a cluster that knows only the aws-auth ConfigMap.
    const known = mode !== 'CONFIG_MAP';
    const auth = mode === 'API' ? { mappings: [] } : await awsAuthOf(aws, cluster);
    const { principal, candidates } = await principalOfUser(aws, facts, async () =>
      mapped(known ? await namedEntries(aws, cluster) : [], 'mappings' in auth ? auth.mappings : []),
    );
    return {
      mode,
      principal,
      ...(candidates.length > 0 ? { candidates: [...candidates] } : {}),
      ...('mappings' in auth ? { maps: mapsOf(auth.mappings, facts, principal) } : { unread: auth.unread }),
      entry: known && principal !== null ? await entryOf(aws, cluster, principal) : null,
    };
  } catch (error) {
    if (awsErrorName(error) !== 'ResourceNotFoundException') throw error;
    throw new FirebreakError('ResourceNotFound', 'the cluster does not exist any more', {
      resource: target.display,
      next: 'See CloudTrail for who deleted it, and contain the identity in IAM.',
      cause: error,
    });
  }
}

/** EKS asks `aws-auth` about none that has an access entry. */
function mapped(entries: readonly NamedEntry[], mappings: readonly Mapping[]): readonly NamedEntry[] {
  const own = new Set(entries.map(({ principalArn }) => principalOfArn(principalArn)));
  return [...entries, ...mappings.filter(({ principalArn }) => !own.has(principalOfArn(principalArn)))];
}

const mapsOf = (mappings: readonly Mapping[], { username }: PrincipalFacts, principal: string | null) =>
  mappings
    .filter((one) =>
      principal === null ? mapsTo(one.username, username) : principalOfArn(one.principalArn) === principal,
    )
    .map((one) => ({ ...one, groups: [...one.groups] }));

/** The principal of the cluster's access entry for `role/NAME` or `user/NAME`; undefined where it has none. */
export async function entryArnOf(
  aws: Aws,
  clusterName: string,
  principal: string,
): Promise<string | undefined> {
  // The user name of a role's session lacks the role's path, so kind and name are compared.
  return (await entryArns(aws, clusterName)).find((candidate) => principalOfArn(candidate) === principal);
}

async function entryArns(aws: Aws, clusterName: string): Promise<readonly string[]> {
  const { client, api } = await aws.eks();
  return allPages(async (token) => {
    const page = await client.send(
      new api.ListAccessEntriesCommand({ clusterName, ...(token ? { nextToken: token } : {}) }),
    );
    return { items: page.accessEntries, next: page.nextToken };
  });
}

/** Every access entry with its user name, which the list does not tell. */
const namedEntries = async (aws: Aws, clusterName: string): Promise<readonly NamedEntry[]> =>
  inBatches(await entryArns(aws, clusterName), 5, (principalArn) =>
    namedEntry(aws, clusterName, principalArn),
  );

export async function namedEntry(aws: Aws, clusterName: string, principalArn: string): Promise<NamedEntry> {
  const { client, api } = await aws.eks();
  const { accessEntry } = await client.send(
    new api.DescribeAccessEntryCommand({ clusterName, principalArn }),
  );
  return { principalArn, username: accessEntry?.username ?? '' };
}

async function entryOf(aws: Aws, clusterName: string, principal: string): Promise<IdentityState['entry']> {
  const { client, api } = await aws.eks();
  const principalArn = await entryArnOf(aws, clusterName, principal);
  if (principalArn === undefined) return null;
  const { accessEntry } = await client.send(
    new api.DescribeAccessEntryCommand({ clusterName, principalArn }),
  );
  return {
    principalArn,
    type: accessEntry?.type ?? 'STANDARD',
    groups: [...(accessEntry?.kubernetesGroups ?? [])].sort(),
    policies: await policiesOf(aws, clusterName, principalArn),
    tags: accessEntry?.tags ?? {},
  };
}

export async function policiesOf(aws: Aws, clusterName: string, principalArn: string): Promise<Access[]> {
  const { client, api } = await aws.eks();
  const policies = await allPages(async (token) => {
    const page = await client.send(
      new api.ListAssociatedAccessPoliciesCommand({
        clusterName,
        principalArn,
        ...(token ? { nextToken: token } : {}),
      }),
    );
    return { items: page.associatedAccessPolicies, next: page.nextToken };
  });
  return policies.map(({ policyArn = '', accessScope }) => ({
    policyArn,
    scope: { type: accessScope?.type ?? 'cluster', namespaces: [...(accessScope?.namespaces ?? [])].sort() },
  }));
}

/** Tags of the cluster: the exemption gate reads them. */
export async function clusterTags(aws: Aws, name: string): Promise<Record<string, string>> {
  const { client, api } = await aws.eks();
  const { cluster } = await client.send(new api.DescribeClusterCommand({ name }));
  return cluster?.tags ?? {};
}
