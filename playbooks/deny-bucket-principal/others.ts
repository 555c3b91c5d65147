/** Who comes back although one principal is denied, by the policy of the bucket. Conditions are not weighed: "may". Pure. */
import { z } from 'zod';
import { parseArn } from '../../core/aws/arn.ts';
import type { Target } from '../../core/journal/playbook.ts';
import { parsedPolicy } from '../common/iam/policy-statements.ts';
import type { PrincipalFacts } from '../common/s3/principal-target.ts';
import { shortList } from '../common/short-list.ts';

const oneOrMany = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => (Array.isArray(value) ? value : [value]));
const grant = z.object({
  Effect: z.literal('Allow'),
  Principal: z.union([z.literal('*'), z.record(z.string(), oneOrMany)]).optional(),
});

/** Returns what stays at risk: the same person under another name, other principals of the account. */
export function whoPasses(policy: string | null, target: Target<PrincipalFacts>): readonly string[] {
  const { bucket, value, key, account } = target.facts;
  if (value.startsWith(`${target.account}:`))
    return [
      `the IAM user that issued the federated session ${value} can issue one under another name: deny that user`,
    ];
  const renamed = value.startsWith('AROA')
    ? ['anyone who may assume the role can come back under another session name']
    : [];
  // A session of this account is a role's, and the role is contained in IAM Identity Center.
  if (account === target.account) return renamed;
  const whose = account ? `account ${account}` : 'its account';
  const who = key === 'aws:PrincipalArn' ? `users and roles of ${whose}` : `other principals of ${whose}`;
  const grants = grantsIn(policy);
  const others = grants.filter((name) => isOther(name, target));
  if (others.length > 0)
    return [...renamed, `${who} pass: the policy of ${bucket} lets in ${shortList(others)}`];
  return grants.some((name) => name === value.split(':')[0])
    ? renamed
    : [
        ...renamed,
        `the policy of ${bucket} does not show what lets ${value} in (an ACL, an access point): ${who} may pass`,
      ];
}

/** Principals that the policy lets in, as it writes them; `everyone` for all. */
function grantsIn(policy: string | null): readonly string[] {
  const statements = policy === null ? [] : (parsedPolicy(policy)?.statements ?? []);
  const names = statements.flatMap((statement) => {
    const { data } = grant.safeParse(statement);
    if (!data) return [];
    // NotPrincipal: everyone but a few.
    const { Principal = '*' } = data;
    if (Principal === '*') return ['*'];
    return Object.entries(Principal).flatMap(([kind, names]) => (kind === 'Service' ? [] : names));
  });
  return [...new Set(names.map((name) => (name === '*' ? 'everyone' : name)))];
}

/** Not the denied one itself, and of its account; of any but the bucket's where the finding does not say which. */
function isOther(name: string, { account: own, facts: { value, account } }: Target<PrincipalFacts>): boolean {
  if (name === 'everyone') return true;
  const of = parseArn(name)?.account ?? (/^\d{12}$/.test(name) ? name : undefined);
  // An id stands for a principal that was deleted, or is the denied one's.
  if (of === undefined) return name !== value.split(':')[0];
  return account ? of === account : of !== own;
}
