/** Which principal on which bucket: from the finding alone, every string checked before a policy is made of it. */
import { z } from 'zod';
import type { Finding } from '../../../core/finding/finding.ts';
import type { Target } from '../../../core/journal/playbook.ts';
import { listOf } from '../details.ts';
import { worksInstead } from '../works-instead.ts';
import { BUCKET, s3Target } from './bucket-target.ts';

export const principalFacts = z.object({
  bucket: z.string(),
  /** The condition key that names exactly this principal in every one of its requests, and its value. */
  key: z.enum(['aws:userid', 'aws:PrincipalArn']),
  /** Letter for letter: no wildcard and no policy variable, which would match everyone. */
  value: z.string().regex(/^[\w+=,.@:/-]+$/),
  /** Name of the role or user, where the finding gives one: `protected` in policy.yml may know it. */
  name: z.string().nullable(),
  /** Account of the caller; null where the finding does not say. Earlier releases did not note it. */
  account: z.exactOptional(z.string().nullable()),
});
export type PrincipalFacts = z.infer<typeof principalFacts>;

/**
 * `aws:userid` by kind of principal (IAM user guide, "Request information available"): `AIDA...` for a user,
 * `AROA...:session` for an assumed role, `account:name` for a federated user. It is in the request whatever account the
 * caller belongs to.
 */
const USER_ID = /^(AIDA[A-Z0-9]{4,124}|AROA[A-Z0-9]{4,124}:[\w+=,.@-]{2,64}|\d{12}:[\w+=,.@-]{2,32})$/;
/** The root user of an account calls under the account's id. */
const ACCOUNT = /^\d{12}$/;

export type Principals =
  | { readonly ok: true; readonly targets: readonly [Target<PrincipalFacts>, ...Target<PrincipalFacts>[]] }
  | { readonly ok: false; readonly reason: string };

/** The principal on every bucket of the finding. Root of the bucket's own account is never denied: it owns the bucket. */
export function principalsOf(finding: Finding): Principals {
  const { principalId = '', userType = '', userName } = finding.accessKey ?? {};
  const buckets = listOf(finding, 's3BucketDetails')
    .map((bucket) => bucket.optionalText('name') ?? '')
    .filter((name) => BUCKET.test(name));
  if (buckets.length === 0) return { ok: false, reason: 'the finding does not name an S3 bucket' };
  const condition = conditionOf(finding, principalId);
  if (!condition) return { ok: false, reason: worksInstead(userType) };
  const name = userName !== undefined && /^[\w+=,.@-]{1,64}$/.test(userName) ? userName : null;
  const targets = [...new Set(buckets)].map((bucket) => {
    const facts: PrincipalFacts = { bucket, ...condition, name, account: accountOf(finding) };
    const { target } = s3Target(finding, 's3-bucket-principal', `${bucket}/${principalId}`, facts);
    return { ...target, display: target.display.replace(/\/[^/]*$/, ` for ${principalId}`) };
  });
  const [first, ...others] = targets;
  return first ? { ok: true, targets: [first, ...others] } : { ok: false, reason: 'no bucket' };
}

function conditionOf(
  { account, partition }: Finding,
  principalId: string,
): Pick<PrincipalFacts, 'key' | 'value'> | undefined {
  if (USER_ID.test(principalId)) return { key: 'aws:userid', value: principalId };
  if (!ACCOUNT.test(principalId) || principalId === account) return undefined;
  return { key: 'aws:PrincipalArn', value: `arn:${partition}:iam::${principalId}:root` };
}

/** A caller of any other type belongs to the account of the finding. */
function accountOf({ account, accessKey, action }: Finding): string | null {
  const { principalId = '', userType } = accessKey ?? {};
  if (userType !== 'AWSAccount') return account;
  const named = (action?.remote ?? []).map((party) => party.account ?? '');
  return [principalId, ...named].find((id) => ACCOUNT.test(id)) ?? null;
}
