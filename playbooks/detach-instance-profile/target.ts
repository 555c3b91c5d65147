/** Whose credentials were stolen: the session is named after the instance, and only a look tells its Region. */
import { arn } from '../../core/aws/arn.ts';
import type { Aws } from '../../core/aws/client.ts';
import type { Finding } from '../../core/finding/finding.ts';
import type { TargetChoice } from '../../core/journal/playbook.ts';
import { regionOfInstance, sessionInstanceId } from '../common/ec2/session-instance.ts';

/** Of the same kind as an isolation's target: the two never change one instance at the same time. */
export async function locate(finding: Finding, aws: Aws): Promise<TargetChoice> {
  const id = sessionInstanceId(finding);
  if (id === undefined) return no('the finding is about no session of an instance');
  const found = await regionOfInstance(id, aws);
  if ('why' in found) return no(found.why);
  const { partition, account } = finding;
  const scope = { partition, account, region: found.region };
  const display = arn(scope, 'ec2', `instance/${id}`);
  return { ok: true, target: { ...scope, kind: 'ec2-instance', id, display, facts: {} } };
}

const no = (reason: string): TargetChoice<never> => ({ ok: false, reason });
