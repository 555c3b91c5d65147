/** The instance a role session was issued to. The session is named after it; its Region is nowhere in the finding. */
import { arn } from '../../../core/aws/arn.ts';
import type { Aws } from '../../../core/aws/client.ts';
import { enabledRegions } from '../../../core/aws/regions.ts';
import { awsErrorName, isAccessDenied } from '../../../core/errors.ts';
import type { Finding } from '../../../core/finding/finding.ts';
import type { Target } from '../../../core/journal/playbook.ts';

/** Credentials from instance metadata name their session after the instance. */
const SESSION = /^AROA[A-Z0-9]+:(i-[0-9a-f]{8,17})$/;

/** The instance id in the principal id, or undefined where the session is of another kind. */
export const sessionInstanceId = (finding: Finding): string | undefined =>
  SESSION.exec(finding.accessKey?.principalId ?? '')?.[1];

/** Looks into every enabled Region at once; a Region that denies us is named when nothing is found. */
export async function regionOfInstance(
  instanceId: string,
  aws: Aws,
): Promise<{ readonly region: string } | { readonly why: string }> {
  const regions = await enabledRegions(aws);
  if ('why' in regions) return { why: `the Regions may not be listed (${regions.why})` };
  const looks = await Promise.all(
    regions.map(async (region) => ({ region, saw: await look(aws.inRegion(region), instanceId) })),
  );
  const found = looks.find(({ saw }) => saw === 'here');
  if (found) return { region: found.region };
  const closed = looks.flatMap(({ region, saw }) => (saw === 'denied' ? [region] : []));
  const unread = closed.length > 0 ? `; not readable: ${closed.join(', ')}` : '';
  return { why: `${instanceId} is in no Region of account ${aws.scope.account}${unread}` };
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

async function look(aws: Aws, instanceId: string): Promise<'here' | 'not-here' | 'denied'> {
  const { client, api } = await aws.ec2();
  try {
    // A filter, not InstanceIds: an unknown id would be an error.
    const { Reservations } = await client.send(
      new api.DescribeInstancesCommand({ Filters: [{ Name: 'instance-id', Values: [instanceId] }] }),
    );
    return (Reservations ?? []).some(({ Instances }) => (Instances ?? []).length > 0) ? 'here' : 'not-here';
  } catch (error) {
    if (isAccessDenied(error) || awsErrorName(error) === 'OptInRequired') return 'denied';
    throw error;
  }
}
