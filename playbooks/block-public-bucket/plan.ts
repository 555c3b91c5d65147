/** All four switches of one bucket on, and whom that cuts off. Pure. */
import type { Plan, PlanOptions, StepOf, Target } from '../../core/journal/playbook.ts';
import { protectedBy } from '../common/protected.ts';
import type { BucketFacts } from '../common/s3/bucket-target.ts';
import { ALL_BLOCKED } from '../common/s3/public-access-block.ts';
import type { BucketState } from './state.ts';
import type { KINDS } from './steps.ts';

/** Owners mark a bucket that is meant to be public with this tag; an attacker can as well, so it only asks. */
export const PUBLIC_TAG = 'public-ok';

/** Plans the block, or refuses what policy.yml protects. */
export function planBlock(
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
      'anyone who reads it without credentials is cut off; CloudFront with origin access control is not',
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
