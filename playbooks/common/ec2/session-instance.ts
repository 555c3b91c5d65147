/**
 * The instance a role session was issued to. The session is named after it; its Region is nowhere in the finding. The caller who assumes a
 * role names the session, so an instance of that name may have nothing to do with it.
 */
import type { Instance } from '@aws-sdk/client-ec2';
import { arn } from '../../../core/aws/arn.ts';
import type { Aws } from '../../../core/aws/client.ts';
import { enabledRegions } from '../../../core/aws/regions.ts';
import { awsErrorName, isAccessDenied } from '../../../core/errors.ts';
import type { Finding } from '../../../core/finding/finding.ts';
import type { Target, TargetChoice } from '../../../core/journal/playbook.ts';
import { roleOfProfile } from './instance-role.ts';

/** Credentials from instance metadata name their session after the instance. */
const SESSION = /^AROA[A-Z0-9]+:(i-[0-9a-f]{8,17})$/;

/** The instance id in the principal id, or undefined where the session is of another kind. */
export const sessionInstanceId = (finding: Finding): string | undefined =>
  SESSION.exec(finding.accessKey?.principalId ?? '')?.[1];

/** `unread`: Regions that deny us, where the instance may be all the same. */
type Found =
  | { readonly region: string; readonly profileArn: string | null }
  | { readonly why: string; readonly unread: readonly string[] };

/** Looks into every enabled Region at once; a Region that denies us is named when nothing is found. */
export async function findInstance(instanceId: string, aws: Aws): Promise<Found> {
  const regions = await enabledRegions(aws);
  if ('why' in regions)
    return { why: `the Regions may not be listed (${regions.why})`, unread: ['every Region'] };
  const looks = await Promise.all(
    regions.map(async (region) => ({ region, saw: await look(aws.inRegion(region), instanceId) })),
  );
  for (const { region, saw } of looks) {
    if (typeof saw === 'object') return { region, profileArn: saw.IamInstanceProfile?.Arn ?? null };
  }
  const unread = looks.flatMap(({ region, saw }) => (saw === 'denied' ? [region] : []));
  const closed = unread.length > 0 ? `; not readable: ${unread.join(', ')}` : '';
  return { why: `${instanceId} is in no Region of account ${aws.scope.account}${closed}`, unread };
}

/** What is known of an instance that a session is named after. */
export interface InstanceDoubt {
  /** Why it may not be where the session came from: asked about, whatever the policy says. */
  readonly doubt?: string;
}

/** The instance that the session of the finding is named after, as the target of a follow-up. */
export async function sessionInstance(
  finding: Finding,
  instanceId: string,
  aws: Aws,
): Promise<TargetChoice<InstanceDoubt & Record<string, string>>> {
  const found = await findInstance(instanceId, aws);
  if ('why' in found) return { ok: false, reason: found.why };
  const doubt = await doubtAbout(finding, instanceId, found.profileArn, aws);
  const target = instanceTarget(finding, found.region, instanceId);
  return { ok: true, target: { ...target, facts: doubt === undefined ? {} : { doubt } } };
}

async function doubtAbout(
  { accessKey }: Finding,
  instanceId: string,
  profileArn: string | null,
  aws: Aws,
): Promise<string | undefined> {
  const { userName = '', principalId = '' } = accessKey ?? {};
  try {
    const role = profileArn === null ? undefined : await roleOfProfile(aws, profileArn);
    if (role?.roleName === userName && principalId.startsWith(`${role.roleId}:`)) return undefined;
    return `${instanceId} does not run with role ${userName}: the principal that assumed the role may have named the session after it, unless it had the role before`;
  } catch (error) {
    if (!isAccessDenied(error)) throw error;
    return `whether ${instanceId} runs with role ${userName} is not known: its instance profile may not be read`;
  }
}

/** The instance as a target that no finding describes further. Its kind is the lock that playbooks on one instance share. */
export function instanceTarget(
  { partition, account }: Finding,
  region: string,
  id: string,
): Target<Record<never, never>> {
  const scope = { partition, account, region };
  return { ...scope, kind: 'ec2-instance', id, display: arn(scope, 'ec2', `instance/${id}`), facts: {} };
}

async function look(aws: Aws, instanceId: string): Promise<Instance | 'not-here' | 'denied'> {
  const { client, api } = await aws.ec2();
  try {
    // A filter, not InstanceIds: an unknown id would be an error.
    const { Reservations } = await client.send(
      new api.DescribeInstancesCommand({ Filters: [{ Name: 'instance-id', Values: [instanceId] }] }),
    );
    const instances = (Reservations ?? []).flatMap(({ Instances }) => Instances ?? []);
    return instances.find(({ InstanceId }) => InstanceId === instanceId) ?? 'not-here';
  } catch (error) {
    if (isAccessDenied(error) || awsErrorName(error) === 'OptInRequired') return 'denied';
    throw error;
  }
}
