/**
 * The instance where the finding does not carry it. Whose credentials were stolen: the session is named after it, but its
 * Region is nowhere in the finding. Under a pod or a node of a cluster: the cluster or EC2 knows it.
 */
import { arn } from '../../core/aws/arn.ts';
import type { Aws } from '../../core/aws/client.ts';
import { enabledRegions } from '../../core/aws/regions.ts';
import { awsErrorName, isAccessDenied } from '../../core/errors.ts';
import type { Finding } from '../../core/finding/finding.ts';
import type { TargetChoice } from '../../core/journal/playbook.ts';
import { instanceUnder } from './node.ts';
import { type InstanceFacts, targetOf } from './target.ts';

/** Credentials from instance metadata name their session after the instance. */
const SESSION = /^AROA[A-Z0-9]+:(i-[0-9a-f]{8,17})$/;

/** Looks into every enabled Region at once; a Region that denies us is named when nothing is found. */
export async function locateInstance(finding: Finding, aws: Aws): Promise<TargetChoice> {
  if (finding.instance) return targetOf(finding);
  const instanceId = SESSION.exec(finding.accessKey?.principalId ?? '')?.[1];
  if (instanceId === undefined) {
    const under = await instanceUnder(finding, aws);
    if (under === undefined) return targetOf(finding);
    return 'why' in under ? no(under.why) : there(finding, finding.region, under.id);
  }
  const regions = await enabledRegions(aws);
  if ('why' in regions) return no(`the Regions may not be listed (${regions.why})`);
  const looks = await Promise.all(
    regions.map(async (region) => ({ region, saw: await look(aws.inRegion(region), instanceId) })),
  );
  const found = looks.find(({ saw }) => saw === 'here');
  if (!found) {
    const closed = looks.flatMap(({ region, saw }) => (saw === 'denied' ? [region] : []));
    const unread = closed.length > 0 ? `; not readable: ${closed.join(', ')}` : '';
    return no(`${instanceId} is in no Region of account ${finding.account}${unread}`);
  }
  return there(finding, found.region, instanceId);
}

function there({ partition, account }: Finding, region: string, id: string): TargetChoice<InstanceFacts> {
  const scope = { partition, account, region };
  const display = arn(scope, 'ec2', `instance/${id}`);
  return { ok: true, target: { ...scope, kind: 'ec2-instance', id, display, facts: {} } };
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

const no = (reason: string): TargetChoice<never> => ({ ok: false, reason });
