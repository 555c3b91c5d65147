/** The Route 53 Resolver DNS Firewall calls Firebreak makes. */
export {
  GetFirewallDomainListCommand,
  GetResolverQueryLogConfigCommand,
  ListFirewallDomainListsCommand,
  ListFirewallDomainsCommand,
  ListFirewallRuleGroupAssociationsCommand,
  ListFirewallRulesCommand,
  ListResolverQueryLogConfigAssociationsCommand,
  ListTagsForResourceCommand,
  Route53ResolverClient as Client,
  UpdateFirewallDomainsCommand,
} from '@aws-sdk/client-route53resolver';
