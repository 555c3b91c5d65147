import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';

/** User data runs when the instance starts. CloudTrail does not record it, and it is set only while the instance is stopped: an outage. */
export const changedUserData = defineByHand({
  id: 'changed-user-data',
  danger: 'persists',
  calls: { source: 'ec2.amazonaws.com', names: ['ModifyInstanceAttribute'] },
  does: 'look at the user data of the instance, and set it again from your template while it is stopped',
  next(call) {
    const instance = textIn(call.request, 'instanceId') ?? '';
    const set = call.request['userData'] !== undefined || textIn(call.request, 'attribute') === 'userData';
    if (!set || !/^i-[0-9a-f]{8,17}$/.test(instance)) return undefined;
    const options = { region: call.region, 'instance-id': instance, attribute: 'userData' };
    return {
      what: `the user data of ${instance} was changed (${said(call)}) and runs at its next start: look at it, and set it again from your template before the instance starts`,
      next: `${awsCommand('ec2 describe-instance-attribute', options)}`,
    };
  },
  example: {
    eventName: 'ModifyInstanceAttribute',
    requestParameters: { instanceId: 'i-0123456789abcdef0', userData: '<sensitiveDataRemoved>' },
  },
});
