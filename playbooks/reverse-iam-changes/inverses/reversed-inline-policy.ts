import { z } from 'zod';
import {
  defineInverse,
  documentText,
  objectsIn,
  sameDocument,
  textIn,
} from '../../common/changes/inverse.ts';
import { decodePolicy } from '../../common/iam/policy-documents.ts';
import {
  EVERYONE,
  identity,
  identityNames,
  inConfig,
  inlinePolicy,
  NAME,
  NAMES,
  putInline,
} from '../identity.ts';

/** An inline policy of a user, role or group goes back to its earlier document; one that is new is removed, and undo writes it. */
export const reversedInlinePolicy = defineInverse({
  id: 'reversed-inline-policy',
  danger: 'takes over',
  calls: {
    source: 'iam.amazonaws.com',
    names: [
      ...['PutUserPolicy', 'PutRolePolicy', 'PutGroupPolicy'],
      ...['DeleteUserPolicy', 'DeleteRolePolicy', 'DeleteGroupPolicy'],
    ],
  },
  does: 'the earlier document is written again; one that was not there before is removed',
  resource: identity.extend({ policy: z.string().regex(NAME) }),
  value: documentText,
  effects({ name, request }) {
    const [, puts, of = ''] = /^(Put|Delete)(User|Role|Group)Policy$/.exec(name) ?? [];
    const resource = {
      of: of.toLowerCase(),
      name: textIn(request, `${of.toLowerCase()}Name`),
      policy: textIn(request, 'policyName'),
    };
    return puts === 'Put'
      ? [{ resource, left: textIn(request, 'policyDocument'), guess: null }]
      : [{ resource, left: null }];
  },
  listedAs: ({ name }) => name,
  recorded: {
    of: inConfig,
    // `rolePolicyList: [{ policyName, policyDocument }]`, the document URL-encoded [M].
    value({ configuration }, { of, policy }) {
      const all = objectsIn(configuration, `${of}PolicyList`);
      if (!all) return undefined;
      const document = textIn(
        all.find(({ policyName }) => policyName === policy),
        'policyDocument',
      );
      return document === undefined ? null : decodePolicy(document).text;
    },
  },
  names: (aws, who) => identityNames(aws, who),
  says: ({ of, name, policy }, wanted) =>
    wanted === null
      ? `Remove inline policy ${policy} of ${of} ${name}`
      : `Restore inline policy ${policy} of ${of} ${name}`,
  read: (aws, who) => inlinePolicy(aws, who, who.policy),
  put: (aws, who, to) => putInline(aws, who, who.policy, to),
  same: sameDocument,
  permissions: {
    read: [
      NAMES,
      {
        actions: ['iam:GetGroupPolicy', 'iam:GetRolePolicy', 'iam:GetUserPolicy'],
        resources: EVERYONE,
        why: 'inline policies that the principal changed',
      },
    ],
    write: [
      {
        actions: [
          ...['iam:PutUserPolicy', 'iam:PutRolePolicy', 'iam:PutGroupPolicy'],
          ...['iam:DeleteUserPolicy', 'iam:DeleteRolePolicy', 'iam:DeleteGroupPolicy'],
        ],
        resources: EVERYONE,
        why: 'an inline policy goes back to what it was',
        worst:
          'administrator of the account: an inline policy may allow everything to any identity that is not protected; removes any inline policy',
      },
    ],
  },
  words: {
    setting: 'Inline policy',
    why: 'it gives rights that the attacker wrote, or lost some that it had',
  },
  example: {
    eventName: 'PutRolePolicy',
    requestParameters: {
      roleName: 'app',
      policyName: 'extra',
      policyDocument: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}',
    },
  },
});
