/**
 * Activity over DNS: security groups and network ACLs do not filter what an instance asks the resolver of its VPC
 * (AmazonProvidedDNS), so isolation leaves the channel open unless DNS Firewall blocks the domain there.
 */
import type { Proof, StepContext } from '../../core/journal/playbook.ts';
import { isBlockedIn } from '../common/dns-firewall/rules.ts';
import { awsReason } from '../common/iam/aws-reason.ts';
import type { InstanceFacts } from './target.ts';

const NOTHING = { checks: [], residual: [] };

/** What the proof says of the channel; nothing where the finding is not about DNS. */
export async function dnsChannel(
  { aws, target }: StepContext<InstanceFacts>,
  vpcId: string,
): Promise<Pick<Proof, 'checks' | 'residual'>> {
  const { dnsRequest, domain } = target.facts;
  if (dnsRequest !== true) return NOTHING;
  const open = (why: string) => ({
    checks: [],
    residual: [
      `DNS through the resolver of ${vpcId} stays open to it, which neither security groups nor network ACLs filter: ${why}`,
    ],
  });
  if (!domain) return open('the finding does not name a domain to block');
  try {
    if (!(await isBlockedIn(aws, vpcId, domain))) return open(`DNS Firewall does not block ${domain} there`);
    const saw = `DNS Firewall blocks ${domain} and every name below it in ${vpcId}; other names resolve`;
    return { checks: [{ id: 'dns', ok: true, saw }], residual: [] };
  } catch (error) {
    return open(`whether DNS Firewall blocks ${domain} there could not be read (${awsReason(error)})`);
  }
}
