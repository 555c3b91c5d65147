/**
 * The instance where the finding does not carry it. Whose credentials were stolen: the session is named after it. Under a
 * pod or a node of a cluster: the cluster or EC2 knows it.
 */
import type { Aws } from '../../core/aws/client.ts';
import type { Finding } from '../../core/finding/finding.ts';
import type { TargetChoice } from '../../core/journal/playbook.ts';
import { instanceTarget, sessionInstance, sessionInstanceId } from '../common/ec2/session-instance.ts';
import { instanceUnder } from './node.ts';
import { type InstanceFacts, insideAttacker, targetOf } from './target.ts';

export async function locateInstance(finding: Finding, aws: Aws): Promise<TargetChoice<InstanceFacts>> {
  const inside = insideAttacker(finding);
  if (inside !== undefined) return attackerInside(finding, inside, aws);
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

/** The instance that has the address now, in the VPC of the one it attacks first: private addresses repeat from VPC to VPC. */
async function attackerInside(finding: Finding, ip: string, aws: Aws): Promise<TargetChoice<InstanceFacts>> {
  const { client, api } = await aws.ec2();
  const name = ip.includes(':') ? 'ipv6-addresses.ipv6-address' : 'addresses.private-ip-address';
  const { NetworkInterfaces: found = [] } = await client.send(
    new api.DescribeNetworkInterfacesCommand({ Filters: [{ Name: name, Values: [ip] }] }),
  );
  const near = found.filter(({ VpcId }) => VpcId === finding.instance?.vpcId);
  const [eni, ...others] = near.length > 0 ? near : found;
  const where = `account ${finding.account}, ${finding.region}`;
  if (eni === undefined)
    return no(
      `${ip} is a host inside, and no network interface of ${where} has that address: look for it behind peering, transit gateways and VPN`,
    );
  if (others.length > 0)
    return no(
      `${ip} is a host inside, and ${found.length} VPCs of ${where} have that address: see in the flow logs which one it is`,
    );
  const id = eni.Attachment?.InstanceId;
  if (id === undefined)
    return no(
      `${ip} is of ${eni.NetworkInterfaceId} (${(eni.Description || 'no description').slice(0, 100)}), which is attached to no instance: look for what uses it`,
    );
  const target = instanceTarget(finding, finding.region, id);
  const doubt = `${id} has ${ip} now; the finding does not name it`;
  return { ok: true, target: { ...target, facts: { ...target.facts, doubt } } };
}

const no = (reason: string): TargetChoice<never> => ({ ok: false, reason });
