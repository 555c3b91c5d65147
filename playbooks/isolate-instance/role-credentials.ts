/**
 * Credentials of the instance's role that were taken out before the instance was isolated: they work anywhere until they
 * expire, whatever happens to the network of the instance.
 */
import type { Instance } from '@aws-sdk/client-ec2';
import type { Aws } from '../../core/aws/client.ts';
import type { StepContext } from '../../core/journal/playbook.ts';
import { sameJson } from '../../core/json.ts';
import { type InstanceRole, roleOfProfile } from '../common/ec2/instance-role.ts';
import { awsReason } from '../common/iam/aws-reason.ts';
import { denySession } from '../common/iam/policy-documents.ts';
import { inlineNames, readPolicy } from '../common/role-session/state.ts';
import type { InstanceFacts } from './target.ts';

type Context = StepContext<InstanceFacts>;

/** One line of remaining risk for each role whose session of this instance is not denied. */
export async function credentialsOutside(context: Context, instance: Instance): Promise<readonly string[]> {
  // The finding may name another than the live one: what was handed out then is still good.
  const profiles = [instance.IamInstanceProfile?.Arn, context.target.facts.instanceProfile];
  const named = [...new Set(profiles.flatMap((profile) => profile ?? []))];
  return (await Promise.all(named.map((profile) => outsideOf(context, profile)))).flat();
}

async function outsideOf({ aws, target }: Context, profile: string): Promise<readonly string[]> {
  try {
    const role = await roleOfProfile(aws, profile);
    if (!role)
      return [
        `credentials that ${profile} gave ${target.id} may still be valid: it carries no role any more`,
      ];
    if (await isDenied(aws, role, target.id)) return [];
    return [
      `credentials of role ${role.roleName} that were taken out of ${target.id} stay valid outside it until they expire (up to 6 h): deny its session (revoke-instance-session)`,
    ];
  } catch (error) {
    return [
      `credentials that ${profile} gave ${target.id} may be valid outside it: its role could not be read (${awsReason(error)})`,
    ];
  }
}

/** Whether a deny of Firebreak holds every session of the role that is named after the instance. */
async function isDenied(aws: Aws, { roleName, roleId }: InstanceRole, instanceId: string): Promise<boolean> {
  const wanted = denySession(`${roleId}:${instanceId}`);
  const ours = (await inlineNames(aws, roleName)).filter((name) => name.startsWith('firebreak-'));
  const policies = await Promise.all(ours.map((name) => readPolicy(aws, roleName, name)));
  return policies.some((policy) => policy !== undefined && sameJson(policy.value, wanted));
}
