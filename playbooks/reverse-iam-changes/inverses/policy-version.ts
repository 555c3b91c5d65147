import { z } from 'zod';
import { parseArn } from '../../../core/aws/arn.ts';
import { defineInverse, textIn, valueIn } from '../../common/changes/inverse.ts';
import { unlessGone } from '../identity.ts';

const POLICIES = 'arn:${Partition}:iam::${Account}:policy/*';

/** The version of a managed policy that was in force is so again. The attacker's version stays, out of force, for undo. */
export const policyVersion = defineInverse({
  id: 'policy-version',
  danger: 'takes over',
  calls: {
    source: 'iam.amazonaws.com',
    names: ['CreatePolicyVersion', 'SetDefaultPolicyVersion'],
    alsoTold: ['CreatePolicy'],
  },
  does: 'the version that was in force before is the default again; the other one stays, out of force',
  resource: z.strictObject({
    policyArn: z.string().regex(/^arn:[a-z-]+:iam::\d{12}:policy\/[\w+=,.@/-]{1,600}$/),
  }),
  value: z
    .string()
    .regex(/^v[1-9]\d{0,5}$/)
    .nullable(),
  effects({ name, request, response }, { partition, account }) {
    const policyArn = textIn(request, 'policyArn') ?? textIn(response, 'policy', 'arn') ?? '';
    const owner = parseArn(policyArn);
    if (owner?.partition !== partition || owner.account !== account) return [];
    if (name === 'CreatePolicy') return [{ resource: { policyArn }, left: 'v1' }];
    if (name === 'SetDefaultPolicyVersion')
      return [{ resource: { policyArn }, left: textIn(request, 'versionId') }];
    if (valueIn(request, 'setAsDefault') !== true) return [];
    const left = textIn(response, 'policyVersion', 'versionId');
    const older = Number(left?.slice(1)) - 1;
    return [{ resource: { policyArn }, left, guess: older > 0 ? `v${older}` : undefined }];
  },
  listedAs: ({ policyArn }) => policyArn,
  recorded: {
    of: ({ policyArn }) => ({ type: 'AWS::IAM::Policy', name: policyArn.split('/').at(-1) ?? '' }),
    // Two policies may have one name, by their paths.
    value: ({ configuration }, { policyArn }) =>
      textIn(configuration, 'arn') === policyArn ? textIn(configuration, 'defaultVersionId') : undefined,
  },
  names: (_aws, { policyArn }) => [policyArn, policyArn.split('/').at(-1) ?? ''],
  says: ({ policyArn }, wanted) =>
    `Set version ${wanted} of policy ${policyArn.split('/').at(-1)} as default`,
  async read(aws, { policyArn: PolicyArn }) {
    const { client, api } = await aws.iam();
    const found = await unlessGone(client.send(new api.GetPolicyCommand({ PolicyArn })));
    return found?.Policy?.DefaultVersionId ?? null;
  },
  async put(aws, { policyArn: PolicyArn }, to) {
    if (to === null) throw new Error('a policy always has a version in force');
    const { client, api } = await aws.iam();
    await client.send(new api.SetDefaultPolicyVersionCommand({ PolicyArn, VersionId: to }));
  },
  permissions: {
    read: [{ actions: ['iam:GetPolicy'], resources: [POLICIES], why: 'which version is in force' }],
    write: [
      {
        actions: ['iam:SetDefaultPolicyVersion'],
        resources: [POLICIES],
        why: 'the version of a policy that was in force is so again',
        worst: 'puts any earlier version of any policy in force',
      },
    ],
  },
  words: { setting: 'Policy version in force', why: 'the version of the attacker gives other rights' },
  example: {
    eventName: 'CreatePolicyVersion',
    requestParameters: {
      policyArn: ['arn', 'aws', 'iam', '', '111122223333', 'policy/app'].join(':'),
      setAsDefault: true,
      policyDocument: '{}',
    },
    responseElements: { policyVersion: { versionId: 'v3', isDefaultVersion: true } },
  },
});
