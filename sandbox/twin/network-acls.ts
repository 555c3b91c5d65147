/** Network ACLs and what tells whose an address is: VPC ranges, name servers, Elastic IPs. Part of EC2. */
import { awsError } from '../aws-error.ts';
import { filtered } from './filters.ts';
import { ec2Pages, paged } from './pages.ts';
import type { TwinRegion } from './state.ts';
import type { Answers, TwinCall } from './twin.ts';

export interface TwinAclEntry {
  RuleNumber: number;
  Egress: boolean;
  Protocol: string;
  RuleAction: string;
  CidrBlock?: string;
  Ipv6CidrBlock?: string;
}
export interface TwinAcl {
  NetworkAclId: string;
  VpcId: string;
  IsDefault: boolean;
  subnets: string[];
  Tags: Record<string, string>;
  entries: TwinAclEntry[];
}
/** This part of a Region. */
export interface TwinNetworks {
  acls: TwinAcl[];
  vpcs: { VpcId: string; CidrBlock: string; resolvers: string[]; Tags?: Record<string, string> }[];
  addresses: { AllocationId: string; PublicIp: string }[];
}
export const emptyNetworks = (): TwinNetworks => ({ acls: [], vpcs: [], addresses: [] });

/** Rules of one ACL in one direction and one address family, the default deny counted (Amazon VPC quotas). */
const MOST_RULES = 20;

/** Lets everything through at 100, denies the rest: what a VPC's default ACL holds. */
export const defaultEntries = (): TwinAclEntry[] =>
  [false, true].flatMap((Egress) => [
    { RuleNumber: 100, Egress, Protocol: '-1', RuleAction: 'allow', CidrBlock: '0.0.0.0/0' },
    { RuleNumber: 101, Egress, Protocol: '-1', RuleAction: 'allow', Ipv6CidrBlock: '::/0' },
    { RuleNumber: 32_767, Egress, Protocol: '-1', RuleAction: 'deny', CidrBlock: '0.0.0.0/0' },
    { RuleNumber: 32_768, Egress, Protocol: '-1', RuleAction: 'deny', Ipv6CidrBlock: '::/0' },
  ]);

/** By tag, or all. */
const vpcsOf = ({ region, input }: TwinCall): TwinNetworks['vpcs'] =>
  ((input['Filters'] ?? []) as { Name: string }[]).some(({ Name }) => Name === 'tag-key')
    ? filtered(
        region.networks.vpcs,
        input,
        () => ({}),
        ({ Tags = {} }) => Tags,
      )
    : region.networks.vpcs;

function aclOf({ region, input }: TwinCall): TwinAcl {
  const id = String(input['NetworkAclId']);
  const found = region.networks.acls.find(({ NetworkAclId }) => NetworkAclId === id);
  if (found) return found;
  throw awsError('InvalidNetworkAclID.NotFound', `The networkAcl ID '${id}' does not exist`);
}

const natAddresses = ({ natGateways }: TwinRegion) =>
  natGateways.map(({ NatGatewayId, PublicIp }) => ({
    AllocationId: `eipalloc-of-${NatGatewayId}`,
    PublicIp,
  }));

