import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';
import { NAME } from '../identity.ts';

/** A device of the attacker is not deactivated: undo could not enrol it again. */
export const addedMfa = defineByHand({
  id: 'added-mfa',
  danger: 'lets back in',
  calls: { source: 'iam.amazonaws.com', names: ['EnableMFADevice', 'ResyncMFADevice'] },
  does: 'check the devices of the user, and deactivate the one that was added',
  next({ name, at, request, userName }) {
    const user = textIn(request, 'userName') ?? userName ?? '';
    const serial = textIn(request, 'serialNumber') ?? '';
    const command =
      NAME.test(user) && /^[\w+=/:,.@-]{9,256}$/.test(serial)
        ? awsCommand('iam deactivate-mfa-device', { 'user-name': user, 'serial-number': serial })
        : undefined;
    return {
      what: `an MFA device was added or changed (${said({ name, at })})`,
      next: command ?? 'Find its user in CloudTrail, and deactivate the device that was added.',
    };
  },
  example: {
    eventName: 'EnableMFADevice',
    requestParameters: { userName: 'ann', serialNumber: 'device/of-the-attacker' },
  },
});
