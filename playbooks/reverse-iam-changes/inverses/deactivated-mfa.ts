import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';
import { NAME } from '../identity.ts';

/** The secret of a device that was deactivated is gone: only its user can enrol one again. */
export const deactivatedMfa = defineByHand({
  id: 'deactivated-mfa',
  danger: 'lets back in',
  calls: { source: 'iam.amazonaws.com', names: ['DeactivateMFADevice', 'DeleteVirtualMFADevice'] },
  does: 'the user enrols a device again; IAM keeps no secret to restore',
  next({ name, at, request, userName }) {
    const user = textIn(request, 'userName') ?? userName ?? '';
    const what = `an MFA device was removed (${said({ name, at })})`;
    if (!NAME.test(user)) return { what, next: 'Find its user in CloudTrail, who enrols a device again.' };
    const command = awsCommand('iam list-mfa-devices', { 'user-name': user });
    return {
      what: `${what} from user ${user}`,
      next: `The user enrols one again; see what is left: ${command}`,
    };
  },
  example: {
    eventName: 'DeactivateMFADevice',
    requestParameters: { userName: 'ann', serialNumber: 'arn:mfa/ann' },
  },
});
