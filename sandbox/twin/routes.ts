/** Routes of route tables: what attackers change, and what a reversal restores. Part of EC2. */
import { awsError } from '../aws-error.ts';
import type { Answers, TwinCall } from './twin.ts';

const DESTINATIONS = ['DestinationCidrBlock', 'DestinationIpv6CidrBlock', 'DestinationPrefixListId'];

function tableOf({ region, input }: TwinCall) {
  const id = String(input['RouteTableId']);
  const found = region.routeTables.find(({ RouteTableId }) => RouteTableId === id);
  if (found) return found;
  throw awsError('InvalidRouteTableID.NotFound', `The routeTable ID '${id}' does not exist`);
}

/** Where in the table the route to the call's destination stands; -1 where there is none. */
const placeIn = (routes: readonly Record<string, string>[], input: TwinCall['input']): number =>
  routes.findIndex((route) =>
    DESTINATIONS.some((name) => input[name] !== undefined && route[name] === input[name]),
  );

const routeIn = ({ input }: TwinCall): Record<string, string> =>
  Object.fromEntries(
    Object.entries(input).flatMap(([name, value]) =>
      name === 'RouteTableId' || typeof value !== 'string' ? [] : [[name, value]],
    ),
  );

const missing = ({ input }: TwinCall) =>
  awsError(
    'InvalidRoute.NotFound',
    `no route with destination ${DESTINATIONS.map((one) => input[one]).join('')}`,
  );

export const routes: Answers = {
  CreateRoute: (call) => {
    const table = tableOf(call);
    if (placeIn(table.routes, call.input) >= 0)
      throw awsError('RouteAlreadyExists', 'The route identified by its destination already exists.');
    table.routes.push(routeIn(call));
    return { Return: true };
  },
  ReplaceRoute: (call) => {
    const table = tableOf(call);
    const at = placeIn(table.routes, call.input);
    if (at < 0)
      throw awsError(
        'InvalidParameterValue',
        'There is no such route in the table. Use CreateRoute instead.',
      );
    table.routes[at] = routeIn(call);
    return {};
  },
  DeleteRoute: (call) => {
    const table = tableOf(call);
    const at = placeIn(table.routes, call.input);
    if (at < 0) throw missing(call);
    table.routes.splice(at, 1);
    return {};
  },
};
