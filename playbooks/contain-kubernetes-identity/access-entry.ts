/** An IAM identity's access entry: its policies and groups are taken away, the entry itself stays. */
import { z } from 'zod';
import { parseArn } from '../../core/aws/arn.ts';
import type { Plan, PlanOptions, Proof, StepContext, StepOf, Target } from '../../core/journal/playbook.ts';
import { type IdentityState, namedEntry, policiesOf, readIdentity } from '../common/kubernetes/identity.ts';
import { identityFacts, type PrincipalFacts } from '../common/kubernetes/identity-target.ts';
import { anotherPrincipal } from '../common/kubernetes/principal.ts';
import { protectedBy } from '../common/protected.ts';
import { stepKind } from '../common/step-kind.ts';

const entryArgs = z.object({ cluster: z.string(), principalArn: z.string() });
const scopeSchema = z.strictObject({
  type: z.enum(['cluster', 'namespace']),
  namespaces: z.array(z.string()),
});

/** Why the entry is not that of the incident's identity. */
async function another(
  { cluster, principalArn }: z.infer<typeof entryArgs>,
  { target, aws }: StepContext,
): Promise<string | undefined> {
  const facts = identityFacts.parse(target.facts);
  if (facts.kind !== 'principal' && facts.kind !== 'mapped')
    return `the identity is a ${facts.kind}, which has no access entry`;
  if (cluster !== facts.cluster) return `the cluster is ${facts.cluster}, not ${cluster}`;
  if (parseArn(principalArn)?.account !== target.account)
    return `${principalArn} is not of account ${target.account}`;
  // Its user name counts only where nothing else says who the identity is.
  const byName = facts.kind === 'mapped' && facts.principalId === null;
  const entry = byName ? await namedEntry(aws, cluster, principalArn) : { principalArn, username: '' };
  return anotherPrincipal(aws, facts, entry);
}

/** Access policies are AWS's own: there are no others. */
const accessPolicy = z.string().regex(/^arn:[\w-]+:eks::aws:cluster-access-policy\/\w+$/);

/** One access policy of the entry: its scope, or null. */
export const policyKind = stepKind(entryArgs.extend({ policyArn: accessPolicy }), {
  value: scopeSchema.nullable(),
  foreign: another,
  async read({ cluster, principalArn, policyArn }, { aws }) {
    const found = (await policiesOf(aws, cluster, principalArn)).find((one) => one.policyArn === policyArn);
    return { value: found?.scope ?? null };
  },
  after: () => null,
  async apply({ cluster, principalArn, policyArn }, { aws }) {
    const { client, api } = await aws.eks();
    await client.send(
      new api.DisassociateAccessPolicyCommand({ clusterName: cluster, principalArn, policyArn }),
    );
    return undefined;
  },
  async revert({ cluster, principalArn, policyArn }, { aws }, before) {
    if (before === null) return 'reverted';
    const { type, namespaces } = before;
    const { client, api } = await aws.eks();
    await client.send(
      new api.AssociateAccessPolicyCommand({
        clusterName: cluster,
        principalArn,
        policyArn,
        accessScope: { type, ...(namespaces.length > 0 ? { namespaces } : {}) },
      }),
    );
    return 'reverted';
  },
});

/** The Kubernetes groups that the entry puts the identity into. */
export const groupsKind = stepKind(entryArgs, {
  // EKS takes no group of Kubernetes' own either.
  value: z.array(z.string().regex(/^(?!system:)/)),
  foreign: another,
  async read({ cluster, principalArn }, { aws }) {
    const { client, api } = await aws.eks();
    const { accessEntry } = await client.send(
      new api.DescribeAccessEntryCommand({ clusterName: cluster, principalArn }),
    );
    return { value: [...(accessEntry?.kubernetesGroups ?? [])].sort() };
  },
  after: () => [],
  async apply(args, context) {
    await setGroups(args, context, []);
    return undefined;
  },
  async revert(args, context, before) {
    await setGroups(args, context, before);
    return 'reverted';
  },
});

async function setGroups(
  { cluster, principalArn }: z.infer<typeof entryArgs>,
  { aws }: StepContext,
  kubernetesGroups: string[],
): Promise<void> {
  const { client, api } = await aws.eks();
  await client.send(
    new api.UpdateAccessEntryCommand({ clusterName: cluster, principalArn, kubernetesGroups }),
  );
}

const refuse = (reason: string, alternative: string): Plan<never> => ({
  kind: 'refused',
  reason,
  alternative,
});

/** Who it is, is not known: what it may do in the cluster goes on. */
function unknown(
  { cluster, username, ...facts }: PrincipalFacts,
  { candidates = [], unread, mode }: IdentityState,
): Plan<never> {
  const who = username.slice(0, 100);
  const id = facts.principalId ?? undefined;
  const look = `Look for ${who} in the access entries of ${cluster}, in its aws-auth ConfigMap (kubectl -n kube-system get configmap aws-auth -o yaml) and among its identity providers, and take it out there.`;
  if (id !== undefined)
    return refuse(
      `${who} is ${id}, which ${id.startsWith('AROA') ? 'as a role' : 'as a user'} does not exist in this account any more`,
      look,
    );
  if (candidates.length > 0)
    return refuse(
      `the finding does not say which principal ${who} is, and more than one is mapped to such a name in ${cluster}: ${candidates.slice(0, 10).join(', ')}`,
      'Find the call in the audit log of the cluster (authenticator logs name the ARN), and contain that principal.',
    );
  const where =
    mode === 'API'
      ? 'no access entry'
      : unread === undefined
        ? 'neither an access entry nor aws-auth'
        : 'no access entry';
  const rest = unread === undefined ? '' : ` (aws-auth was not read: ${unread})`;
  return refuse(
    `the finding does not say which principal ${who} is, and ${where} of ${cluster} maps to it${rest}`,
    look,
  );
}

