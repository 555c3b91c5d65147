import fc from 'fast-check';
import { addNetwork } from '../../sandbox/networks.ts';
import { addressFinding, addressWorld } from '../../sandbox/worlds.ts';
import { playbookProperties } from '../../test/playbooks/properties.ts';
import { isolateInstance } from './playbook.ts';

/** Auto Scaling is not among these: a replacement was started, and no undo reverts that (see the unit tests). */
playbookProperties(isolateInstance, {
  worlds: fc.record({
    protectedFromTermination: fc.boolean(),
    keepVolumes: fc.boolean(),
    spot: fc.boolean(),
    interfaces: fc.integer({ min: 1, max: 4 }),
    targetGroups: fc.integer({ min: 0, max: 4 }),
    ipv6: fc.boolean(),
    nat: fc.boolean(),
  }),
  open(twin, world) {
    const { instanceId } = addressWorld(twin);
    const region = twin.region();
    const instance = region.instances.find(({ InstanceId }) => InstanceId === instanceId);
    const first = region.interfaces.find(({ InstanceId }) => InstanceId === instanceId);
    if (!instance || !first) throw new Error('the world has no instance');
    const { VpcId } = instance;
    instance.DisableApiTermination = world.protectedFromTermination;
    instance.spot = world.spot;
    for (const volume of instance.Volumes) volume.DeleteOnTermination = !world.keepVolumes;
    for (let DeviceIndex = 1; DeviceIndex < world.interfaces; DeviceIndex++) {
      region.interfaces.push({
        ...first,
        NetworkInterfaceId: twin.nextId('eni'),
        Groups: first.Groups.slice(0, 1),
        DeviceIndex,
        PublicIp: null,
        Ipv6: world.ipv6 ? ['2001:db8::1'] : [],
      });
    }
    for (let index = 0; index < world.targetGroups; index++) {
      region.capacity.targetGroups.push({
        TargetGroupArn: `arn:aws:elasticloadbalancing:eu-west-1:111122223333:targetgroup/g${index}/1`,
        TargetGroupName: `g${index}`,
        Protocol: index % 2 === 0 ? 'HTTP' : 'TCP',
        VpcId,
        targets: [{ Id: instanceId, Port: 8000 + index }],
      });
    }
    if (world.ipv6) region.ipv6Vpcs.push(VpcId);
    if (world.nat) {
      const routes = region.routeTables.find((table) => table.VpcId === VpcId)?.routes;
      const NatGatewayId = twin.nextId('nat');
      routes?.push({ DestinationCidrBlock: '10.9.0.0/16', NatGatewayId });
      const SubnetId = twin.nextId('subnet');
      region.natGateways.push({ NatGatewayId, VpcId, SubnetId, PublicIp: '203.0.113.10' });
      addNetwork(twin, { VpcId, subnets: [SubnetId] });
    }
    return addressFinding(twin, instanceId, { seed: 'property' });
  },
  settings: { natNetworkAcl: true },
  runs: 10,
});
