/** Every kind of step that an isolation is made of. */
import { aclEntry } from '../common/network-acl.ts';
import { addressesOf } from './aws-calls.ts';
import { deregister, detachFromGroup } from './capacity-steps.ts';
import { keepVolume, label, shutdownBehaviour, snapshots, terminationProtection } from './evidence-steps.ts';
import { interfaceGroups, securityGroup } from './network-steps.ts';

/** The rules at the NAT gateway deny the instance's own addresses and no others. */
const natEntry = aclEntry(
  async ({ region, cidr }, { aws, target }) =>
    region === target.region &&
    cidr.endsWith('/32') &&
    (await addressesOf(aws, target)).includes(cidr.slice(0, -'/32'.length)),
);

export const KINDS = {
  'termination-protection': terminationProtection,
  'shutdown-behaviour': shutdownBehaviour,
  'keep-volume': keepVolume,
  label,
  snapshots,
  'detach-from-group': detachFromGroup,
  deregister,
  'security-group': securityGroup,
  'interface-groups': interfaceGroups,
  'acl-entry': natEntry,
};
