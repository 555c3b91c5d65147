/** What there is to block with, and whether the indicator is ours: live, in the finding's Region. */
import { z } from 'zod';
import { inBatches } from '../../core/aws/batches.ts';
import type { Aws } from '../../core/aws/client.ts';
import { allPages } from '../../core/aws/pages.ts';
import { enabledRegions, wafCloudFrontRegion } from '../../core/aws/regions.ts';
import { awsErrorName, describeError, isAccessDenied } from '../../core/errors.ts';
import type { Target } from '../../core/journal/playbook.ts';
import type { JsonObject } from '../../core/json.ts';
import { isListTagged, LIST_TAG, listedIn, listNamed, statusOf } from '../common/dns-firewall/lists.ts';
import { usesOf } from '../common/dns-firewall/rules.ts';
import { aclsOf, isTagged, subnetsOf } from '../common/network-acl.ts';
import { ownDomain, whoseDomain } from './own-domains.ts';
import { suffixOf, suffixSchema } from './public-suffix.ts';
import { queriedBy, whoResolved } from './query-log.ts';
import { type BlockSettings, settingsOf } from './settings.ts';
import type { IndicatorFacts } from './target.ts';
import { findIpSet } from './waf-steps.ts';

const rule = z.object({
  number: z.number(),
  egress: z.boolean(),
  action: z.string(),
  protocol: z.string(),
  cidr: z.string(),
});

const aclState = z.object({
  id: z.string(),
  tagged: z.boolean(),
  /** Subnets of the instance behind it, and how many it filters altogether. */
  subnets: z.array(z.string()),
  filters: z.number(),
  tags: z.record(z.string(), z.string()),
  rules: z.array(rule),
});

const ipSetState = z.object({
  scope: z.enum(['REGIONAL', 'CLOUDFRONT']),
  region: z.string(),
  name: z.string(),
  id: z.string(),
  arn: z.string(),
  listed: z.boolean(),
  size: z.number(),
});

const domainListState = z.object({
  id: z.string(),
  name: z.string(),
  arn: z.string(),
  status: z.string(),
  listed: z.array(z.string()),
  /** VPCs in which a rule with action BLOCK uses the list, and the rules before it that let the domain through or may. */
  uses: z.array(z.object({ vpcId: z.string(), passes: z.array(z.string()), mayPass: z.array(z.string()) })),
});

export const indicatorState = z.object({
  /** What of this account has the address; null when nothing. */
  own: z.string().nullable(),
  /** Regions that could not be asked for it. */
  unread: z.array(z.string()),
  vpcId: z.string().nullable(),
  networks: z.object({ cidrs: z.array(z.string()), resolvers: z.array(z.string()) }),
  acls: z.array(aclState),
  ipSets: z.array(ipSetState),
  domainList: domainListState.nullable(),
  /** Of a domain. */
  suffix: suffixSchema.nullable().default(null),
  /** Whether a domain is the account's own; earlier releases did not look. */
  domain: ownDomain.default({ by: null, unread: [] }),
  /** Who resolved the domain lately; null where that was not looked up. */
  queriedBy: queriedBy.nullable().default(null),
  /** Ways to block that are not set up, with what is missing: reported, never skipped in silence. */
  missing: z.array(z.string()),
  /** Those of them that are set up and may not be read: whether they block is not known. */
  unreadable: z.array(z.string()).default([]),
});
export type IndicatorState = z.infer<typeof indicatorState>;

/** What would be read of a domain needs no address, and the other way round. Throws nothing for what is not set up. */
export async function readIndicator(
  { facts }: Target<IndicatorFacts>,
  aws: Aws,
  given: JsonObject = {},
): Promise<IndicatorState> {
  const settings = settingsOf(given);
  const missing: string[] = [];
  const unreadable: string[] = [];
  // The plan refuses wrong settings; nothing needs to be read for that.
  if ('problem' in settings) return { ...EMPTY, missing: [settings.problem] };
  const here = aws.inRegion(facts.region);
  const place = await placeOf(here, facts);
  if (facts.family === 'domain') {
    const suffix = await suffixOf(facts.indicator);
    // Only what is a name at all goes into a search.
    const name = suffix?.listed && /^[a-z0-9.-]+$/.test(facts.indicator) ? facts.indicator : null;
    const [domainList, domain, queried] = await Promise.all([
      domainListOf(here, settings, facts, { missing, unreadable }),
      name === null ? EMPTY.domain : whoseDomain(here, name),
      name === null || place.vpcId === null ? null : whoResolved(here, place.vpcId, name, new Date()),
    ]);
    return {
      ...EMPTY,
      vpcId: place.vpcId,
      domainList,
      suffix,
      domain,
      queriedBy: queried,
      missing,
      unreadable,
    };
  }
  const [ours, networks, acls, ipSets] = await Promise.all([
    ownerOf(aws, facts),
    networksOf(here, place.vpcId),
    aclStates(here, settings, place.subnets, missing),
    ipSetsOf(aws, settings, facts, { missing, unreadable }),
  ]);
  return { ...EMPTY, ...ours, vpcId: place.vpcId, networks, acls, ipSets, missing, unreadable };
}

