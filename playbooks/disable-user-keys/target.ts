/** Which IAM user, and which of its keys: from the finding alone. */
import { z } from 'zod';
import { arn } from '../../core/aws/arn.ts';
import { iamHome } from '../../core/aws/regions.ts';
import type { Finding } from '../../core/finding/finding.ts';
import type { TargetChoice } from '../../core/journal/playbook.ts';
import { noPrincipal } from '../common/calling-service.ts';
import { PRINCIPAL_NAME } from '../common/iam/principal-name.ts';

export const userFacts = z.object({
  userName: z.string(),
  /** `AIDA...`: a user re-created under the same name has another one. Null where the finding does not say. */
  userId: z.string().nullable(),
  /** The long-term key that was reported; null for the console or a temporary key of the user. */
  accessKeyId: z.string().nullable(),
  /** When GuardDuty first saw it, ISO 8601: keys made since may be the attacker's. */
  firstSeen: z.string().nullable(),
});
export type UserFacts = z.infer<typeof userFacts>;

const no = (reason: string): TargetChoice<never> => ({ ok: false, reason });

/** The user as target, or why this finding names none. */
export function userOf(finding: Finding): TargetChoice<UserFacts> {
  const { accessKey } = finding;
  const missing = noPrincipal(finding);
  if (!accessKey || missing !== undefined) return no(missing ?? 'the finding does not name a principal');
  const { userType = '', userName = '', principalId = '', accessKeyId = '' } = accessKey;
  if (userType === 'Root') {
    return no(
      'root cannot be contained by IAM: deny it by an SCP with aws:AssumedRoot, or remove its keys by AssumeRoot (a person)',
    );
  }
  const user = userType === 'IAMUser' || (userType === '' && /^AIDA[A-Z0-9]+$/.test(principalId));
  if (!user) return no(`the principal is not an IAM user (${userType.slice(0, 40) || 'no user type'})`);
  if (!PRINCIPAL_NAME.test(userName))
    return no('the finding does not name an IAM user (accessKeyDetails.userName)');
  const facts: UserFacts = {
    userName,
    userId: /^AIDA[A-Z0-9]{4,124}$/.test(principalId) ? principalId : null,
    accessKeyId: /^AKIA[A-Z0-9]{4,124}$/.test(accessKeyId) ? accessKeyId : null,
    firstSeen: finding.firstSeen ?? finding.createdAt ?? null,
  };
  const scope = iamHome(finding);
  return {
    ok: true,
    target: {
      ...scope,
      kind: 'iam-user',
      id: userName,
      display: arn(scope, 'iam', `user/${userName}`, { global: true }),
      facts,
    },
  };
}
