/** The Route 53 Resolver DNS Firewall calls Firebreak makes. */
export {
  GetFirewallDomainListCommand,
  ListFirewallDomainListsCommand,
  ListFirewallDomainsCommand,
  ListFirewallRuleGroupAssociationsCommand,
  ListFirewallRulesCommand,
  ListTagsForResourceCommand,
  Route53ResolverClient as Client,
  UpdateFirewallDomainsCommand,
} from '@aws-sdk/client-route53resolver';
