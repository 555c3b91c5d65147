/** An instance is brute-forced from a private address: a host inside, which is looked for and asked about. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { loadPolicy } from '../../core/policy/policy.ts';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { type AddressWorld, addressWorld, findingOn } from '../../sandbox/worlds.ts';

let sandbox: Sandbox;
let world: AddressWorld;
beforeEach(async () => {
  sandbox = await startSandbox({ policy: await loadPolicy('policy.yml'), approvalTimeoutSeconds: () => 1 });
  world = addressWorld(sandbox.twin);
});
afterEach(() => sandbox.close());

const interfaceOf = (id: string) =>
  sandbox.twin.region().interfaces.find(({ InstanceId }) => InstanceId === id);

async function attackedFrom(ip: string) {
  const { instanceId } = world;
  const event = findingOn(sandbox.twin, {
    seed: 'inside',
    type: 'UnauthorizedAccess:EC2/SSHBruteForce',
    resource: {
      resourceType: 'Instance',
      instanceDetails: {
        instanceId,
        networkInterfaces: [{ vpcId: interfaceOf(instanceId)?.VpcId ?? '' }],
      },
    },
    action: {
      actionType: 'NETWORK_CONNECTION',
      networkConnectionAction: { remoteIpDetails: { ipAddressV4: ip }, localPortDetails: { port: 22 } },
    },
  });
  const detail = event['detail'] as { service: object };
  const targeted = {
    ...event,
    detail: { ...detail, service: { ...detail.service, resourceRole: 'TARGET' } },
  };
  await (await sandbox.deliver(targeted)).ended;
  const [incident] = await sandbox.incidents();
  if (!incident) throw new Error('no incident');
  return incident;
}

it('asks about the instance that has the address', async () => {
  const incident = await attackedFrom(interfaceOf(world.neighbourId)?.PrivateIpAddress ?? '');
  expect(incident).toMatchObject({
    playbook: 'isolate-instance',
    decision: { kind: 'ask' },
    targets: [{ target: { id: world.neighbourId } }],
  });
  expect(incident.decision?.reasons.join()).toMatch(/a host inside attacks.*the finding does not name it/);
});

it('says where to look when no interface has it', async () => {
  const incident = await attackedFrom('10.99.99.99');
  expect(incident).toMatchObject({ decision: { kind: 'notify' }, targets: [] });
  expect(incident.decision?.reasons.join()).toMatch(
    /10\.99\.99\.99 is a host inside.*transit gateways and VPN/,
  );
});

it('a public address is the internet', async () => {
  const incident = await attackedFrom('198.51.100.7');
  expect(incident.decision).toMatchObject({ kind: 'notify' });
  expect(incident.decision?.reasons.join()).toContain('internet background noise');
});
