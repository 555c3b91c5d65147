/** A bucket was opened to the public: close it, at the bucket. */

import { z } from 'zod';
import { bucketRegion } from '../../core/aws/regions.ts';
import {
  definePlaybook,
  type Plan,
  type PlanOptions,
  type Proof,
  type StepContext,
  type StepOf,
  type StepView,
  type Target,
} from '../../core/journal/playbook.ts';
import { sameJson } from '../../core/json.ts';
import { bucketDocuments, READ_BUCKET } from '../common/evidence/bucket.ts';
import { protectedBy } from '../common/protected.ts';
import { type BucketFacts, bucketFacts, bucketOf } from '../common/s3/bucket-target.ts';
import { ALL_BLOCKED, blockOf, configurationOf } from '../common/s3/public-access-block.ts';
import { stepKind } from '../common/step-kind.ts';
import { type BucketState, bucketState, isPublicByPolicy, readBucket } from './state.ts';

const BUCKETS = `arn:\${Partition}:s3:::*`;
/** People mark a bucket that is meant to be public with this tag; an attacker can as well, so it only asks. */
const PUBLIC_TAG = 'public-ok';

const args = z.object({ bucket: z.string(), region: z.string() });

const publicAccessBlock = stepKind(args, {
  async read({ bucket, region }, { aws }) {
    const { client, api } = await aws.inRegion(region).s3();
    return {
      value: await blockOf(() => client.send(new api.GetPublicAccessBlockCommand({ Bucket: bucket }))),
    };
  },
  after: () => ({ ...ALL_BLOCKED }),
  async apply({ bucket, region }, { aws }, _before, after) {
    const { client, api } = await aws.inRegion(region).s3();
    await client.send(
      new api.PutPublicAccessBlockCommand({
        Bucket: bucket,
        PublicAccessBlockConfiguration: configurationOf(after),
      }),
    );
    return undefined;
  },
  async revert({ bucket, region }, { aws }, before) {
    const { client, api } = await aws.inRegion(region).s3();
    if (before === null) await client.send(new api.DeletePublicAccessBlockCommand({ Bucket: bucket }));
    else {
      const PublicAccessBlockConfiguration = configurationOf(before);
      await client.send(
        new api.PutPublicAccessBlockCommand({ Bucket: bucket, PublicAccessBlockConfiguration }),
      );
    }
    return 'reverted';
  },
});

const KINDS = { 'public-access-block': publicAccessBlock };

function plan(
  live: BucketState,
  target: Target<BucketFacts>,
  { protectedArns }: PlanOptions,
): Plan<StepOf<typeof KINDS>> {
  const pattern = protectedBy([target.id, target.display], protectedArns);
  if (pattern !== undefined) {
    return {
      kind: 'refused',
      reason: `${target.id} is protected by policy.yml (protected: ${pattern})`,
      alternative: 'Ask its owner to close it, or take the pattern out of policy.yml.',
    };
  }
  const { others } = target.facts;
  return {
    kind: 'plan',
    steps: [
      {
        id: 'public-access-block',
        kind: 'public-access-block',
        role: 'contain',
        describe: `Block all public access to ${target.id}`,
        args: { bucket: target.id, region: live.region },
        before: live.block,
        after: { ...ALL_BLOCKED },
      },
    ],
    blastRadius: { count: 1, unit: 'buckets', detail: [`${target.id} in ${live.region}`] },
    warnings: [
      'whoever reads it without credentials is cut off; CloudFront with origin access control is not',
      ...(live.publicByPolicy
        ? ['its policy is public: other accounts that only this policy lets in are cut off as well']
        : []),
    ],
    residual: others.map((other) => `the finding also names ${other}: it is not changed by this incident`),
    askBecause: [
      ...(live.website ? [`${target.id} is a website: closing it takes the site down`] : []),
      ...(Object.hasOwn(live.tags, PUBLIC_TAG) ? [`${target.id} is tagged ${PUBLIC_TAG}`] : []),
    ],
    tags: live.tags,
    arns: [target.display],
  };
}

/**
 * The proving read: all four switches are on. RestrictPublicBuckets overrides a public policy, but whether
 * GetBucketPolicyStatus takes it into account is unproven [M-LAB] (an independent emulator does not), so the status is
 * told and decides nothing.
 */
async function verify({ aws, target }: StepContext, steps: readonly StepView[]): Promise<Proof> {
  const [step] = steps;
  const { bucket, region } = args.parse(step?.args ?? { bucket: target.id, region: target.region });
  const there = aws.inRegion(region);
  const { client, api } = await there.s3();
  const [block, isPublic] = await Promise.all([
    blockOf(() => client.send(new api.GetPublicAccessBlockCommand({ Bucket: bucket }))),
    isPublicByPolicy(there, bucket),
  ]);
  const blocked = sameJson(block, { ...ALL_BLOCKED });
  const checks = [
    {
      id: 'public-access-block',
      ok: blocked,
      saw: block === null ? 'no public access block is set' : `public access block: ${JSON.stringify(block)}`,
    },
    {
      id: 'policy-status',
      ok: !isPublic,
      saw: isPublic ? 'its policy counts as public' : 'no public policy',
    },
  ];
  return { proven: blocked, checks, residual: [], next: blocked ? 'final' : 'recontain' };
}

export const blockPublicBucket = definePlaybook({
  id: 'block-public-bucket',
  title: 'Close a public S3 bucket',
  about: `
Turns all four switches of the public access block on at the bucket. The account's own block is never touched here: that
is \`block-public-account\`, and always asked.

**Asks**, whatever the policy says: a bucket that is a website, and one tagged \`${PUBLIC_TAG}\` (an attacker can write tags,
so the tag never keeps Firebreak from asking).

**Not contained**: what was read while it was open. The policy and the ACLs stay as they are, without effect for the public.

**Undo** gives back the four switches as they were; where nothing was set, the configuration is deleted again.
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
      },
    ],
  },
  proofDelaySeconds: 5,
  facts: bucketFacts,
  state: bucketState,
  targetOf: bucketOf,
  read: (target, aws) => readBucket(target, aws),
  plan,
  kinds: KINDS,
  verify,
  evidence: async (target, aws) =>
    bucketDocuments(aws.inRegion(await bucketRegion(aws, target.id)), target.id),
});
