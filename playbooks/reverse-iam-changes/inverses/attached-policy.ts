import { z } from 'zod';
import { parseArn } from '../../../core/aws/arn.ts';
import { defineInverse, objectsIn, textIn } from '../../common/changes/inverse.ts';
import { EVERYONE, identity, identityNames, inConfig, isAttached, NAMES, setAttached } from '../identity.ts';

/** A managed policy is attached again where it was, and detached where it was not. */
export const attachedPolicy = defineInverse({
  id: 'attached-policy',
  danger: 'takes over',
  calls: {
    source: 'iam.amazonaws.com',
    names: [
      ...['AttachUserPolicy', 'AttachRolePolicy', 'AttachGroupPolicy'],
      ...['DetachUserPolicy', 'DetachRolePolicy', 'DetachGroupPolicy'],
    ],
  },
  does: 'what was attached is detached, and what was detached is attached',
  resource: identity.extend({
    policyArn: z.string().regex(/^arn:[a-z-]+:iam::(aws|\d{12}):policy\/[\w+=,.@/-]{1,600}$/),
  }),
  value: z.boolean().nullable(),
  effects({ name, request }, { partition, account }) {
    const [, does, of = ''] = /^(Attach|Detach)(User|Role|Group)Policy$/.exec(name) ?? [];
    const policyArn = textIn(request, 'policyArn') ?? '';
    const owner = parseArn(policyArn);
    if (owner?.partition !== partition || !['aws', account].includes(owner.account)) return [];
    const resource = { of: of.toLowerCase(), name: textIn(request, `${of.toLowerCase()}Name`), policyArn };
    // To attach what is attached succeeds; to detach what is not fails.
    return [
      does === 'Attach' ? { resource, left: true, guess: false } : { resource, left: false, before: true },
    ];
  },
  listedAs: ({ name }) => name,
  recorded: {
    of: inConfig,
    value: ({ configuration }, { policyArn }) =>
      objectsIn(configuration, 'attachedManagedPolicies')?.some((one) => one['policyArn'] === policyArn),
  },
  names: (aws, { policyArn: _policy, ...who }) => identityNames(aws, who),
  says: ({ of, name, policyArn }, wanted) =>
    `${wanted ? 'Attach' : 'Detach'} ${policyArn.split('/').at(-1)} ${wanted ? 'to' : 'from'} ${of} ${name}`,
  read: (aws, { policyArn, ...who }) => isAttached(aws, who, policyArn),
  put: (aws, { policyArn, ...who }, to) => setAttached(aws, who, policyArn, to),
  permissions: {
    read: [
      NAMES,
      {
        actions: [
          'iam:ListAttachedGroupPolicies',
          'iam:ListAttachedRolePolicies',
          'iam:ListAttachedUserPolicies',
        ],
        resources: EVERYONE,
        why: 'which managed policies are attached',
      },
    ],
    write: [
      {
        actions: ['iam:AttachUserPolicy', 'iam:AttachRolePolicy', 'iam:AttachGroupPolicy'],
        resources: EVERYONE,
        why: 'managed policies are attached as they were',
        worst: 'administrator of the account: attaches any policy to any identity that is not protected',
      },
      {
        actions: ['iam:DetachUserPolicy', 'iam:DetachRolePolicy', 'iam:DetachGroupPolicy'],
        resources: EVERYONE,
        // The deny is how others are contained: undo alone takes it away.
        condition: { ArnNotEquals: { 'iam:PolicyARN': 'arn:${Partition}:iam::aws:policy/AWSDenyAll' } },
        why: 'a managed policy that the principal attached is detached',
        worst: 'takes rights from any identity that is not protected',
      },
    ],
  },
  words: {
    setting: 'Managed policy',
    why: 'it gives rights that the attacker attached, or lost some that it had',
    values: { true: 'attached', false: 'detached' },
  },
  example: {
    eventName: 'AttachUserPolicy',
    requestParameters: {
      userName: 'eve',
      policyArn: ['arn', 'aws', 'iam', '', 'aws', 'policy/AdministratorAccess'].join(':'),
    },
  },
});
