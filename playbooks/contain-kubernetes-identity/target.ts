/** Which identity in which cluster: from the finding alone, by the Kubernetes user name. */
import { z } from 'zod';
import { arn, parseArn } from '../../core/arn.ts';
import type { Finding } from '../../core/finding.ts';
import type { Target, TargetChoice } from '../../core/playbook.ts';
import { detailsOf } from '../shared/details.ts';

const CLUSTER = /^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$/;
const NAME = /^[\w+=,.@-]{1,64}$/;

const factsSchema = z.object({
  cluster: z.string(),
  username: z.string(),
  /** `user/NAME` or `role/NAME` without a path: Kubernetes user names carry none for roles. */
  principal: z.string(),
});
export const factsOf = (target: Target): z.infer<typeof factsSchema> => factsSchema.parse(target.facts);

const no = (reason: string): TargetChoice => ({ ok: false, reason });

export function identityOf(finding: Finding): TargetChoice {
  const cluster = detailsOf(finding, 'eksClusterDetails')?.optionalText('name') ?? '';
  if (!CLUSTER.test(cluster)) return no('the finding names no EKS cluster');
  const username =
    detailsOf(finding, 'kubernetesDetails')?.child('kubernetesUserDetails')?.optionalText('username') ?? '';
  const other = withoutLever(username);
  if (other !== undefined) return no(other);
  const { partition, account, region } = finding;
  const principal = principalOf(username, account);
  if (principal === undefined) return no(`the Kubernetes user is no IAM principal of account ${account}`);
  const scope = { partition, account, region };
  return {
    ok: true,
    target: {
      ...scope,
      kind: 'eks-identity',
      id: `${cluster}/${principal}`,
      display: `${arn(scope, 'eks', `cluster/${cluster}`)} ${principal}`,
      facts: { cluster, username, principal },
    },
  };
}

/** Identities that live in the cluster, not in IAM: what a person with access to it does instead. */
function withoutLever(username: string): string | undefined {
  if (username === '') return 'the finding names no Kubernetes user';
  if (username === 'system:anonymous' || username === 'system:unauthenticated')
    return 'anonymous access comes from a binding in the cluster: delete the binding that names system:anonymous or system:unauthenticated';
  if (username.startsWith('system:serviceaccount:'))
    return 'the caller is a service account: remove its role bindings in the cluster, and quarantine the pod that holds its token';
  if (username.startsWith('system:node:'))
    return 'the caller is a node: isolate its instance and revoke the session of the node role';
  return username.startsWith('system:') ? 'the caller is a component of the cluster itself' : undefined;
}

/** EKS writes the user's ARN, or `arn:…:sts::…:assumed-role/ROLE/SESSION`. */
function principalOf(username: string, account: string): string | undefined {
  const parsed = parseArn(username);
  if (!parsed || parsed.account !== account) return undefined;
  const [kind, ...names] = parsed.resource.split('/');
  const name = (kind === 'assumed-role' ? names[0] : names.at(-1)) ?? '';
  if (!NAME.test(name)) return undefined;
  if (parsed.service === 'iam' && (kind === 'user' || kind === 'role')) return `${kind}/${name}`;
  return parsed.service === 'sts' && kind === 'assumed-role' ? `role/${name}` : undefined;
}
