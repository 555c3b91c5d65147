import { awsCommand } from '../../../core/aws/command-line.ts';
import { said } from '../../common/changes/call.ts';
import { defineByHand, textIn } from '../../common/changes/inverse.ts';

/** A trust anchor lets certificates of its authority into roles; Firebreak has no rights to IAM Roles Anywhere. */
export const rolesAnywhere = defineByHand({
  id: 'roles-anywhere',
  danger: 'lets back in',
  calls: {
    source: 'rolesanywhere.amazonaws.com',
    names: ['CreateTrustAnchor', 'EnableTrustAnchor', 'UpdateTrustAnchor', 'CreateProfile', 'EnableProfile'],
  },
  does: 'disable the trust anchor or profile, which can be enabled again',
  next({ name, at, region, request, response }) {
    const of = name.endsWith('Profile') ? ['profile', 'profileId'] : ['trust-anchor', 'trustAnchorId'];
    const [kind = '', key = ''] = of;
    const member = key.slice(0, -2);
    const id = textIn(request, key) ?? textIn(response, member, key) ?? '';
    const command = /^[0-9a-f-]{36}$/.test(id)
      ? awsCommand(`rolesanywhere disable-${kind}`, { region, [`${kind}-id`]: id })
      : undefined;
    return {
      what: `a ${kind.replace('-', ' ')} of Roles Anywhere was created or changed (${said({ name, at })})`,
      next: command ?? `Find its id in CloudTrail, and disable the ${kind.replace('-', ' ')}.`,
    };
  },
  example: { eventName: 'CreateTrustAnchor', requestParameters: { name: 'ca', enabled: true } },
});
