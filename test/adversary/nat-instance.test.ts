/** Someone makes a finding name an instance that forwards the traffic of others: isolating it cuts off a whole network. */
import '../../sandbox/quiet.ts';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadPolicy } from '../../core/policy/policy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { type AddressWorld, addressWorld, groupsOfInstance, implantFinding } from '../../sandbox/worlds.ts';
import { until } from '../workflow/people.ts';

let sandbox: Sandbox;
let world: AddressWorld;
beforeEach(async () => {
  sandbox = await startSandbox({ policy: await loadPolicy('policy.yml') });
  world = addressWorld(sandbox.twin);
});
afterEach(() => sandbox.close());

const eni = () => sandbox.twin.region().interfaces.find(({ InstanceId }) => InstanceId === world.instanceId);
const implant = () => implantFinding(sandbox.twin, world.instanceId, 'nat');
const subnet = (route: Record<string, string>) =>
  sandbox.twin.region().routeTables.push({
    RouteTableId: 'rtb-0123456789abcdef0',
    VpcId: eni()?.VpcId ?? '',
    main: false,
    subnets: ['subnet-0123456789abcdef0'],
    routes: [{ DestinationCidrBlock: '0.0.0.0/0', ...route }],
  });

it.each([
  [
    'a route names the instance',
    () => subnet({ InstanceId: world.instanceId }),
    /route of rtb-0123456789abcdef0/,
  ],
  [
    'a route names its interface',
    () => subnet({ NetworkInterfaceId: eni()?.NetworkInterfaceId ?? '' }),
    /route of rtb-0123456789abcdef0/,
  ],
  [
    'the source/destination check is off',
    () => Object.assign(eni() ?? {}, { SourceDestCheck: false }),
    /source\/destination check .* is off/,
  ],
])('asks before it isolates a router: %s', async (_how, arrange, reason) => {
  arrange();
  await sandbox.deliver(implant());
  const asked = await until(async () =>
    (await sandbox.incidents()).find(({ status }) => status === 'awaiting-approval'),
  );
  expect(asked.decision?.kind).toBe('ask');
  expect(asked.decision?.reasons.join('; ')).toMatch(reason);
  expect(groupsOfInstance(sandbox.twin, world.instanceId)).toEqual(['web', 'admin']);
});

it('goes on unaided for an instance that forwards nothing', async () => {
  subnet({ NatGatewayId: 'nat-0123456789abcdef0' });
  await (await sandbox.deliver(implant())).ended;
  expect(groupsOfInstance(sandbox.twin, world.instanceId)).toEqual(['firebreak-quarantine']);
});