/** Nothing of the account was read yet. */
export const EMPTY: IndicatorState = {
  own: null,
  unread: [],
  vpcId: null,
  networks: { cidrs: [], resolvers: [] },
  acls: [],
  ipSets: [],
  domainList: null,
  suffix: null,
  domain: { by: null, unread: [] },
  queriedBy: null,
  missing: [],
  unreadable: [],
};

/** Where the instance is now; where it is gone, what the finding says. */
async function placeOf(
  aws: Aws,
  { instanceId, subnetIds, vpcId }: IndicatorFacts,
): Promise<{ readonly subnets: readonly string[]; readonly vpcId: string | null }> {
  if (instanceId === null) return { subnets: subnetIds, vpcId };
  const { client, api } = await aws.ec2();
  const { NetworkInterfaces = [] } = await client.send(
    new api.DescribeNetworkInterfacesCommand({
      Filters: [{ Name: 'attachment.instance-id', Values: [instanceId] }],
    }),
  );
  if (NetworkInterfaces.length === 0) return { subnets: subnetIds, vpcId };
  const subnets = NetworkInterfaces.flatMap(({ SubnetId }) => SubnetId ?? []);
  return { subnets: [...new Set(subnets)].sort(), vpcId: NetworkInterfaces[0]?.VpcId ?? vpcId };
}

/** Network interfaces (Elastic IPs, NAT gateways and load balancers are on some) and idle Elastic IPs, in every Region. */
async function ownerOf(aws: Aws, { indicator, region }: IndicatorFacts) {
  const regions = await enabledRegions(aws);
  const names = 'why' in regions ? [region] : [...new Set([region, ...regions])];
  const looks = await inBatches(names, 5, async (name) => ({
    name,
    saw: await lookFor(aws.inRegion(name), indicator.replace(/\/\d+$/, '')),
  }));
  const found = looks.find(({ saw }) => typeof saw === 'object');
  return {
    own: typeof found?.saw === 'object' ? `${found.saw.what} in ${found.name}` : null,
    unread: [
      ...('why' in regions ? ['the other Regions'] : []),
      ...looks.flatMap(({ name, saw }) => (saw === 'denied' ? [name] : [])),
    ],
  };
}

async function lookFor(aws: Aws, ip: string): Promise<{ readonly what: string } | 'nothing' | 'denied'> {
  const { client, api } = await aws.ec2();
  const v6 = ip.includes(':');
  try {
    const { NetworkInterfaces = [] } = await client.send(
      new api.DescribeNetworkInterfacesCommand({
        Filters: [
          { Name: v6 ? 'ipv6-addresses.ipv6-address' : 'addresses.association.public-ip', Values: [ip] },
        ],
      }),
    );
    const [eni] = NetworkInterfaces;
    if (eni) return { what: eni.NetworkInterfaceId ?? 'a network interface' };
    if (v6) return 'nothing';
    const { Addresses = [] } = await client.send(
      new api.DescribeAddressesCommand({ Filters: [{ Name: 'public-ip', Values: [ip] }] }),
    );
    const [address] = Addresses;
    return address ? { what: address.AllocationId ?? 'an Elastic IP' } : 'nothing';
  } catch (error) {
    if (isAccessDenied(error) || awsErrorName(error) === 'OptInRequired') return 'denied';
    throw error;
  }
}

/** Ranges of every VPC of the Region, and the name servers that DHCP gives out in the instance's. */
async function networksOf(aws: Aws, vpcId: string | null): Promise<IndicatorState['networks']> {
  const { client, api } = await aws.ec2();
  const vpcs = await allPages(async (token) => {
    const answer = await client.send(new api.DescribeVpcsCommand(token ? { NextToken: token } : {}));
    return { items: answer.Vpcs, next: answer.NextToken };
  });
  const cidrs = vpcs.flatMap(
    ({ CidrBlock, CidrBlockAssociationSet = [], Ipv6CidrBlockAssociationSet = [] }) => [
      ...(CidrBlock ? [CidrBlock] : []),
      ...CidrBlockAssociationSet.flatMap((one) => one.CidrBlock ?? []),
      ...Ipv6CidrBlockAssociationSet.flatMap((one) => one.Ipv6CidrBlock ?? []),
    ],
  );
  const options = vpcs.find(({ VpcId }) => VpcId === vpcId)?.DhcpOptionsId;
  // `default` is what a VPC without options of its own says [M]: the resolver of AWS, which is no public address.
  const { DhcpOptions = [] } =
    options && options !== 'default'
      ? await client.send(new api.DescribeDhcpOptionsCommand({ DhcpOptionsIds: [options] }))
      : {};
  const resolvers = DhcpOptions.flatMap(({ DhcpConfigurations = [] }) =>
    DhcpConfigurations.filter(({ Key }) => Key === 'domain-name-servers').flatMap(({ Values = [] }) =>
      Values.flatMap(({ Value }) => Value ?? []),
    ),
  );
  return { cidrs: [...new Set(cidrs)], resolvers };
}

