/** The instances that use a role, in every enabled Region, and the way out of one of them. */
import type { Instance, NatGateway, Route, RouteTable } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import type { Aws } from '../../../core/aws/client.ts';
import { enabledRegions } from '../../../core/aws/regions.ts';
import { awsErrorName, isAccessDenied } from '../../../core/errors.ts';

export const egressSchema = z.discriminatedUnion('known', [
  z.object({ known: z.literal(true), cidrs: z.array(z.string()).min(1), vpcId: z.string() }),
  z.object({ known: z.literal(false), why: z.string() }),
]);
export type Egress = z.infer<typeof egressSchema>;

export const userSchema = z.object({ instanceId: z.string(), region: z.string(), state: z.string() });
type RoleUser = z.infer<typeof userSchema>;

export interface FoundInstance {
  readonly region: string;
  readonly instance: Instance;
}

export interface RoleInstances {
  readonly users: RoleUser[];
  readonly unread: { region: string; why: string }[];
  /** The instance looked for, if it still has the role. */
  readonly found: FoundInstance | undefined;
}

/**
 * Counts by instance profile: there is no call from a role to its instances. A Region that denies us is named. The list
 * of Regions is asked for in `home`, the finding's: an organisation may deny EC2 elsewhere.
 */
export async function instancesOf(
  aws: Aws,
  home: string,
  profileArns: readonly string[],
  instanceId: string,
): Promise<RoleInstances> {
  if (profileArns.length === 0) return { users: [], unread: [], found: undefined };
  const regions = await enabledRegions(aws.inRegion(home));
  if ('why' in regions)
    return { users: [], unread: [{ region: 'every Region', why: regions.why }], found: undefined };
  const perRegion = await Promise.all(
    regions.map((region) => inRegion(aws.inRegion(region), region, profileArns)),
  );
  const all = perRegion.flatMap(({ instances }) => instances);
  const users = all.map(({ region, instance }) => ({
    instanceId: instance.InstanceId ?? '',
    region,
    state: instance.State?.Name ?? 'unknown',
  }));
  return {
    users: users.sort((a, b) => (a.instanceId < b.instanceId ? -1 : 1)),
    unread: perRegion.flatMap(({ region, why }) => (why === undefined ? [] : [{ region, why }])),
    found: all.find(({ instance }) => instance.InstanceId === instanceId),
  };
}

interface RegionRead {
  readonly region: string;
  readonly instances: readonly FoundInstance[];
  readonly why?: string;
}

async function inRegion(aws: Aws, region: string, profileArns: readonly string[]): Promise<RegionRead> {
  const { client, api } = await aws.ec2();
  const instances: FoundInstance[] = [];
  let token: string | undefined;
  try {
    do {
      const page = await client.send(
        new api.DescribeInstancesCommand({
          Filters: [{ Name: 'iam-instance-profile.arn', Values: [...profileArns] }],
          ...(token ? { NextToken: token } : {}),
        }),
      );
      for (const instance of (page.Reservations ?? []).flatMap(({ Instances }) => Instances ?? [])) {
        const gone = ['terminated', 'shutting-down'].includes(instance.State?.Name ?? '');
        if (!gone) instances.push({ region, instance });
      }
      token = page.NextToken;
    } while (token);
  } catch (error) {
    // Organisations deny whole Regions; that must be reported, not stop the response.
    if (isAccessDenied(error)) return { region, instances, why: awsErrorName(error) ?? 'denied' };
    throw error;
  }
  return { region, instances };
}

/**
 * The public addresses that the instance's own calls come from, where they are certain: its public and IPv6 addresses
 * behind an internet gateway, its NAT gateways' addresses behind NAT. Any other way out (transit gateway, peering,
 * virtual gateway, appliance) may change the address on the way: not known then, and not guessed.
 */
export async function egressOf(aws: Aws, found: FoundInstance): Promise<Egress> {
  try {
    return await readEgress(aws, found);
  } catch (error) {
    if (isAccessDenied(error)) return unknown(`its network may not be read (${awsErrorName(error)})`);
    throw error;
  }
}

