/** What a principal opened in the network, or cut off: rules of security groups, entries of network ACLs, and routes. */
import { changeGroup } from '../common/changes/group.ts';
import { INVERSES } from './inverses/index.ts';

export const networkChanges = changeGroup({
  id: 'reverse-network-changes',
  title: 'Reverse what a principal changed in the network',
  kind: 'network-changes',
  about: `
The part of \`reverse-changes\` that is about VPCs: rules of security groups, entries of network ACLs, and routes. A rule that
was opened is closed again. Security groups follow connections: one that was opened
while a rule let it through may live on after the rule is gone. Network ACLs and routes act on every packet.
`,
  answers: INVERSES,
  lost: 'the ids and tags of the rules of security groups that undo makes again',
});
export const reverseNetworkChanges = networkChanges.playbook;
