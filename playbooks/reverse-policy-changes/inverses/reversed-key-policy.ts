import { awsErrorName } from '../../../core/errors.ts';
import { textIn } from '../../common/changes/inverse.ts';
import { letsInAgain, letsRootIn, policyEffect } from '../../common/changes/policy.ts';
import { KEYS, key, keyId, keyNames, ownKey } from '../key.ts';
import { policyTextIn, resourcePolicy } from '../resource-policy.ts';

/** Who may use a key is again who might before. KMS checks that the key policy can still be changed afterwards. */
export const reversedKeyPolicy = resourcePolicy({
  id: 'reversed-key-policy',
  calls: { source: 'kms.amazonaws.com', names: ['PutKeyPolicy'], alsoTold: ['CreateKey'] },
  does: 'the earlier policy is written again, unless it would let others in again or lock the account out',
  resource: key,
  effects({ name, request, response }, scope) {
    if ((textIn(request, 'policyName') ?? 'default') !== 'default') return [];
    const named = textIn(request, 'keyId') ?? textIn(response, 'keyMetadata', 'keyId');
    const resource = { key: ownKey(named, scope) };
    if (name === 'CreateKey') return [{ resource, left: policyTextIn(request, 'policy') }];
    const effect = policyEffect(resource, textIn(request, 'policy'), scope);
    // A key always has a policy.
    return [{ ...effect, guess: effect.guess ?? undefined }];
  },
  listedAs: ({ key: of }) => of,
  recorded: {
    of: (of) => ({ type: 'AWS::KMS::Key', id: keyId(of) }),
    value: ({ supplementary }) => policyTextIn(supplementary, 'Policy'),
  },
  names: keyNames,
  what: (of) => `key ${keyId(of)}`,
  byHand: (wanted, left, scope) =>
    letsInAgain(wanted, left, scope) ??
    (letsRootIn(wanted, scope) ? undefined : 'it would not leave the account in charge of the key'),
  async read(aws, { key: KeyId }) {
    const { client, api } = await aws.kms();
    try {
      const { Policy } = await client.send(new api.GetKeyPolicyCommand({ KeyId, PolicyName: 'default' }));
      return Policy ?? null;
    } catch (error) {
      if (awsErrorName(error) === 'NotFoundException') return null;
      throw error;
    }
  },
  async put(aws, { key: KeyId }, to) {
    if (to === null) throw new Error('a key always has a policy');
    const { client, api } = await aws.kms();
    await client.send(new api.PutKeyPolicyCommand({ KeyId, PolicyName: 'default', Policy: to }));
  },
  permissions: {
    read: [{ actions: ['kms:GetKeyPolicy'], resources: [KEYS], why: 'the policy of a key' }],
    write: [
      {
        actions: ['kms:PutKeyPolicy'],
        resources: [KEYS],
        why: 'the policy of a key goes back to what it was',
        worst: 'lets anyone use any key whose policy leaves the account in charge',
      },
    ],
  },
  ...{ setting: 'Key policy', why: 'it says who may decrypt with the key, and who may change it' },
  example: {
    eventName: 'PutKeyPolicy',
    requestParameters: {
      ...{ keyId: '00000000-0000-4000-8000-00000000000a', policyName: 'default' },
      policy:
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["111122223333","444455556666"]},"Action":"kms:*","Resource":"*"}]}',
    },
  },
});
