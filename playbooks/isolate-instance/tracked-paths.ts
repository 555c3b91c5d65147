/**
 * Where connections survive the move to quarantine. A change of security groups ends only untracked flows; on the paths
 * below AWS tracks every connection whatever the rules say (EC2 user guide, "Untracked connections"). An internet
 * gateway with a public address, VPC peering and gateway endpoints are not among them.
 */
import type { Route, RouteTable } from '@aws-sdk/client-ec2';
import type { NetworkInterfaceState, Registration, TrackedPath } from './state.ts';

/** The route table of a subnet: the one associated with it, otherwise the VPC's main table. */
export function routeTableOf(subnetId: string, tables: readonly RouteTable[]): RouteTable | undefined {
  const has = (test: (association: NonNullable<RouteTable['Associations']>[number]) => boolean) =>
    tables.find((table) => table.Associations?.some(test));
  return has(({ SubnetId }) => SubnetId === subnetId) ?? has(({ Main }) => Main === true);
}

/** Tracked paths by which the instance's interfaces reach anything, each named once. */
export function routedPaths(
  interfaces: readonly Pick<NetworkInterfaceState, 'subnetId' | 'ipv6'>[],
  tables: readonly RouteTable[],
): readonly TrackedPath[] {
  const paths = interfaces.flatMap(({ subnetId, ipv6 }) =>
    (routeTableOf(subnetId, tables)?.Routes ?? []).flatMap((route) => trackedPathOf(route, ipv6) ?? []),
  );
  return [...new Map(paths.map((path) => [path.id, path])).values()];
}

function trackedPathOf(route: Route, ipv6: boolean): TrackedPath | undefined {
  if (route.State === 'blackhole') return undefined;
  if (route.NatGatewayId) return { kind: 'nat-gateway', id: route.NatGatewayId };
  if (route.TransitGatewayId) return { kind: 'transit-gateway', id: route.TransitGatewayId };
  // Cloud WAN is not in AWS's list; its edges are transit gateways underneath, so it is taken as tracked [M].
  if (route.CoreNetworkArn) return { kind: 'core-network', id: route.CoreNetworkArn };
  if (route.EgressOnlyInternetGatewayId) {
    return ipv6 ? { kind: 'egress-only-internet-gateway', id: route.EgressOnlyInternetGatewayId } : undefined;
  }
  // A Network Firewall or Gateway Load Balancer endpoint; the S3 and DynamoDB gateway endpoints carry a prefix list.
  if (route.GatewayId?.startsWith('vpce-') && !route.DestinationPrefixListId) {
    return { kind: 'firewall-endpoint', id: route.GatewayId };
  }
  return undefined;
}

/** The load balancer path of a registration; Application Load Balancers open connections of their own. */
export function loadBalancerPath({ protocol, targetGroupName }: Registration): TrackedPath | undefined {
  if (protocol === 'GENEVE') return { kind: 'gateway-load-balancer', id: targetGroupName };
  if (['TCP', 'TLS', 'UDP', 'TCP_UDP', 'QUIC', 'TCP_QUIC'].includes(protocol)) {
    return { kind: 'network-load-balancer', id: targetGroupName };
  }
  return undefined;
}

const NAMES: Readonly<Record<TrackedPath['kind'], string>> = {
  'nat-gateway': 'NAT gateway',
  'transit-gateway': 'transit gateway',
  'core-network': 'Cloud WAN core network',
  'egress-only-internet-gateway': 'egress-only internet gateway',
  'firewall-endpoint': 'Network Firewall or Gateway Load Balancer endpoint',
  'interface-endpoint': 'interface VPC endpoint',
  'network-load-balancer': 'target group of a Network Load Balancer',
  'gateway-load-balancer': 'target group of a Gateway Load Balancer',
};

/** One sentence per kind of path, naming every id. */
export function residualOf(paths: readonly TrackedPath[]): readonly string[] {
  const kinds = [...new Set(paths.map(({ kind }) => kind))];
  return kinds.map((kind) => {
    const ids = [...new Set(paths.filter((path) => path.kind === kind).map(({ id }) => id))];
    return `tracked flows possible via ${ids.join(', ')} (${NAMES[kind]}): connections open before isolation may live on`;
  });
}
