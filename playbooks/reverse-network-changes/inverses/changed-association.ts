import { lookUp, said } from '../../common/changes/call.ts';
import { defineByHand } from '../../common/changes/inverse.ts';
import { SOURCE } from '../network.ts';

/** Which table or ACL a subnet had before is in no record of the call. */
export const changedAssociation = defineByHand({
  id: 'changed-association',
  danger: 'opens the network',
  calls: { source: SOURCE, names: ['ReplaceNetworkAclAssociation', 'ReplaceRouteTableAssociation'] },
  does: 'the record does not show which one the subnet had: look at the call',
  next: ({ id, name, at, region }) => ({
    what: `a subnet was given another ${name === 'ReplaceRouteTableAssociation' ? 'route table' : 'network ACL'} (${said({ name, at })})`,
    next: lookUp({ id, region }),
  }),
  example: {
    eventName: 'ReplaceNetworkAclAssociation',
    requestParameters: { associationId: 'aclassoc-0123456789abcdef0', networkAclId: 'acl-0123456789abcdef0' },
  },
});
