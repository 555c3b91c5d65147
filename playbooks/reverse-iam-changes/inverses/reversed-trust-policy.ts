import { z } from 'zod';
import { defineInverse, documentText, textIn } from '../../common/changes/inverse.ts';
import { samePolicy } from '../../common/changes/policy.ts';
import { decodePolicy } from '../../common/iam/policy-documents.ts';
import { identityNames, inConfig, liveIdentity, NAME, NAMES, ROLES } from '../identity.ts';

/** Who may assume a role is again who might before. */
export const reversedTrustPolicy = defineInverse({
  id: 'reversed-trust-policy',
  danger: 'takes over',
  calls: { source: 'iam.amazonaws.com', names: ['UpdateAssumeRolePolicy'], alsoTold: ['CreateRole'] },
  does: 'the trust policy that the role had is written again',
  resource: z.strictObject({ role: z.string().regex(NAME) }),
  value: documentText,
  effects: ({ name, request }) => [
    {
      resource: { role: textIn(request, 'roleName') },
      left: textIn(request, name === 'CreateRole' ? 'assumeRolePolicyDocument' : 'policyDocument'),
    },
  ],
  listedAs: ({ role }) => role,
  recorded: {
    of: ({ role }) => inConfig({ of: 'role', name: role }),
    value({ configuration }) {
      const document = textIn(configuration, 'assumeRolePolicyDocument');
      return document === undefined ? undefined : decodePolicy(document).text;
    },
  },
  names: (aws, { role: name }) => identityNames(aws, { of: 'role', name }),
  says: ({ role }) => `Restore the trust policy of role ${role}`,
  async read(aws, { role: name }) {
    const live = await liveIdentity(aws, { of: 'role', name });
    return live && 'AssumeRolePolicyDocument' in live
      ? decodePolicy(live.AssumeRolePolicyDocument).text
      : null;
  },
  async put(aws, { role: RoleName }, to) {
    if (to === null) throw new Error('a role always has a trust policy');
    const { client, api } = await aws.iam();
    await client.send(new api.UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument: to }));
  },
  same: samePolicy,
  remains: ({ role }) => [
    `sessions of ${role} that were opened meanwhile live on until they expire: revoke the sessions of the role`,
  ],
  permissions: {
    read: [NAMES],
    write: [
      {
        actions: ['iam:UpdateAssumeRolePolicy'],
        resources: [ROLES],
        why: 'who may assume a role is again who might before',
        worst: 'lets anyone assume any role that is not protected',
      },
    ],
  },
  words: { setting: 'Trust policy', why: 'it says who may assume the role' },
  example: {
    eventName: 'UpdateAssumeRolePolicy',
    requestParameters: {
      roleName: 'app',
      policyDocument:
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"444455556666"},"Action":"sts:AssumeRole"}]}',
    },
  },
});
