/** A principal that IAM here has no lever on works on a bucket: deny it, and only it, in the bucket's policy. */
import { arn } from '../../core/aws/arn.ts';
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
import { type PrincipalFacts, principalFacts, principalsOf } from '../common/s3/principal-target.ts';
import { denyStatement, MOST_BYTES, parsedPolicy, sidFor, withStatement } from './policy.ts';
import { type BucketPolicyState, bucketState, readBucketPolicy } from './state.ts';
import { denyArgs, denyPrincipal, liveStatement } from './steps.ts';

const BUCKETS = `arn:\${Partition}:s3:::*`;

const KINDS = { 'deny-principal': denyPrincipal };

function plan(
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
  const text = withStatement(live.policy, sid, statement);
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
        args: { bucket, region: live.region, sid, statement },
        before: { statement: null, text: live.policy },
        after: { statement, text },
      },
    ],
    blastRadius: { count: 1, unit: 'principals', detail: [`${value} on ${bucket}`] },
    warnings: ['other principals keep what the policy gives them; the rest of the policy stays as it is'],
    residual: [
      `${value} keeps its rights on everything but ${bucket}`,
      ...(/^AROA/.test(value)
        ? ['whoever may assume the role can come back under another session name']
        : []),
    ],
    askBecause: [`the policy of ${bucket} is changed: always a person's decision`],
    tags: live.tags,
    arns: [bucketArn],
  };
}

/** The proving read: the statement stands in the live policy as it was written. */
async function verify({ aws }: StepContext, steps: readonly StepView[]): Promise<Proof> {
  const [step] = steps;
  if (!step) return { proven: false, checks: [], residual: [], next: 'final' };
  const at = denyArgs.parse(step.args);
  const { statement } = await liveStatement(at, aws);
  const ok = sameJson(statement, at.statement);
  const saw =
    statement === null
      ? `no statement ${at.sid} in the policy of ${at.bucket}`
      : `statement ${at.sid} is ${ok ? 'as written' : 'not what was written'}`;
  return {
    proven: ok,
    checks: [{ id: 'statement', ok, saw }],
    residual: [],
    next: ok ? 'final' : 'recontain',
  };
}

export const denyBucketPrincipal = definePlaybook({
  id: 'deny-bucket-principal',
  title: "Deny one principal in a bucket's policy",
  about: `
For callers that cannot be contained in IAM here: principals of other accounts, sessions of IAM Identity Center, federated
users. One statement is merged into the bucket's policy that denies everything on the bucket to exactly this caller
(\`aws:userid\`; for the root user of another account \`aws:PrincipalArn\`). It is always asked, and silence never does it.

The rest of the policy stays as it is. S3 replaces a policy as a whole and has no lock on it, so the policy is read right
before each write, and the proving read tells when somebody else's write lost the statement: it is written again then.
That \`aws:userid\` of a caller from another account reaches the bucket's policy as documented is unproven [M-LAB].

**Refused**: a policy without room (20,480 bytes), one that is no JSON document, protected buckets and callers. The root
user of the bucket's own account is never denied, and there is no statement without its condition: either would lock the
owner out.

**Not contained**: whatever else the caller may do. Its own account, or the permission set, is where it is stopped.

**Undo** takes the statement out. If nobody else changed the policy meanwhile, its text is put back byte by byte, and a
bucket that had no policy has none again; otherwise what others wrote stays.
`.trim(),
  handles: [],
  reversible: { kind: 'fully' },
  permissions: {
    read: [
      READ_BUCKET,
      {
        actions: ['s3:GetBucketLocation', 's3:GetBucketPolicy', 's3:GetBucketTagging'],
        resources: [BUCKETS],
        why: 'the bucket and its policy',
      },
    ],
    write: [
      {
        actions: ['s3:DeleteBucketPolicy', 's3:PutBucketPolicy'],
        resources: [BUCKETS],
        why: 'one statement in, and out again; where there was no policy, none again',
      },
    ],
  },
  proofDelaySeconds: 5,
  facts: principalFacts,
  state: bucketState,
  targetOf(finding) {
    const principals = principalsOf(finding);
    return principals.ok ? { ok: true, target: principals.targets[0] } : principals;
  },
  read: readBucketPolicy,
  plan,
  kinds: KINDS,
  verify,
  evidence: async (target, aws) => {
    const { bucket } = target.facts;
    const { region } = await readBucketPolicy(target, aws);
    return bucketDocuments(aws.inRegion(region), bucket);
  },
});
