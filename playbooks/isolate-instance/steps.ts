/** Every kind of step that an isolation is made of. */
import { aclEntry } from '../common/network-acl.ts';
import { deregister, detachFromGroup } from './capacity-steps.ts';
import { keepVolume, label, shutdownBehaviour, snapshots, terminationProtection } from './evidence-steps.ts';
import { interfaceGroups, securityGroup } from './network-steps.ts';

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
  'acl-entry': aclEntry,
};
