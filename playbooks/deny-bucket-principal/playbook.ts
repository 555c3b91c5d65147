/** A principal that IAM here cannot contain works on a bucket: deny it, and only it, in the bucket's policy. */
import { definePlaybook } from '../../core/journal/playbook.ts';
import { bucketDocuments, READ_BUCKET } from '../common/evidence/bucket.ts';
import { principalFacts, principalsOf } from '../common/s3/principal-target.ts';
import { planDeny } from './plan.ts';
import { bucketState, readBucketPolicy } from './state.ts';
import { KINDS } from './steps.ts';
import { proveStatement } from './verify.ts';

const BUCKETS = `arn:\${Partition}:s3:::*`;

export const denyBucketPrincipal = definePlaybook({
  id: 'deny-bucket-principal',
  title: "Deny one principal in a bucket's policy",
  about: `
For callers that cannot be contained in IAM here: principals of other accounts, sessions of IAM Identity Center, federated
users. One statement is merged into the bucket's policy that denies everything on the bucket to exactly this caller
(\`aws:userid\`; for the root user of another account \`aws:PrincipalArn\`). It is always asked, and silence never does it.

The rest of the policy stays as it is. S3 replaces a policy as a whole and has no lock on it, so the policy is read right
before each write, and the proving read tells when someone else's write lost the statement: it is written again then.
That \`aws:userid\` of a caller from another account reaches the bucket's policy as documented is unproven [M-LAB].

**Refused**: a policy without room (20,480 bytes), one that is no JSON document, protected buckets and callers. The root
user of the bucket's own account is never denied, and there is no statement without its condition: either would lock the
owner out.

**Not contained**: whatever else the caller may do. Its own account, or the permission set, is where it is stopped. Who comes back
is named as remaining risk, by the live policy: a federated session under another name, another session of the role, other
principals of the outside account that the policy lets in, the users and roles of an account whose root is denied.

**Undo** takes the statement out. If no one else changed the policy meanwhile, its text is restored byte by byte, and a
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
        actions: ['s3:PutBucketPolicy'],
        resources: [BUCKETS],
        why: 'one statement in, and out again',
        worst:
          "opens any bucket but the evidence to anyone, or locks everyone out: IAM has no condition on what a bucket's policy says",
      },
    ],
    undo: [
      {
        actions: ['s3:DeleteBucketPolicy'],
        resources: [BUCKETS],
        why: 'where there was no policy, none again',
        worst: 'removes the policy of any bucket but the evidence, its denies included',
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
  plan: planDeny,
  kinds: KINDS,
  verify: proveStatement,
  evidence: async (target, aws) => {
    const { bucket } = target.facts;
    const { region } = await readBucketPolicy(target, aws);
    return bucketDocuments(aws.inRegion(region), bucket);
  },
});
