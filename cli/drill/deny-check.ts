/**
 * `firebreak drill --deny-check`: whether a service control policy, a boundary or a missing role would stop a containment, asked
 * of IAM's simulator in every account before anything is attacked. Changes nothing.
 */
import { CreateVpcCommand } from '@aws-sdk/client-ec2';
import { ListMembersCommand } from '@aws-sdk/client-guardduty';
import type { EvaluationResult } from '@aws-sdk/client-iam';
import { arn } from '../../core/aws/arn.ts';
import type { Aws } from '../../core/aws/client.ts';
import { awsErrorName, describeError, isAccessDenied, isFirebreakError } from '../../core/errors.ts';
import type { Permission, Playbook } from '../../core/journal/playbook.ts';
import { detectorOf } from '../../core/lists/address-lists.ts';
import { MEMBER_ROLES } from '../../core/policy/protected.ts';
import { playbookById } from '../../playbooks/index.ts';
import { openMember } from './member.ts';

/** What the simulator leaves out (IAM user guide, "Testing IAM policies"): printed with every check. */
export const LIMITS: readonly string[] = [
  'The simulator applies the service control policies of the account that it is asked in, but none with conditions, and no resource control policies.',
  'Policies of buckets, keys and other resources are not asked.',
  'It is asked about made-up names: a policy that names your own resources can deny what is allowed here.',
  'A right that depends on a condition key which only the real call carries is undecided.',
];

/** verdict: `stopped` by `why`, `undecided` for want of a condition key, or allowed. */
export interface Verdict {
  readonly account: string;
  readonly playbook: string;
  readonly action: string;
  readonly verdict: 'allowed' | 'stopped' | 'undecided';
  readonly why: string;
}

/** An account, with who may ask its simulator: null where no role there could be assumed. */
export interface Reached {
  readonly account: string;
  readonly aws: Aws | null;
  /** Why it could not be reached. */
  readonly why?: string;
  /** The role that contains there. */
  readonly role: string;
}

/** Asks about every change that the drilled playbooks make, in every account. */
export async function denyVerdicts(
  accounts: readonly Reached[],
  playbooks: readonly string[],
): Promise<readonly Verdict[]> {
  const all: Verdict[] = [];
  for (const reached of accounts) {
    for (const id of playbooks) {
      const playbook = playbookById(id);
      if (playbook) all.push(...(await verdictsOf(reached, playbook)));
    }
  }
  return all;
}

async function verdictsOf(
  { account, aws, role, why }: Reached,
  playbook: Playbook,
): Promise<readonly Verdict[]> {
  const { write, undo = [] } = playbook.permissions;
  const all = (verdict: Verdict['verdict'], reason: string): readonly Verdict[] => [
    { account, playbook: playbook.id, action: '*', verdict, why: reason },
  ];
  if (aws === null) return all('undecided', why ?? 'the account could not be reached');
  try {
    const verdicts: Verdict[] = [];
    for (const permission of [...write, ...undo]) {
      const results = await simulated(aws, role, permission);
      for (const result of results) verdicts.push({ account, playbook: playbook.id, ...judged(result) });
    }
    return verdicts;
  } catch (error) {
    if (awsErrorName(error) === 'NoSuchEntityException') return all('stopped', `there is no role ${role}`);
    if (isAccessDenied(error))
      return all('undecided', `the simulator may not be asked: ${describeError(error)}`);
    throw error;
  }
}

/** A name for each wildcard, as a resource could bear it. */
const sample = (resource: string, { partition, account, region }: Aws['scope']): string =>
  resource
    .replace(/\$\{Partition\}/g, partition)
    .replace(/\$\{Account\}/g, account)
    .replace(/\$\{Region\}/g, region)
    .replace(/^(arn:[^:]*:[^:]*:)\*/, `$1${region}`)
    .replaceAll('*', 'firebreak-drill-check');

async function simulated(
  aws: Aws,
  role: string,
  permission: Permission,
): Promise<readonly EvaluationResult[]> {
  const { client, api } = await aws.iam();
  const resources = permission.resources.map((one) => (one === '*' ? one : sample(one, aws.scope)));
  const { EvaluationResults = [] } = await client.send(
    new api.SimulatePrincipalPolicyCommand({
      PolicySourceArn: role,
      ActionNames: [...permission.actions],
      ...(resources.includes('*') ? {} : { ResourceArns: resources }),
    }),
  );
  return EvaluationResults;
}

