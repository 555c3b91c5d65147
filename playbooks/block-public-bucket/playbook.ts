/** A bucket was opened to the public: close it, at the bucket. */
import { bucketRegion } from '../../core/aws/regions.ts';
import { definePlaybook } from '../../core/journal/playbook.ts';
import { bucketDocuments, READ_BUCKET } from '../common/evidence/bucket.ts';
import { bucketFacts, bucketOf } from '../common/s3/bucket-target.ts';
import { PUBLIC_TAG, planBlock } from './plan.ts';
import { bucketState, readBucket } from './state.ts';
import { KINDS } from './steps.ts';
import { proveBlock } from './verify.ts';

const BUCKETS = `arn:\${Partition}:s3:::*`;

export const blockPublicBucket = definePlaybook({
  id: 'block-public-bucket',
  title: 'Close a public S3 bucket',
  about: `
Turns all four switches of the public access block on at the bucket. The account's own block is never touched here: that
is \`block-public-account\`, and always asked.

**Asks**, whatever the policy says: a bucket that is a website, and one tagged \`${PUBLIC_TAG}\` (an attacker can write tags,
so the tag never keeps Firebreak from asking).

**Not contained**: what was read while it was open. The policy and the ACLs stay as they are, without effect for the public.

**Undo** restores the four switches as they were; where nothing was set, the configuration is deleted again.
`.trim(),
  handles: ['Policy:S3/Bucket*'],
  reversible: { kind: 'fully' },
  permissions: {
    read: [
      READ_BUCKET,
      {
        actions: [
          's3:GetBucketLocation',
          's3:GetBucketPolicy',
          's3:GetBucketPolicyStatus',
          's3:GetBucketPublicAccessBlock',
          's3:GetBucketTagging',
          's3:GetBucketWebsite',
        ],
        resources: [BUCKETS],
        why: 'the bucket, who it is open to, and whether it is a website',
      },
    ],
    write: [
      {
        // Deleting the configuration is the same action.
        actions: ['s3:PutBucketPublicAccessBlock'],
        resources: [BUCKETS],
        why: 'closes the bucket, and gives its configuration back',
        worst: 'takes the public access block of any bucket away: its policy and ACLs may then open it',
      },
    ],
  },
  proofDelaySeconds: 5,
  facts: bucketFacts,
  state: bucketState,
  targetOf: bucketOf,
  read: readBucket,
  plan: planBlock,
  kinds: KINDS,
  verify: proveBlock,
  evidence: async (target, aws) =>
    bucketDocuments(aws.inRegion(await bucketRegion(aws, target.id)), target.id),
});
