import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';
import { idOf, SOURCE } from '../network.ts';

/** A peering that is deleted cannot be made again without the other account: the routes to it are what is removed here. */
export const openedPeering = defineByHand({
  id: 'opened-peering',
  danger: 'opens the network',
  calls: { source: SOURCE, names: ['CreateVpcPeeringConnection', 'AcceptVpcPeeringConnection'] },
  does: 'the peering is deleted, which ends it for both sides for good; routes to it are reversed',
  next({ name, at, region, request, response }) {
    const id =
      textIn(request, 'vpcPeeringConnectionId') ??
      textIn(response, 'vpcPeeringConnection', 'vpcPeeringConnectionId') ??
      '';
    const what = `a VPC peering was opened (${said({ name, at })})`;
    if (!idOf('pcx').safeParse(id).success) return { what, next: 'Look for it in CloudTrail and delete it.' };
    const command = awsCommand('ec2 delete-vpc-peering-connection', {
      region,
      'vpc-peering-connection-id': id,
    });
    return { what: `${what}: ${id}`, next: `${command}` };
  },
  example: {
    eventName: 'AcceptVpcPeeringConnection',
    requestParameters: { vpcPeeringConnectionId: 'pcx-0123456789abcdef0' },
  },
});