export const networkAcls: Answers = {
  DescribeNetworkAcls: (call) => {
    const ids = call.input['NetworkAclIds'] as string[] | undefined;
    const { acls } = call.region.networks;
    const unknown = ids?.find((id) => !acls.some(({ NetworkAclId }) => NetworkAclId === id));
    if (unknown !== undefined)
      throw awsError('InvalidNetworkAclID.NotFound', `The networkAcl ID '${unknown}' does not exist`);
    const found = filtered(
      acls.filter(({ NetworkAclId }) => !ids || ids.includes(NetworkAclId)),
      call.input,
      ({ VpcId, NetworkAclId, subnets }) => ({
        'vpc-id': VpcId,
        'network-acl-id': NetworkAclId,
        'association.subnet-id': subnets,
      }),
      ({ Tags }) => Tags,
    );
    const show = ({ entries, subnets, Tags, ...acl }: TwinAcl) => ({
      ...acl,
      Entries: [...entries].sort((a, b) => a.RuleNumber - b.RuleNumber),
      Associations: subnets.map((SubnetId) => ({ SubnetId, NetworkAclId: acl.NetworkAclId })),
      Tags: Object.entries(Tags).map(([Key, Value]) => ({ Key, Value })),
    });
    return paged(call, found, { ...ec2Pages, list: 'NetworkAcls', show });
  },
  CreateNetworkAclEntry: (call) => {
    const acl = aclOf(call);
    const { NetworkAclId: _acl, ...entry } = call.input as unknown as TwinAclEntry & { NetworkAclId: string };
    if (entry.RuleNumber < 1 || entry.RuleNumber > 32_766)
      throw awsError(
        'InvalidParameterValue',
        `Value (${entry.RuleNumber}) for parameter ruleNumber is invalid.`,
      );
    const beside = acl.entries.filter(({ Egress }) => Egress === entry.Egress);
    if (beside.some(({ RuleNumber }) => RuleNumber === entry.RuleNumber)) {
      throw awsError(
        'NetworkAclEntryAlreadyExists',
        `The network acl entry identified by ${entry.RuleNumber} already exists.`,
      );
    }
    const family = beside.filter(
      ({ Ipv6CidrBlock }) => (Ipv6CidrBlock === undefined) === (entry.Ipv6CidrBlock === undefined),
    );
    if (family.length >= MOST_RULES)
      throw awsError(
        'NetworkAclEntryLimitExceeded',
        'The maximum number of network acl entries has been reached.',
      );
    acl.entries.push(entry);
    return {};
  },
  ReplaceNetworkAclEntry: (call) => {
    const acl = aclOf(call);
    const { NetworkAclId: _acl, ...entry } = call.input as unknown as TwinAclEntry & { NetworkAclId: string };
    const at = acl.entries.findIndex(
      ({ RuleNumber, Egress }) => RuleNumber === entry.RuleNumber && Egress === entry.Egress,
    );
    if (at < 0)
      throw awsError(
        'InvalidNetworkAclEntry.NotFound',
        `The network acl entry ${entry.RuleNumber} does not exist`,
      );
    acl.entries[at] = entry;
    return {};
  },
  DeleteNetworkAclEntry: (call) => {
    const acl = aclOf(call);
    const { RuleNumber, Egress } = call.input as unknown as TwinAclEntry;
    const index = acl.entries.findIndex(
      (entry) => entry.RuleNumber === RuleNumber && entry.Egress === Egress,
    );
    if (index < 0)
      throw awsError('InvalidNetworkAclEntry.NotFound', `The network acl entry ${RuleNumber} does not exist`);
    acl.entries.splice(index, 1);
    return {};
  },
  DescribeVpcs: (call) =>
    paged(call, vpcsOf(call), {
      ...ec2Pages,
      list: 'Vpcs',
      show: ({ VpcId, CidrBlock, Tags }) => ({
        ...(Tags ? { Tags: Object.entries(Tags).map(([Key, Value]) => ({ Key, Value })) } : {}),
        VpcId,
        CidrBlock,
        CidrBlockAssociationSet: [{ CidrBlock }],
        DhcpOptionsId: `dopt-${VpcId}`,
      }),
    }),
  DescribeDhcpOptions: ({ region, input }) => {
    const ids = input['DhcpOptionsIds'] as string[];
    const found = region.networks.vpcs.filter(({ VpcId }) => ids.includes(`dopt-${VpcId}`));
    return {
      DhcpOptions: found.map(({ VpcId, resolvers }) => ({
        DhcpOptionsId: `dopt-${VpcId}`,
        DhcpConfigurations: [{ Key: 'domain-name-servers', Values: resolvers.map((Value) => ({ Value })) }],
      })),
    };
  },
  DescribeAddresses: (call) => ({
    Addresses: filtered(
      [...call.region.networks.addresses, ...natAddresses(call.region)],
      call.input,
      ({ PublicIp }) => ({ 'public-ip': PublicIp }),
    ),
  }),
};
