/** Whose credentials were stolen: the session is named after the instance, and only a look tells its Region. */
import type { Aws } from '../../core/aws/client.ts';
import type { Finding } from '../../core/finding/finding.ts';
import type { TargetChoice } from '../../core/journal/playbook.ts';
import { instanceTarget, regionOfInstance, sessionInstanceId } from '../common/ec2/session-instance.ts';

/** Of the same kind as an isolation's target: the two never change one instance at the same time. */
export async function locate(finding: Finding, aws: Aws): Promise<TargetChoice> {
  const id = sessionInstanceId(finding);
  if (id === undefined) return no('the finding is about no session of an instance');
  const found = await regionOfInstance(id, aws);
  if ('why' in found) return no(found.why);
  return { ok: true, target: instanceTarget(finding, found.region, id) };
}

const no = (reason: string): TargetChoice<never> => ({ ok: false, reason });
