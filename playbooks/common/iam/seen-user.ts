/** The IAM user that a finding names, as it is now: for playbooks that end one kind of its credentials. */
import { z } from 'zod';
import { arn } from '../../../core/aws/arn.ts';
import type { Aws } from '../../../core/aws/client.ts';
import { iamHome } from '../../../core/aws/regions.ts';
import { FirebreakError } from '../../../core/errors.ts';
import type { Finding } from '../../../core/finding/finding.ts';
import type { Plan, PlanOptions, Target, TargetChoice } from '../../../core/journal/playbook.ts';
import { protectedBy } from '../protected.ts';
import { isNoSuchEntity } from './aws-reason.ts';
import { PRINCIPAL_NAME } from './principal-name.ts';

export const seenUser = z.object({
  userName: z.string().regex(PRINCIPAL_NAME),
  /** `AIDA...`: a user re-created under the same name has another one. Null where the finding does not say. */
  userId: z.string().nullable(),
});
export type SeenUser = z.infer<typeof seenUser>;

/** It is stored with the incident: a new key must be optional. */
export const liveUser = z.object({
  arn: z.string(),
  userId: z.string(),
  path: z.string(),
  tags: z.record(z.string(), z.string()),
});
export type LiveUser = z.infer<typeof liveUser>;

/** A kind of target is shared with what else changes the user, so that their incidents never write to it at the same time. */
export function seenUserOf(finding: Finding): TargetChoice<SeenUser> {
  const { userType = '', userName = '', principalId = '' } = finding.accessKey ?? {};
  if (userType !== 'IAMUser' || !PRINCIPAL_NAME.test(userName))
    return { ok: false, reason: 'the finding does not name an IAM user (accessKeyDetails.userName)' };
  const scope = iamHome(finding);
  return {
    ok: true,
    target: {
      ...scope,
      ...{ kind: 'iam-user', id: userName },
      display: arn(scope, 'iam', `user/${userName}`, { global: true }),
      facts: { userName, userId: /^AIDA[A-Z0-9]{4,124}$/.test(principalId) ? principalId : null },
    },
  };
}

/** Returns the user, and what is read of it next to that. Throws ResourceNotFound where it is gone, with what becomes of its credentials. */
export async function readUser<T>(
  { facts, display }: Target<SeenUser>,
  aws: Aws,
  { reading, gone }: { readonly reading: (userName: string) => Promise<T>; readonly gone: string },
): Promise<LiveUser & { readonly read: T }> {
  const { client, api } = await aws.iam();
  try {
    const [{ User }, read] = await Promise.all([
      client.send(new api.GetUserCommand({ UserName: facts.userName })),
      reading(facts.userName),
    ]);
    return {
      arn: User?.Arn ?? display,
      userId: User?.UserId ?? '',
      path: User?.Path ?? '/',
      tags: Object.fromEntries((User?.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])),
      read,
    };
  } catch (error) {
    if (!isNoSuchEntity(error)) throw error;
    throw new FirebreakError('ResourceNotFound', 'the user does not exist any more', {
      resource: display,
      next: `See CloudTrail for who deleted it; ${gone}.`,
      cause: error,
    });
  }
}

type Refused = Extract<Plan<never>, { readonly kind: 'refused' }>;

/** Returns why the user must not be touched: it is another one than was seen, or policy protects it. */
export function refusedUser(
  live: LiveUser,
  { facts: { userName, userId }, display }: Target<SeenUser>,
  { protectedArns }: PlanOptions,
): Refused | undefined {
  if (userId !== null && userId !== live.userId)
    return {
      kind: 'refused',
      reason: `${userName} was re-created since the finding: its id is ${live.userId}, not ${userId}`,
      alternative: 'See CloudTrail for who made it; the user that was seen is gone with its credentials.',
    };
  const names = [userName, `user${live.path}${userName}`, live.arn, display];
  const pattern = protectedBy(names, protectedArns);
  if (pattern === undefined) return undefined;
  return {
    kind: 'refused',
    reason: `${userName} is protected by policy.yml (protected: ${pattern})`,
    alternative: 'Ask its owner, or use an SCP on aws:PrincipalArn.',
  };
}