async function readEgress(aws: Aws, { region, instance }: FoundInstance): Promise<Egress> {
  const vpcId = instance.VpcId;
  const interfaces = instance.NetworkInterfaces ?? [];
  if (!vpcId || interfaces.length === 0) return unknown('the instance has no network interface');
  const there = aws.inRegion(region);
  const tables = await routeTables(there, vpcId);
  const cidrs = new Set<string>();
  const natIds = new Set<string>();
  for (const eni of interfaces) {
    const table = tableOf(tables, eni.SubnetId ?? '');
    if (!table) return unknown(`no route table is known for ${eni.SubnetId}`);
    for (const route of table.Routes ?? []) {
      const way = wayOf(route);
      if (way.kind === 'other')
        return unknown(`${table.RouteTableId} routes ${destinationOf(route)} to ${way.via}`);
      if (way.kind === 'nat') natIds.add(way.id);
    }
    const addresses = eni.PrivateIpAddresses ?? [];
    for (const { Association } of addresses)
      if (Association?.PublicIp) cidrs.add(`${Association.PublicIp}/32`);
    for (const { Ipv6Address } of eni.Ipv6Addresses ?? []) if (Ipv6Address) cidrs.add(`${Ipv6Address}/128`);
    for (const { Ipv6Prefix } of eni.Ipv6Prefixes ?? []) if (Ipv6Prefix) cidrs.add(Ipv6Prefix);
  }
  for (const gateway of await natGateways(there, [...natIds])) {
    const addresses = addressesOf(gateway);
    if (addresses.length === 0) return unknown(`${gateway.NatGatewayId} has no fixed public address`);
    for (const address of addresses) cidrs.add(`${address}/32`);
    natIds.delete(gateway.NatGatewayId ?? '');
  }
  if (natIds.size > 0) return unknown(`NAT gateway ${[...natIds].join(', ')} is not in this account's list`);
  if (cidrs.size === 0) return unknown('no public address leads out of its subnet');
  return { known: true, cidrs: [...cidrs].sort(), vpcId };
}

const unknown = (why: string): Egress => ({ known: false, why });

async function routeTables(aws: Aws, vpcId: string): Promise<RouteTable[]> {
  const { client, api } = await aws.ec2();
  const tables: RouteTable[] = [];
  let token: string | undefined;
  do {
    const page = await client.send(
      new api.DescribeRouteTablesCommand({
        Filters: [{ Name: 'vpc-id', Values: [vpcId] }],
        ...(token ? { NextToken: token } : {}),
      }),
    );
    tables.push(...(page.RouteTables ?? []));
    token = page.NextToken;
  } while (token);
  return tables;
}

/** The subnet's own table, or the VPC's main one. */
const tableOf = (tables: readonly RouteTable[], subnetId: string): RouteTable | undefined =>
  tables.find(({ Associations }) => Associations?.some((association) => association.SubnetId === subnetId)) ??
  tables.find(({ Associations }) => Associations?.some((association) => association.Main === true));

type Way =
  | { readonly kind: 'plain' } // inside the VPC, an internet gateway, or a gateway endpoint: the source stays itself
  | { readonly kind: 'nat'; readonly id: string }
  | { readonly kind: 'other'; readonly via: string };

function wayOf(route: Route): Way {
  if (route.State === 'blackhole') return { kind: 'plain' }; // leads nowhere
  if (route.NatGatewayId) return { kind: 'nat', id: route.NatGatewayId };
  if (route.EgressOnlyInternetGatewayId) return { kind: 'plain' };
  const gateway = route.GatewayId ?? '';
  if (gateway === 'local' || gateway.startsWith('igw-')) return { kind: 'plain' };
  // A gateway endpoint is reached by prefix list; a Gateway Load Balancer endpoint by address, and sends elsewhere.
  if (gateway.startsWith('vpce-') && route.DestinationPrefixListId) return { kind: 'plain' };
  const via =
    route.TransitGatewayId ??
    route.VpcPeeringConnectionId ??
    route.NetworkInterfaceId ??
    route.InstanceId ??
    route.LocalGatewayId ??
    route.CarrierGatewayId ??
    route.CoreNetworkArn ??
    route.GatewayId;
  return { kind: 'other', via: via ?? 'an unknown gateway' };
}

const destinationOf = (route: Route): string =>
  route.DestinationCidrBlock ?? route.DestinationIpv6CidrBlock ?? route.DestinationPrefixListId ?? 'traffic';

async function natGateways(aws: Aws, ids: readonly string[]): Promise<NatGateway[]> {
  if (ids.length === 0) return [];
  const { client, api } = await aws.ec2();
  // By filter: in a shared VPC the gateway is another account's, and naming its id would be an error.
  const { NatGateways } = await client.send(
    new api.DescribeNatGatewaysCommand({ Filter: [{ Name: 'nat-gateway-id', Values: [...ids] }] }),
  );
  return NatGateways ?? [];
}

/** A private NAT gateway translates to no public address, a Regional one may take on new addresses at any time. */
function addressesOf(gateway: NatGateway): string[] {
  if (gateway.ConnectivityType === 'private' || gateway.AvailabilityMode === 'regional') return [];
  return (gateway.NatGatewayAddresses ?? []).flatMap(({ PublicIp }) => (PublicIp ? [PublicIp] : []));
}
