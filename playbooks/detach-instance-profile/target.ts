/** Whose credentials were stolen: the session is named after the instance, and only a look tells its Region. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import type { Finding } from '../../core/finding/finding.ts';
import type { TargetChoice } from '../../core/journal/playbook.ts';
import { sessionInstance, sessionInstanceId } from '../common/ec2/session-instance.ts';

export const facts = z.object({
  /** Why it may not be the instance of the stolen session. */
  doubt: z.exactOptional(z.string()),
  /** The role whose session was stolen, by the finding: undo restores no profile of another. */
  roleId: z.string().nullable().default(null),
});
export type Facts = z.infer<typeof facts>;

/** Of the same kind as an isolation's target: the two never change one instance at the same time. */
export async function locate(finding: Finding, aws: Aws): Promise<TargetChoice<Facts>> {
  const id = sessionInstanceId(finding);
  if (id === undefined) return no('the finding is about no session of an instance');
  const choice = await sessionInstance(finding, id, aws);
  if (!choice.ok) return choice;
  const roleId = finding.accessKey?.principalId?.split(':')[0] ?? null;
  return { ok: true, target: { ...choice.target, facts: { ...choice.target.facts, roleId } } };
}

const no = (reason: string): TargetChoice<never> => ({ ok: false, reason });
