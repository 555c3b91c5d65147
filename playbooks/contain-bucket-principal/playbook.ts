/** Suspicious or malicious access to S3: contain who did it, not the bucket. */
import type { Finding } from '../../core/finding/finding.ts';
import { defineComposite, type Expansion } from '../../core/journal/playbook.ts';
import { BUCKET_PRINCIPAL_TYPES } from '../common/iam/principal-types.ts';
import { principalPart } from '../common/principal/principal-part.ts';
import { principalsOf } from '../common/s3/principal-target.ts';
import { worksInstead } from '../common/works-instead.ts';
import { denyBucketPrincipal } from '../deny-bucket-principal/playbook.ts';
import { revokeSsoSessions } from '../revoke-sso-sessions/playbook.ts';

/** More buckets than this on one card is more than a person can judge at 3 a.m. */
const MOST_BUCKETS = 10;

export const containBucketPrincipal = defineComposite({
  id: 'contain-bucket-principal',
  title: 'Contain the principal that works on an S3 bucket',
  about: `
Anomalous access to a bucket, or access from a listed address or a penetration testing system, is answered at the
principal; the bucket goes on for everybody else.

| the caller | is contained by |
|---|---|
| an IAM user of this account | \`disable-user-keys\` |
| a session of an instance's role | \`revoke-instance-session\` |
| another session of a role | \`revoke-role-sessions\` |
| a session of IAM Identity Center | \`revoke-sso-sessions\` and \`deny-bucket-principal\`, each asked |
| a federated user, a principal of another account | \`deny-bucket-principal\`, which is always asked |
| root, an AWS service, a caller without credentials | nothing: a person learns what works |

Once a bucket or the account that was opened to the public is closed, a person is asked about this playbook as well: who opened it
can open it again.

An incident about the same principal from another finding holds the same resource, so that the two join: what one undoes
stays until the other lets go as well.

Where objects were deleted or written (\`Impact:S3/*\`), a person is asked about \`suspend-expiry\` as well: lifecycle rules that
the caller added would go on deleting. Versioning is not switched on by Firebreak; it says where it is off.
`.trim(),
  handles: BUCKET_PRINCIPAL_TYPES,
  expand,
});

function expand(finding: Finding): Expansion {
  const { userType = '', userName = '' } = finding.accessKey ?? {};
  // Principals of another account are not here, and a federated user's session is not one of a role.
  const elsewhere = userType === 'AWSAccount' || userType === 'FederatedUser';
  const identity = elsewhere ? undefined : principalPart(finding);
  const reserved = userName.startsWith('AWSReservedSSO_');
  if (identity && !reserved)
    return identity.ok ? { ok: true, parts: [identity.part], unhandled: [] } : identity;
  // The permission set takes minutes and may be administered elsewhere: the bucket is closed to the session meanwhile.
  const parts = identity?.ok && identity.part.playbook === revokeSsoSessions ? [identity.part] : [];
  const principals = principalsOf(finding);
  if (!principals.ok) return parts.length > 0 ? { ok: true, parts, unhandled: [] } : principals;
  const [shown, rest] = [principals.targets.slice(0, MOST_BUCKETS), principals.targets.slice(MOST_BUCKETS)];
  return {
    ok: true,
    parts: [...parts, ...shown.map((target) => ({ playbook: denyBucketPrincipal, target }))],
    unhandled: [
      ...(parts.length > 0 ? [] : [`the caller itself: ${leverOn(userType, userName)}`]),
      ...rest.map(({ display }) => `${display}: more than ${MOST_BUCKETS} buckets`),
    ],
  };
}

const leverOn = (userType: string, userName: string): string =>
  userName.startsWith('AWSReservedSSO_')
    ? `${userName} belongs to IAM Identity Center: add the deny to the permission set and provision it, and end the user's session`
    : worksInstead(userType);
