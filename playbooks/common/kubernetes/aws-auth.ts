/**
 * The ConfigMap `aws-auth` of a cluster: which principal of IAM is which user, read through the Kubernetes API. Anyone who may
 * write it chooses the names, so that a name is believed only where one mapping alone fits it, and a person decides on it.
 */
import { parse } from 'yaml';
import { z } from 'zod';
import type { Aws } from '../../../core/aws/client.ts';
import { openCluster } from '../../../core/aws/kubernetes.ts';
import { describeError, isFirebreakError } from '../../../core/errors.ts';
import { orAbsent } from './kubernetes.ts';
import type { NamedEntry } from './principal.ts';

export interface Mapping extends NamedEntry {
  readonly groups: readonly string[];
}

const common = { username: z.string().default(''), groups: z.array(z.string()).nullish() };
const mappedRole = z.object({ rolearn: z.string(), ...common });
const mappedUser = z.object({ userarn: z.string(), ...common });

/** Returns the mappings, none where the cluster has no such ConfigMap; or why they are not known. */
export async function awsAuthOf(
  aws: Aws,
  cluster: string,
): Promise<{ readonly mappings: readonly Mapping[] } | { readonly unread: string }> {
  try {
    const { core } = await openCluster(aws, cluster);
    const found = await orAbsent(
      core.readNamespacedConfigMap({ name: 'aws-auth', namespace: 'kube-system' }),
    );
    const { mapRoles = '', mapUsers = '' } = found?.data ?? {};
    const roles = listed(mapRoles, mappedRole);
    const users = listed(mapUsers, mappedUser);
    if (roles === undefined || users === undefined)
      return { unread: 'an entry of it is of a form that is not known' };
    return {
      mappings: [
        ...roles.map(({ rolearn, username, groups }) => mapping(rolearn, username, groups)),
        ...users.map(({ userarn, username, groups }) => mapping(userarn, username, groups)),
      ],
    };
  } catch (error) {
    // What the cluster refuses, or does not answer, is not known; the decision is then a person's.
    if (!isFirebreakError(error)) throw error;
    return { unread: describeError(error) };
  }
}

const mapping = (
  principalArn: string,
  username: string,
  groups: readonly string[] | null | undefined,
): Mapping => ({
  principalArn,
  username: username === '' ? principalArn : username,
  groups: [...(groups ?? [])],
});

/** A YAML list in a text. Undefined where one entry does not fit: it may be the one that is looked for. */
function listed<T>(text: string, schema: z.ZodType<T>): readonly T[] | undefined {
  try {
    return z.array(schema).safeParse(parse(text, { maxAliasCount: 0 }) ?? []).data;
  } catch {
    return undefined;
  }
}
