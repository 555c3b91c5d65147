/** What a VPC has next to its instances: a range, name servers, a network ACL; and lists to block with. */
import { madeUuid } from './twin/made-id.ts';
import { defaultEntries } from './twin/network-acls.ts';
import type { AccountTwin } from './twin/twin.ts';

export interface Network {
  readonly region?: string;
  readonly VpcId: string;
  readonly subnets: readonly string[];
  readonly CidrBlock?: string;
}

/** The VPC with its default network ACL, tagged so that Firebreak may use it. Gives the ACL's id. */
export function addNetwork(twin: AccountTwin, { region: name, VpcId, subnets, CidrBlock }: Network): string {
  const { networks } = twin.region(name);
  if (!networks.vpcs.some((vpc) => vpc.VpcId === VpcId)) {
    networks.vpcs.push({ VpcId, CidrBlock: CidrBlock ?? '10.0.0.0/16', resolvers: ['AmazonProvidedDNS'] });
  }
  const NetworkAclId = twin.nextId('acl');
  networks.acls.push({
    NetworkAclId,
    VpcId,
    IsDefault: true,
    subnets: [...subnets],
    Tags: { firebreak: 'blocks' },
    entries: defaultEntries(),
  });
  return NetworkAclId;
}

/** Names of the lists that policy.yml ships with. */
const LIST = 'firebreak-blocked';

/** AWS WAF IP sets, and a DNS Firewall domain list that a rule blocks with in the VPC. Nothing happens to what is there. */
export function addLists(
  twin: AccountTwin,
  { region: name, VpcId }: Pick<Network, 'region' | 'VpcId'>,
): void {
  const { waf, dnsFirewall } = twin.region(name);
  for (const [Name, IPAddressVersion] of [
    [LIST, 'IPV4'],
    [`${LIST}-ipv6`, 'IPV6'],
  ] as const) {
    if (waf.ipSets.some((set) => set.Name === Name)) continue;
    waf.ipSets.push({
      Id: madeUuid(Name),
      Name,
      Scope: 'REGIONAL',
      IPAddressVersion,
      Description: 'blocked by the web ACL',
      Addresses: [],
    });
  }
  const known = dnsFirewall.lists.find((list) => list.Name === LIST);
  const list = known ?? {
    Id: twin.nextId('rslvr-fdl'),
    Name: LIST,
    domains: [],
    Tags: { firebreak: 'prod' },
  };
  if (!known) dnsFirewall.lists.push(list);
  const FirewallRuleGroupId = 'rslvr-frg-blocked';
  if (!dnsFirewall.rules.some((rule) => rule.FirewallRuleGroupId === FirewallRuleGroupId)) {
    dnsFirewall.rules.push({
      FirewallRuleGroupId,
      FirewallDomainListId: list.Id,
      Name: 'block-firebreak',
      Action: 'BLOCK',
      Priority: 10,
    });
  }
  if (!dnsFirewall.associations.some((one) => one.VpcId === VpcId))
    dnsFirewall.associations.push({ FirewallRuleGroupId, VpcId, Priority: 200 });
}
