/**
 * The instance where the finding does not carry it. Whose credentials were stolen: the session is named after it. Under a
 * pod or a node of a cluster: the cluster or EC2 knows it.
 */
import type { Aws } from '../../core/aws/client.ts';
import type { Finding } from '../../core/finding/finding.ts';
import type { TargetChoice } from '../../core/journal/playbook.ts';
import { instanceTarget, sessionInstance, sessionInstanceId } from '../common/ec2/session-instance.ts';
import { instanceUnder } from './node.ts';
import { type InstanceFacts, targetOf } from './target.ts';

export async function locateInstance(finding: Finding, aws: Aws): Promise<TargetChoice<InstanceFacts>> {
  if (finding.instance) return targetOf(finding);
  const instanceId = sessionInstanceId(finding);
  if (instanceId === undefined) {
    const under = await instanceUnder(finding, aws);
    if (under === undefined) return targetOf(finding);
    return 'why' in under
      ? no(under.why)
      : { ok: true, target: instanceTarget(finding, finding.region, under.id) };
  }
  return sessionInstance(finding, instanceId, aws);
}

const no = (reason: string): TargetChoice<never> => ({ ok: false, reason });
