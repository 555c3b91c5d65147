import { defineInverse, textIn, valueIn } from '../../common/changes/inverse.ts';
import { ALL_BLOCKED, blockOf, blockValue } from '../../common/s3/public-access-block.ts';
import { opensBlock, recordedBlock, requestedBlock } from '../block.ts';
import { BUCKETS, bucket, bucketNames, inConfig, orNone, ownBucket, SOURCE } from '../bucket.ts';

/** The public access block of a bucket is on again where it was. */
export const reversedBucketBlock = defineInverse({
  id: 'reversed-bucket-block',
  danger: 'exposes data',
  calls: { source: SOURCE, names: ['PutBucketPublicAccessBlock', 'DeleteBucketPublicAccessBlock'] },
  does: 'the switches that were on are on again',
  resource: bucket,
  value: blockValue,
  effects: ({ name, request }) => [
    {
      resource: { bucket: textIn(request, 'bucketName') },
      left: name.startsWith('Put') ? requestedBlock(request) : null,
      // On for every bucket that was made since 2023, and closes.
      guess: ALL_BLOCKED,
    },
  ],
  listedAs: ({ bucket: name }) => name,
  recorded: {
    of: inConfig,
    value: ({ supplementary }) => recordedBlock(valueIn(supplementary, 'PublicAccessBlockConfiguration')),
  },
  names: bucketNames,
  says: ({ bucket: name }) => `Restore the public access block of bucket ${name}`,
  byHand: opensBlock,
  async read(aws, of) {
    const { client, api } = await aws.s3();
    const block = await orNone([], () =>
      blockOf(() => client.send(new api.GetPublicAccessBlockCommand(ownBucket(aws, of)))),
    );
    return blockValue.parse(block);
  },
  async put(aws, of, to) {
    const { client, api } = await aws.s3();
    const own = ownBucket(aws, of);
    if (to === null) await client.send(new api.DeletePublicAccessBlockCommand(own));
    else
      await client.send(new api.PutPublicAccessBlockCommand({ ...own, PublicAccessBlockConfiguration: to }));
  },
  permissions: {
    read: [
      {
        actions: ['s3:GetBucketPublicAccessBlock'],
        resources: [BUCKETS],
        why: 'the public access block that the principal changed',
      },
    ],
    write: [
      {
        // Deleting the configuration is the same action.
        actions: ['s3:PutBucketPublicAccessBlock'],
        resources: [BUCKETS],
        why: 'a bucket is closed to the public again',
        worst: 'takes the public access block of any bucket away: its policy and ACLs may then open it',
      },
    ],
  },
  words: {
    setting: 'Public access block',
    why: 'without it a policy or an ACL may open the bucket to the public',
  },
  example: {
    eventName: 'PutBucketPublicAccessBlock',
    requestParameters: {
      ...{ bucketName: 'customer-data', publicAccessBlock: '' },
      PublicAccessBlockConfiguration: {
        xmlns: 'http://s3.amazonaws.com/doc/2006-03-01/',
        ...{ BlockPublicAcls: false, IgnorePublicAcls: false },
        ...{ BlockPublicPolicy: false, RestrictPublicBuckets: false },
      },
    },
  },
});
