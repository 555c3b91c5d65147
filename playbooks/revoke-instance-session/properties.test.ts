import fc from 'fast-check';
import { credentialFinding, credentialWorld } from '../../sandbox/worlds.ts';
import { playbookProperties } from '../../test/playbooks/properties.ts';
import { revokeInstanceSession } from './playbook.ts';

playbookProperties(revokeInstanceSession, {
  worlds: fc.record({ instances: fc.integer({ min: 1, max: 4 }) }),
  open(twin, { instances }) {
    const { stolen } = credentialWorld(twin, instances);
    return credentialFinding(twin, stolen, { seed: 'property' });
  },
  runs: 10,
});
