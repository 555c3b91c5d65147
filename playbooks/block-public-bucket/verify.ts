/** The proving read: the four switches, and what S3 says of the policy. */
import type { Proof, StepContext, StepViewOf } from '../../core/journal/playbook.ts';
import { sameJson } from '../../core/json.ts';
import { ALL_BLOCKED, blockOf } from '../common/s3/public-access-block.ts';
import { isPublicByPolicy } from './state.ts';
import type { KINDS } from './steps.ts';

/**
 * Proves that all four switches are on. RestrictPublicBuckets overrides a public policy, but whether
 * GetBucketPolicyStatus takes it into account is unproven [M-LAB] (an independent emulator does not), so the status is
 * shown and decides nothing.
 */
export async function proveBlock(
  { aws, target }: StepContext,
  steps: readonly StepViewOf<typeof KINDS>[],
): Promise<Proof> {
  const [step] = steps;
  const { bucket, region } = step?.args ?? { bucket: target.id, region: target.region };
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
