import { defineInverse, textIn, valueIn } from '../../common/changes/inverse.ts';
import { letsInAgain, policyEffect, policyValue, samePolicy } from '../../common/changes/policy.ts';
import { BUCKETS, bucket, bucketNames, inConfig, orNone, ownBucket, SOURCE } from '../bucket.ts';

/** A bucket policy is again what it was; one that was not there is removed, and undo writes it. */
export const reversedBucketPolicy = defineInverse({
  id: 'reversed-bucket-policy',
  danger: 'exposes data',
  calls: { source: SOURCE, names: ['PutBucketPolicy', 'DeleteBucketPolicy'] },
  does: 'the earlier policy is written again; one that was not there before is removed',
  resource: bucket,
  value: policyValue,
  effects({ name, request }, scope) {
    const resource = { bucket: textIn(request, 'bucketName') };
    if (name === 'DeleteBucketPolicy') return [{ resource, left: null }];
    // CloudTrail shows the policy as an object, without the text that was sent.
    const document = valueIn(request, 'bucketPolicy');
    return [policyEffect(resource, document === undefined ? undefined : JSON.stringify(document), scope)];
  },
  listedAs: ({ bucket: name }) => name,
  recorded: {
    of: inConfig,
    value: ({ supplementary }) => valueIn(supplementary, 'BucketPolicy', 'policyText'),
  },
  names: bucketNames,
  says: ({ bucket: name }, wanted) =>
    wanted === null ? `Remove the policy of bucket ${name}` : `Restore the policy of bucket ${name}`,
  byHand: (wanted, left, scope) => letsInAgain(wanted, left, scope),
  async read(aws, of) {
    const { client, api } = await aws.s3();
    const answer = await orNone(['NoSuchBucketPolicy'], () =>
      client.send(new api.GetBucketPolicyCommand(ownBucket(aws, of))),
    );
    return answer?.Policy ?? null;
  },
  async put(aws, of, to) {
    const { client, api } = await aws.s3();
    const own = ownBucket(aws, of);
    if (to === null) await client.send(new api.DeleteBucketPolicyCommand(own));
    else await client.send(new api.PutBucketPolicyCommand({ ...own, Policy: to }));
  },
  same: samePolicy,
  permissions: {
    read: [
      { actions: ['s3:GetBucketPolicy'], resources: [BUCKETS], why: 'the policy that the principal changed' },
    ],
    write: [
      {
        actions: ['s3:DeleteBucketPolicy', 's3:PutBucketPolicy'],
        resources: [BUCKETS],
        why: 'a bucket policy goes back to what it was',
        worst: 'lets anyone at any bucket that no public access block closes; removes any bucket policy',
      },
    ],
  },
  words: { setting: 'Bucket policy', why: 'it says who may read and write the bucket' },
  example: {
    eventName: 'PutBucketPolicy',
    requestParameters: {
      bucketName: 'customer-data',
      bucketPolicy: {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: '*',
            Action: 's3:GetObject',
            Resource: ['arn', 'aws', 's3', '', '', 'customer-data/*'].join(':'),
          },
        ],
      },
      ...{ policy: '', Host: 's3.eu-west-1.amazonaws.com' },
    },
  },
});
