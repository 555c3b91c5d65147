/** The other side of an attack, shut out: an address in network ACLs and AWS WAF, a domain in DNS Firewall, for a time. */
import { isAccessDenied, isFirebreakError } from '../../core/errors.ts';
import { definePlaybook } from '../../core/journal/playbook.ts';
import { ACL_READ, ACL_WRITE } from '../common/network-acl.ts';
import { planBlock } from './plan.ts';
import { blockSettings } from './settings.ts';
import { indicatorState, readIndicator } from './state.ts';
import { KINDS } from './steps.ts';
import { HANDLES, indicatorFacts, indicatorOf } from './target.ts';
import { proveBlock } from './verify.ts';

const IP_SETS = [
  'arn:${Partition}:wafv2:${Region}:${Account}:regional/ipset/firebreak-*/*',
  'arn:${Partition}:wafv2:*:${Account}:global/ipset/firebreak-*/*',
];
const DOMAIN_LISTS = ['arn:${Partition}:route53resolver:${Region}:${Account}:firewall-domain-list/*'];

export const blockIndicator = definePlaybook({
  id: 'block-indicator',
  title: 'Block the address or domain of the other side',
  about: `
An **address** gets a deny entry in both directions of the network ACL of every subnet the instance is in, and a place in
the AWS WAF IP sets that policy.yml names. A **domain** gets a place in the DNS Firewall domain list that policy.yml names,
with everything below it. Network ACLs are stateless, so open connections end as well.

**Set up once**, and what is not set up is said with every block:

- network ACLs: give those that Firebreak may use the tag \`firebreak\` (any value), and keep your own rules at 100 and above;
- AWS WAF: IP sets named \`firebreak-…\`, one per address family, with a rule that blocks with them; names go to
  \`wafIpSets\` and \`cloudFrontIpSets\`;
- DNS Firewall: a domain list with the tag \`firebreak\` in a rule with action BLOCK, in a rule group that is associated
  with your VPCs; its name goes to \`dnsFirewallList\`.

Entries use rule numbers 1 to 99, the lowest that is free and comes before every rule that allows the address. No entry
is ever replaced; a full ACL (20 rules a direction by default) or one whose own rules come first is a failure that says so.

**Every block expires**: after \`timeToLive\` (24 hours) it is reverted as by Undo, unless the finding goes on or
another finding names the same indicator.

**Never blocked**: private, shared, link-local, multicast and reserved ranges; addresses, VPC ranges and name servers of
the account; what policy.yml trusts, and what \`firebreak lists\` put on a trusted list; anything wider than /24 or
/64; networks of Amazon, of content delivery and of public resolvers, known by the autonomous system in the finding
(core/lists/shared-networks.ts); domains of AWS, public suffixes, single labels; whatever \`never\` in policy.yml lists. Where
the finding does not name the network, or names one that is shared, a person is asked. A **domain** is blocked without a person
only where a threat list is the evidence, and never one that much else depends on (core/lists/popular-domains.ts), nor one of
the account's own: a Route 53 zone or the name of a certificate, above or below it. Where the VPC's Resolver query log goes to
CloudWatch Logs, the card says who resolved the domain in the last 24 hours.

**Not contained**: an attacker has other addresses and domains. AWS WAF acts on web requests only, and only where a web ACL
uses the set. DNS Firewall sees queries to the VPC resolver only. A rule that lets the domain through before
the list comes into play is found; what a managed list or an advanced rule matches cannot be read, and is named.

**Undo** takes out its own entries, each only if its content is still what was written and no other incident holds the
indicator. Deployments of Firebreak in several Regions of one account do not know of each other's holds: name a CloudFront
IP set in one of them only.
`.trim(),
  handles: HANDLES,
  settings: blockSettings,
  reversible: { kind: 'fully' },
  permissions: {
    read: [
      {
        // None of these has a resource level, or they look for what has no known ARN.
        actions: [
          ...ACL_READ,
          'ec2:DescribeAddresses',
          'ec2:DescribeDhcpOptions',
          'ec2:DescribeNetworkInterfaces',
          'ec2:DescribeRegions',
          'ec2:DescribeVpcs',
          'route53resolver:GetFirewallDomainList',
          'route53resolver:ListFirewallDomainLists',
          'route53resolver:ListFirewallDomains',
          'route53resolver:ListFirewallRuleGroupAssociations',
          'route53resolver:ListFirewallRules',
          'route53resolver:ListTagsForResource',
          'acm:ListCertificates',
          'route53:ListHostedZonesByName',
          'route53resolver:GetResolverQueryLogConfig',
          'route53resolver:ListResolverQueryLogConfigAssociations',
          'wafv2:ListIPSets',
        ],
        resources: ['*'],
        why: 'what there is to block with, and whether the address or domain is ours',
      },
      {
        // The name of the log group is the customer's.
        actions: ['logs:FilterLogEvents'],
        resources: ['arn:${Partition}:logs:*:${Account}:log-group:*'],
        why: 'who resolved the domain lately, from the query log of the VPC',
      },
      { actions: ['wafv2:GetIPSet'], resources: IP_SETS, why: 'the IP sets before and after' },
    ],
    write: [
      ACL_WRITE,
      {
        actions: ['wafv2:UpdateIPSet'],
        resources: IP_SETS,
        why: 'one address in IP sets named firebreak-…',
        worst: 'blocks, or lets through, any address where the web ACL uses such a set',
      },
      {
        actions: ['route53resolver:UpdateFirewallDomains'],
        resources: DOMAIN_LISTS,
        condition: { StringLike: { 'aws:ResourceTag/firebreak': '*' } },
        why: 'one domain in domain lists that carry its tag',
        worst: 'blocks any domain where a rule uses such a list, or empties the list',
      },
    ],
  },
  // ACL changes show within seconds, WAF and DNS within a minute or two: the proving read is repeated.
  proofDelaySeconds: 5,
  facts: indicatorFacts,
  state: indicatorState,
  targetOf: indicatorOf,
  /** As a follow-up it must not call anybody for what is not set up or may never be blocked: that is said where it was asked for. */
  async locate(finding, aws, options) {
    const choice = indicatorOf(finding);
    if (!choice.ok || options === undefined) return choice;
    const { target } = choice;
    try {
      const state = await readIndicator(target, aws.inRegion(target.region), options.settings);
      const plan = planBlock(state, target, options);
      return plan.kind === 'refused'
        ? { ok: false, reason: `${plan.reason}; instead: ${plan.alternative}` }
        : choice;
    } catch (error) {
      // The plan meets the same and tells it with the incident.
      if (isFirebreakError(error) || isAccessDenied(error)) return choice;
      throw error;
    }
  },
  read: readIndicator,
  plan: planBlock,
  kinds: KINDS,
  verify: proveBlock,
});
