/** One statement more in the policy of the bucket, or why it is refused. Pure. */
import { arn } from '../../core/aws/arn.ts';
import type { Plan, PlanOptions, StepOf, Target } from '../../core/journal/playbook.ts';
import { parsedPolicy, withStatement } from '../common/iam/policy-statements.ts';
import { protectedBy } from '../common/protected.ts';
import type { PrincipalFacts } from '../common/s3/principal-target.ts';
import { whoPasses } from './others.ts';
import { denyStatement, MOST_BYTES, sidFor } from './policy.ts';
import type { BucketPolicyState } from './state.ts';
import type { KINDS } from './steps.ts';

export function planDeny(
  live: BucketPolicyState,
  target: Target<PrincipalFacts>,
  options: PlanOptions,
): Plan<StepOf<typeof KINDS>> {
  const { facts } = target;
  const { bucket, value, name } = facts;
  const refuse = (reason: string, alternative: string): Plan<never> => ({
    kind: 'refused',
    reason,
    alternative,
  });
  const bucketArn = arn({ ...target, account: '', region: '' }, 's3', bucket);
  const names = [bucket, bucketArn, value, ...(name === null ? [] : [name])];
  const pattern = protectedBy(names, options.protectedArns);
  if (pattern !== undefined) {
    return refuse(
      `${bucket} or its caller is protected by policy.yml (protected: ${pattern})`,
      'Ask the owner of the bucket to take the access away.',
    );
  }
  if (live.policy !== null && !parsedPolicy(live.policy)) {
    return refuse(
      `the policy of ${bucket} is no policy document that can be merged with`,
      'Add the deny by hand in the S3 console.',
    );
  }
  const sid = sidFor(options.caseId, value);
  const statement = denyStatement(sid, bucketArn, facts);
  const text = withStatement(live.policy, sid, statement) ?? '';
  if (Buffer.byteLength(text) > MOST_BYTES) {
    return refuse(
      `the policy of ${bucket} has no room for another statement (S3 takes ${MOST_BYTES} bytes)`,
      'Take the access of this principal out of the statement that grants it.',
    );
  }
  return {
    kind: 'plan',
    steps: [
      {
        id: 'deny-principal',
        kind: 'deny-principal',
        role: 'contain',
        describe: `Deny ${value} everything on ${bucket} (statement ${sid} in its policy)`,
        args: { bucket, region: live.region, sid },
        before: { statement: null, text: live.policy },
        after: { statement, text },
      },
    ],
    blastRadius: { count: 1, unit: 'principals', detail: [`${value} on ${bucket}`] },
    warnings: ['other principals keep what the policy gives them; the rest of the policy stays as it is'],
    residual: [`${value} keeps its rights on everything but ${bucket}`, ...whoPasses(live.policy, target)],
    askBecause: [`the policy of ${bucket} is changed: always a person's decision`],
    tags: live.tags,
    arns: [bucketArn],
  };
}