async function aclStates(
  aws: Aws,
  { networkAcls }: BlockSettings,
  subnets: readonly string[],
  missing: string[],
): Promise<IndicatorState['acls']> {
  if (!networkAcls) {
    missing.push('network ACLs: switched off in policy.yml (playbooks.block-indicator.networkAcls)');
    return [];
  }
  if (subnets.length === 0) {
    missing.push('network ACLs: the finding does not name an instance and no subnet');
    return [];
  }
  const acls = await aclsOf(aws, subnets);
  return acls.map((acl) => ({
    id: acl.NetworkAclId ?? '',
    tagged: isTagged(acl),
    subnets: subnetsOf(acl)
      .filter((subnet) => subnets.includes(subnet))
      .sort(),
    filters: subnetsOf(acl).length,
    tags: Object.fromEntries((acl.Tags ?? []).flatMap(({ Key, Value }) => (Key ? [[Key, Value ?? '']] : []))),
    rules: (acl.Entries ?? []).map(
      ({ RuleNumber, Egress, RuleAction, Protocol, CidrBlock, Ipv6CidrBlock }) => ({
        number: RuleNumber ?? 0,
        egress: Egress ?? false,
        action: RuleAction ?? '',
        protocol: Protocol ?? '',
        cidr: CidrBlock ?? Ipv6CidrBlock ?? '',
      }),
    ),
  }));
}

/** Ways to block that cannot be used, for people. */
type NotUsable = Record<'missing' | 'unreadable', string[]>;

async function ipSetsOf(
  aws: Aws,
  { wafIpSets, cloudFrontIpSets }: BlockSettings,
  facts: IndicatorFacts,
  { missing, unreadable }: NotUsable,
): Promise<IndicatorState['ipSets']> {
  if (wafIpSets.length + cloudFrontIpSets.length === 0) {
    missing.push(
      'AWS WAF: no IP set is named in policy.yml (playbooks.block-indicator.wafIpSets, cloudFrontIpSets)',
    );
    return [];
  }
  const edge = wafCloudFrontRegion(aws.scope.partition);
  if (edge === undefined && cloudFrontIpSets.length > 0)
    missing.push(`AWS WAF: there is no scope CLOUDFRONT in the partition ${aws.scope.partition}`);
  const wanted = [
    ...wafIpSets.map((name) => ({ scope: 'REGIONAL' as const, region: facts.region, name })),
    ...(edge === undefined
      ? []
      : cloudFrontIpSets.map((name) => ({ scope: 'CLOUDFRONT' as const, region: edge, name }))),
  ];
  const found = await inBatches(wanted, 3, async (set) => {
    const where = `AWS WAF: ${set.scope} IP set ${set.name} in ${set.region}`;
    try {
      const live = await findIpSet(aws, set, facts.indicator);
      if (!live) missing.push(`${where} does not exist`);
      else if (live.version !== facts.family)
        return []; // the set of the other address family
      else return [{ ...set, id: live.id, arn: live.arn, listed: live.listed, size: live.size }];
    } catch (error) {
      if (!isAccessDenied(error)) throw error;
      missing.push(`${where} may not be read (${describeError(error)})`);
      unreadable.push(where);
    }
    return [];
  });
  const usable = found.flat();
  if (usable.length === 0 && !missing.some((line) => line.startsWith('AWS WAF')))
    missing.push(`AWS WAF: none of the IP sets named in policy.yml holds ${facts.family} addresses`);
  return usable;
}

async function domainListOf(
  aws: Aws,
  { dnsFirewallList }: BlockSettings,
  facts: IndicatorFacts,
  { missing, unreadable }: NotUsable,
): Promise<IndicatorState['domainList']> {
  if (dnsFirewallList === '') {
    missing.push(
      'DNS Firewall: no domain list is named in policy.yml (playbooks.block-indicator.dnsFirewallList)',
    );
    return null;
  }
  const where = `DNS Firewall: domain list ${dnsFirewallList} in ${facts.region}`;
  try {
    const found = await listNamed(aws, dnsFirewallList);
    if (found?.Id && !(await isListTagged(aws, found.Arn ?? ''))) {
      missing.push(`${where} does not carry the tag ${LIST_TAG}`);
      return null;
    }
    if (found?.Id) {
      const [status, listed, uses] = await Promise.all([
        statusOf(aws, found.Id),
        listedIn(aws, found.Id, facts.indicator),
        usesOf(aws, found.Id, facts.indicator),
      ]);
      const arn = found.Arn ?? '';
      return { id: found.Id, name: dnsFirewallList, arn, status, listed: [...listed], uses: [...uses] };
    }
    missing.push(`${where} does not exist`);
    return null;
  } catch (error) {
    if (!isAccessDenied(error)) throw error;
    missing.push(`${where} may not be read (${describeError(error)})`);
    unreadable.push(where);
    return null;
  }
}
