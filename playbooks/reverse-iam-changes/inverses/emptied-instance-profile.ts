import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';
import { NAME } from '../identity.ts';

/** Who contains may not give instances a role, so that anyone who hijacks it may not either: a person does. */
export const emptiedInstanceProfile = defineByHand({
  id: 'emptied-instance-profile',
  danger: 'destroys',
  calls: { source: 'iam.amazonaws.com', names: ['RemoveRoleFromInstanceProfile'] },
  does: 'the role is added again; Firebreak gives no role to instances unless undo does',
  next({ name, at, request }) {
    const [profile = '', role = ''] = [textIn(request, 'instanceProfileName'), textIn(request, 'roleName')];
    const what = `a role was taken out of an instance profile (${said({ name, at })})`;
    if (!NAME.test(profile) || !NAME.test(role)) return { what, next: 'Look for both in CloudTrail.' };
    const command = awsCommand('iam add-role-to-instance-profile', {
      'instance-profile-name': profile,
      'role-name': role,
    });
    return { what: `${what}: ${role} of ${profile}`, next: `${command}` };
  },
  example: {
    eventName: 'RemoveRoleFromInstanceProfile',
    requestParameters: { instanceProfileName: 'web', roleName: 'app' },
  },
});
