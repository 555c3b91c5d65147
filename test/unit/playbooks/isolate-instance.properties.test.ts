import fc from 'fast-check';
import { isolateInstance } from '../../../playbooks/isolate-instance.ts';
import { addressFinding, addressWorld } from '../../../sandbox/worlds.ts';
import { playbookProperties } from './properties.ts';

playbookProperties(isolateInstance, {
  worlds: fc.record({ protectedFromTermination: fc.boolean(), keepVolumes: fc.boolean() }),
  open(twin, world) {
    const { instanceId } = addressWorld(twin);
    const instance = twin.region().instances.find(({ InstanceId }) => InstanceId === instanceId);
    if (!instance) throw new Error('the world has no instance');
    instance.DisableApiTermination = world.protectedFromTermination;
    for (const volume of instance.Volumes) volume.DeleteOnTermination = !world.keepVolumes;
    return addressFinding(twin, instanceId, { seed: 'property' });
  },
  runs: 10,
});
