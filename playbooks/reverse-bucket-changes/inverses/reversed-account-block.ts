import { z } from 'zod';
import { arn } from '../../../core/aws/arn.ts';
import type { Aws } from '../../../core/aws/client.ts';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import { blockOf, blockValue } from '../../common/s3/public-access-block.ts';
import { opensBlock, recordedBlock, requestedBlock } from '../block.ts';
import { SOURCE } from '../bucket.ts';

/** The account's own block, over all its buckets. CloudTrail calls S3 the source of both calls [M-LAB]. */
export const reversedAccountBlock = defineInverse({
  id: 'reversed-account-block',
  danger: 'exposes data',
  calls: { source: SOURCE, names: ['PutAccountPublicAccessBlock', 'DeleteAccountPublicAccessBlock'] },
  does: 'the switches of the account that were on are on again',
  resource: z.strictObject({ account: z.string().regex(/^\d{12}$/) }),
  value: blockValue,
  effects({ name, request }, { account }) {
    if ((textIn(request, 'accountId') ?? account) !== account) return [];
    // An account has none until someone sets it, so nothing is guessed.
    return [{ resource: { account }, left: name.startsWith('Put') ? requestedBlock(request) : null }];
  },
  listedAs: ({ account }) => account,
  recorded: {
    of: ({ account }) => ({ type: 'AWS::S3::AccountPublicAccessBlock', id: account }),
    value: ({ configuration }) => recordedBlock(configuration),
  },
  names: ({ scope }, { account }) => [arn(scope, 'iam', 'root', { global: true }), account],
  says: ({ account }) => `Restore the public access block of account ${account}`,
  byHand: opensBlock,
  read: async (aws) => blockValue.parse(await accountBlock(aws)),
  async put(aws, { account: AccountId }, to) {
    const { client, api } = await aws.s3control();
    if (to === null) await client.send(new api.DeletePublicAccessBlockCommand({ AccountId }));
    else
      await client.send(
        new api.PutPublicAccessBlockCommand({ AccountId, PublicAccessBlockConfiguration: to }),
      );
  },
  permissions: {
    read: [
      {
        actions: ['s3:GetAccountPublicAccessBlock'],
        resources: ['*'],
        why: "the account's public access block, which the principal changed",
      },
    ],
    write: [
      {
        // The action has no resource level.
        actions: ['s3:PutAccountPublicAccessBlock'],
        resources: ['*'],
        why: 'the buckets of the account are closed to the public again',
        worst:
          "takes the account's public access block away: policies and ACLs of buckets may then open them",
      },
    ],
  },
  words: {
    setting: "The account's public access block",
    why: 'without it each bucket is as public as its own settings say',
  },
  example: {
    eventName: 'DeleteAccountPublicAccessBlock',
    requestParameters: { accountId: '111122223333', Host: '111122223333.s3-control.eu-west-1.amazonaws.com' },
  },
});

async function accountBlock(aws: Aws) {
  const { client, api } = await aws.s3control();
  return blockOf(() => client.send(new api.GetPublicAccessBlockCommand({ AccountId: aws.scope.account })));
}