/** Why a principal without an access entry is in the cluster, as far as `aws-auth` says. */
function byConfigMap(
  principal: string,
  { cluster, username, kind }: PrincipalFacts,
  { mode, maps, unread }: IdentityState,
): Plan<never> {
  const only = mode === 'CONFIG_MAP';
  const mapped = kind === 'mapped' ? `, mapped to ${username.slice(0, 100)},` : '';
  const [map] = maps ?? [];
  if (maps !== undefined && map === undefined)
    return refuse(
      `neither an access entry nor aws-auth of ${cluster} names ${principal}`,
      'Its access came from somewhere else, or was taken away since: contain it in IAM, and look at who changed the mappings.',
    );
  const groups = map?.groups.join(', ') || 'no group';
  const reason = only
    ? `${cluster} knows its identities by the aws-auth ConfigMap only`
    : `${cluster} has no access entry for ${principal}`;
  const found =
    map === undefined
      ? unread === undefined
        ? ''
        : ` (it was not read: ${unread})`
      : `: ${principal} is ${map.username.slice(0, 100)} there, in ${groups.slice(0, 200)}`;
  return {
    ...refuse(
      `${reason}${found}`,
      `${map === undefined && !only ? 'It is in the aws-auth ConfigMap: take' : 'Take'} ${principal}${mapped} out of aws-auth with kubectl (a malformed map locks everyone out). A deny in IAM does not reach into the cluster.`,
    ),
    followUps: ['contain-kubernetes-principal', 'reverse-changes'],
  };
}

type Step = StepOf<{ policy: typeof policyKind; groups: typeof groupsKind }>;

export function planEntry(
  live: IdentityState,
  { facts }: Target<PrincipalFacts>,
  { protectedArns }: PlanOptions,
): Plan<Step> {
  const { cluster } = facts;
  const { mode, entry } = live;
  const principal =
    live.principal ?? (facts.kind === 'principal' && live.principal === undefined ? facts.principal : null);
  if (principal === null) return unknown(facts, live);
  if (entry === null && mode !== 'API') return byConfigMap(principal, facts, live);
  if (entry === null) {
    return refuse(
      `${cluster} has no access entry for ${principal}`,
      'Its access came from somewhere else: contain it in IAM and look at who changed the entries.',
    );
  }
  if (entry.type !== 'STANDARD') {
    return refuse(
      `the access entry of ${principal} is of type ${entry.type}: without it nodes leave the cluster`,
      'Isolate the node and revoke the session of its role.',
    );
  }
  const pattern = protectedBy([principal, entry.principalArn, cluster], protectedArns);
  if (pattern !== undefined) {
    return refuse(
      `${principal} is protected by policy.yml (protected: ${pattern})`,
      'Ask the owner of the cluster.',
    );
  }
  const common = { cluster, principalArn: entry.principalArn };
  const steps: Step[] = [
    ...entry.policies.map(
      ({ policyArn, scope }): Step => ({
        id: `policy:${policyArn}`,
        kind: 'policy',
        role: 'contain',
        describe: `Take ${policyArn.slice(policyArn.lastIndexOf('/') + 1)} away from ${principal} in ${cluster}`,
        args: { ...common, policyArn },
        before: scope,
        after: null,
        together: 'policies',
      }),
    ),
    {
      id: 'groups',
      kind: 'groups',
      role: 'contain',
      describe: `Take ${principal} out of its Kubernetes groups in ${cluster}`,
      args: common,
      before: entry.groups,
      after: [],
    },
  ];
  return {
    kind: 'plan',
    steps,
    blastRadius: {
      count: 1,
      unit: 'identities',
      detail: [
        principal.startsWith('role/')
          ? `${principal} in ${cluster}: everybody who assumes the role`
          : `${principal} in ${cluster}`,
      ],
    },
    warnings: ['the access entry itself stays; what the identity made in the cluster stays as well'],
    residual: [
      'the identity keeps its rights in AWS: contain it in IAM as well',
      ...(mode === 'API_AND_CONFIG_MAP' ? configMapRisks(principal, live) : []),
    ],
    askBecause: principal.startsWith('role/') ? [`everybody who assumes ${principal} loses the cluster`] : [],
    tags: entry.tags,
    arns: [entry.principalArn],
  };
}

/** An access entry comes before `aws-auth`, whose mapping counts again where the entry is deleted. */
function configMapRisks(principal: string, { maps, unread }: IdentityState): readonly string[] {
  if (maps === undefined)
    return [
      `the aws-auth ConfigMap may name it too: it was not read${unread === undefined ? '' : ` (${unread})`}`,
    ];
  return maps.length > 0
    ? [`aws-auth names ${principal} too: that counts again where its access entry is deleted`]
    : [];
}

/** The proving read: no policies and no groups are left on the entry. Authorisation follows at once; tokens live on [M]. */
export async function proveEntry({ aws, target }: StepContext<PrincipalFacts>): Promise<Proof> {
  const { entry, principal } = await readIdentity(target, aws);
  if (principal === null) {
    const saw = `who ${target.facts.username.slice(0, 100)} is cannot be found any more`;
    return { proven: false, checks: [{ id: 'entry', ok: false, saw }], residual: [], next: 'final' };
  }
  const left = [...(entry?.policies.map(({ policyArn }) => policyArn) ?? []), ...(entry?.groups ?? [])];
  const ok = left.length === 0;
  return {
    proven: ok,
    checks: [
      { id: 'entry', ok, saw: ok ? 'its access entry grants nothing' : `it still has ${left.join(', ')}` },
    ],
    residual: [],
    next: ok ? 'final' : 'recontain',
  };
}
