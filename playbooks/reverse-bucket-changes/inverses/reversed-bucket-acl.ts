import { defineInverse, textIn, valueIn } from '../../common/changes/inverse.ts';
import {
  aclValue,
  granteeOf,
  opensAcl,
  ownersAlone,
  recordedAcl,
  requestedAcl,
  sameAcl,
  whoIs,
} from '../acl.ts';
import { BUCKETS, bucket, bucketNames, inConfig, orNone, ownBucket, SOURCE } from '../bucket.ts';

/** Who has rights by the ACL of a bucket is again who had. */
export const reversedBucketAcl = defineInverse({
  id: 'reversed-bucket-acl',
  danger: 'exposes data',
  calls: { source: SOURCE, names: ['PutBucketAcl'] },
  does: 'the rights that the ACL gave before are set again',
  resource: bucket,
  value: aclValue,
  effects({ request }) {
    const left = aclValue.safeParse(requestedAcl(request)).data;
    const resource = { bucket: textIn(request, 'bucketName') };
    return left ? [{ resource, left, guess: ownersAlone(left) }] : [];
  },
  listedAs: ({ bucket: name }) => name,
  recorded: {
    of: inConfig,
    value: ({ supplementary }) => recordedAcl(valueIn(supplementary, 'AccessControlList')),
  },
  names: bucketNames,
  says: ({ bucket: name }) => `Restore the ACL of bucket ${name}`,
  byHand: opensAcl,
  async read(aws, of) {
    const { client, api } = await aws.s3();
    const answer = await orNone([], () => client.send(new api.GetBucketAclCommand(ownBucket(aws, of))));
    if (!answer) return null;
    return aclValue.parse(
      (answer.Grants ?? []).map(({ Grantee, Permission }) => ({
        to: whoIs(Grantee?.ID, Grantee?.URI, answer.Owner?.ID),
        permission: Permission,
      })),
    );
  },
  async put(aws, of, to) {
    if (to === null) throw new Error('a bucket always has an ACL');
    const { client, api } = await aws.s3();
    const own = ownBucket(aws, of);
    const { Owner } = await client.send(new api.GetBucketAclCommand(own));
    const Grants = to.map(({ to: who, permission: Permission }) => ({
      Grantee: granteeOf(who, Owner?.ID ?? ''),
      Permission,
    }));
    await client.send(new api.PutBucketAclCommand({ ...own, AccessControlPolicy: { Owner, Grants } }));
  },
  same: sameAcl,
  permissions: {
    read: [{ actions: ['s3:GetBucketAcl'], resources: [BUCKETS], why: 'the ACL that the principal changed' }],
    write: [
      {
        actions: ['s3:PutBucketAcl'],
        resources: [BUCKETS],
        why: 'the ACL of a bucket goes back to what it was',
        worst: 'lets anyone at any bucket that has ACLs and that no public access block closes',
      },
    ],
  },
  words: { setting: 'Bucket ACL', why: 'it says which accounts and groups may list and write the bucket' },
  example: {
    eventName: 'PutBucketAcl',
    requestParameters: { ...{ bucketName: 'customer-data', acl: '' }, 'x-amz-acl': 'public-read' },
  },
});