function judged(result: EvaluationResult): Pick<Verdict, 'action' | 'verdict' | 'why'> {
  const { EvalActionName: action = '', EvalDecision: decision } = result;
  const missing = [
    ...(result.MissingContextValues ?? []),
    ...(result.ResourceSpecificResults ?? []).flatMap(
      ({ MissingContextValues = [] }) => MissingContextValues,
    ),
  ];
  if (result.OrganizationsDecisionDetail?.AllowedByOrganizations === false)
    return { action, verdict: 'stopped', why: 'a service control policy does not allow it' };
  if (result.PermissionsBoundaryDecisionDetail?.AllowedByPermissionsBoundary === false)
    return { action, verdict: 'stopped', why: "the role's permissions boundary does not allow it" };
  if (decision === 'allowed') return { action, verdict: 'allowed', why: 'allowed' };
  if (missing.length > 0)
    return { action, verdict: 'undecided', why: `depends on ${[...new Set(missing)].join(', ')}` };
  if (decision === 'explicitDeny') {
    const by = result.MatchedStatements?.map(({ SourcePolicyId = '' }) => SourcePolicyId).join(', ');
    return { action, verdict: 'stopped', why: `denied${by ? ` by ${by}` : ''}` };
  }
  return { action, verdict: 'stopped', why: 'no policy of the role allows it' };
}

/** Whether who runs the drill could make its network: EC2 judges a dry run by every policy, those of the organization included. */
export async function dryRun(aws: Aws): Promise<string | undefined> {
  const { client } = await aws.ec2();
  try {
    await client.send(new CreateVpcCommand({ CidrBlock: '10.255.0.0/24', DryRun: true }));
    return undefined;
  } catch (error) {
    return awsErrorName(error) === 'DryRunOperation' ? undefined : describeError(error);
  }
}

/**
 * Returns the member accounts whose findings this account's detector administers: what the pipeline contains in. Where they
 * cannot be listed, that is undecided.
 */
export async function memberAccounts(
  own: Aws,
): Promise<{ readonly accounts: readonly string[]; readonly unlisted: readonly Verdict[] }> {
  try {
    const DetectorId = await detectorOf(own);
    const { client } = await own.guardDuty();
    const accounts: string[] = [];
    let NextToken: string | undefined;
    do {
      const page = await client.send(
        new ListMembersCommand({ DetectorId, OnlyAssociated: 'true', ...(NextToken ? { NextToken } : {}) }),
      );
      accounts.push(...(page.Members ?? []).flatMap(({ AccountId }) => AccountId ?? []));
      NextToken = page.NextToken || undefined;
    } while (NextToken !== undefined);
    return { accounts, unlisted: [] };
  } catch (error) {
    if (!isAccessDenied(error) && !(isFirebreakError(error) && error.code === 'NotFound')) throw error;
    const why = `${describeError(error)}; name the member accounts with --accounts`;
    const { account } = own.scope;
    return {
      accounts: [],
      unlisted: [{ account, playbook: 'all', action: 'guardduty:ListMembers', verdict: 'undecided', why }],
    };
  }
}

/** Returns the pipeline's own account, and each member by a role that the caller may assume there. */
export async function reachedAccounts(
  own: Aws,
  stage: string,
  members: readonly string[],
  role: string | undefined,
): Promise<readonly Reached[]> {
  const { scope } = own;
  const home: Reached = {
    account: scope.account,
    aws: own,
    role: arn(scope, 'iam', `role/firebreak/firebreak-${stage}-${scope.region}-contain`, { global: true }),
  };
  const others = members.filter((account) => account !== scope.account);
  return [home, ...(await Promise.all(others.map((account) => memberReached(own, account, role))))];
}

async function memberReached(own: Aws, account: string, name: string | undefined): Promise<Reached> {
  const role = arn({ ...own.scope, account }, 'iam', `role/${MEMBER_ROLES.write}`, { global: true });
  const member = await openMember(own, account, name, 'deny-check');
  return 'why' in member ? { account, aws: null, role, why: member.why } : { account, aws: member.aws, role };
}

/** Lines for people: what would stop, what is undecided, and how much is allowed. */
export function* denyLines(verdicts: readonly Verdict[]): Generator<string> {
  const accounts = [...new Set(verdicts.map(({ account }) => account))];
  for (const account of accounts) {
    const own = verdicts.filter((one) => one.account === account);
    const count = (kind: Verdict['verdict']) => own.filter(({ verdict }) => verdict === kind).length;
    yield `account ${account}: ${count('allowed')} allowed, ${count('stopped')} stopped, ${count('undecided')} undecided`;
    for (const { playbook, action, verdict, why } of own)
      if (verdict !== 'allowed') yield `  ${verdict}: ${playbook} ${action}: ${why}`;
  }
  yield 'Limits of this check:';
  for (const line of LIMITS) yield `  ${line}`;
}
