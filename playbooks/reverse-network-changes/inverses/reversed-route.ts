import type { Route } from '@aws-sdk/client-ec2';
import { z } from 'zod';
import type { Aws } from '../../../core/aws/client.ts';
import { defineInverse, objectsIn, textIn } from '../../common/changes/inverse.ts';
import {
  ec2Arn,
  ec2Names,
  firstText,
  idOf,
  orElse,
  prefixList,
  range,
  SOURCE,
  spelled,
  unless,
} from '../network.ts';

/** Where a route may lead, by the prefix of the id: the member of a record, and that of the API. */
const LEADS = [
  ['igw', 'gatewayId', 'GatewayId'],
  ['vgw', 'gatewayId', 'GatewayId'],
  ['vpce', 'vpcEndpointId', 'VpcEndpointId'],
  ['nat', 'natGatewayId', 'NatGatewayId'],
  ['eni', 'networkInterfaceId', 'NetworkInterfaceId'],
  ['pcx', 'vpcPeeringConnectionId', 'VpcPeeringConnectionId'],
  ['tgw', 'transitGatewayId', 'TransitGatewayId'],
  ['eigw', 'egressOnlyInternetGatewayId', 'EgressOnlyInternetGatewayId'],
  ['cagw', 'carrierGatewayId', 'CarrierGatewayId'],
  ['lgw', 'localGatewayId', 'LocalGatewayId'],
] as const;

const DESTINATIONS = ['destinationCidrBlock', 'destinationIpv6CidrBlock', 'destinationPrefixListId'];
const route = z.strictObject({ table: idOf('rtb'), destination: z.union([prefixList, range]) });
type Destination = z.infer<typeof route>;
/** The id of where it leads; null: there is no such route. */
const target = z
  .string()
  .regex(new RegExp(`^(${LEADS.map(([prefix]) => prefix).join('|')})-[0-9a-f]{8,17}$`))
  .nullable();

/** A route leads again where it led before; one that was added is removed. */
export const reversedRoute = defineInverse({
  id: 'reversed-route',
  danger: 'opens the network',
  calls: { source: SOURCE, names: ['CreateRoute', 'ReplaceRoute', 'DeleteRoute'] },
  does: 'a route that was added is removed; one that was changed or removed leads again where it led',
  resource: route,
  value: target,
  effects({ name, request }) {
    const resource = {
      table: textIn(request, 'routeTableId'),
      destination: firstText(request, DESTINATIONS),
    };
    if (name === 'DeleteRoute') return [{ resource, left: null }];
    const left = firstText(request, [...new Set(LEADS.map(([, member]) => member))]);
    // Whether EC2 refuses to create the very route that is there is not documented: it may have been there before.
    return [{ resource, left, ...(name === 'CreateRoute' ? { guess: null } : {}) }];
  },
  listedAs: ({ table }) => table,
  recorded: {
    of: ({ table }) => ({ type: 'AWS::EC2::RouteTable', id: table }),
    value({ configuration }, { destination }) {
      const routes = objectsIn(configuration, 'routes');
      const found = routes?.find((one) =>
        DESTINATIONS.some((name) => spelled(textIn(one, name) ?? '') === destination),
      );
      if (!found) return routes && null;
      return firstText(found, [...new Set(LEADS.map(([, member]) => member))]);
    },
  },
  names: (aws, { table }) => ec2Names(aws, 'route-table', table),
  says: ({ table, destination }, wanted) =>
    wanted === null
      ? `Remove the route to ${destination} from ${table}`
      : `Lead ${destination} to ${wanted} again in ${table}`,
  async read(aws, of) {
    const live = await liveRoute(aws, of);
    return live ? leadsTo(live) : null;
  },
  async put(aws, of, to) {
    const { client, api } = await aws.ec2();
    const input = { RouteTableId: of.table, ...destinationOf(of) };
    if (to === null) {
      await unless('InvalidRoute.NotFound', () => client.send(new api.DeleteRouteCommand(input)));
      return;
    }
    const leads = LEADS.find(([prefix]) => to.startsWith(`${prefix}-`));
    if (!leads) throw new Error(`no route leads to ${to}`);
    const there = { ...input, [leads[2]]: to };
    await orElse(
      'RouteAlreadyExists',
      () => client.send(new api.CreateRouteCommand(there)),
      () => client.send(new api.ReplaceRouteCommand(there)),
    );
  },
  permissions: {
    read: [
      {
        // DescribeRouteTables has no resource level.
        actions: ['ec2:DescribeRouteTables'],
        resources: ['*'],
        why: 'where a route that the principal changed leads',
      },
    ],
    write: [
      {
        actions: ['ec2:CreateRoute', 'ec2:DeleteRoute', 'ec2:ReplaceRoute'],
        resources: [ec2Arn('route-table/*')],
        why: 'a route leads again where it led',
        worst: 'cuts any subnet off, or leads its traffic to another place',
      },
    ],
  },
  words: { setting: 'Route', why: 'it says where packets go' },
  example: {
    eventName: 'CreateRoute',
    requestParameters: {
      routeTableId: 'rtb-0123456789abcdef0',
      destinationCidrBlock: '0.0.0.0/0',
      gatewayId: 'igw-0123456789abcdef0',
    },
  },
});

const destinationOf = ({ destination }: Destination) =>
  destination.startsWith('pl-')
    ? { DestinationPrefixListId: destination }
    : destination.includes(':')
      ? { DestinationIpv6CidrBlock: destination }
      : { DestinationCidrBlock: destination };

/** Returns where it leads; null where that is a place no route is made to here, as a core network. EC2 shows endpoints as gateways. */
function leadsTo(live: Route): string | null {
  const ids = LEADS.map(([, , member]) => (member === 'VpcEndpointId' ? undefined : live[member]));
  return target.catch(null).parse(ids.find((id) => id !== undefined) ?? null);
}

/** Routes of the VPC itself and those that a gateway propagates are not anyone's calls. */
async function liveRoute(aws: Aws, { table, destination }: Destination): Promise<Route | undefined> {
  const { client, api } = await aws.ec2();
  const answer = await client.send(
    new api.DescribeRouteTablesCommand({ Filters: [{ Name: 'route-table-id', Values: [table] }] }),
  );
  return answer.RouteTables?.[0]?.Routes?.find(
    ({ Origin, ...live }) =>
      (Origin === undefined || Origin === 'CreateRoute') &&
      [live.DestinationCidrBlock, live.DestinationIpv6CidrBlock, live.DestinationPrefixListId].some(
        (one) => one !== undefined && spelled(one) === destination,
      ),
  );
}
