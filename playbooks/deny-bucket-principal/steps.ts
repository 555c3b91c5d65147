/**
 * The statement in the bucket's policy. S3 replaces a policy as a whole and knows no lock on it: each write reads right
 * before, adds or takes away its own statement only, and the proving read tells when someone else wrote over it.
 */
import { z } from 'zod';
import { arn } from '../../core/aws/arn.ts';
import type { Aws } from '../../core/aws/client.ts';
import { awsErrorName } from '../../core/errors.ts';
import type { Target } from '../../core/journal/playbook.ts';
import { type Json, type JsonObject, sameJson } from '../../core/json.ts';
import { statementIn, withoutStatement, withStatement } from '../common/iam/policy-statements.ts';
import { BUCKET } from '../common/s3/bucket-target.ts';
import { principalFacts } from '../common/s3/principal-target.ts';
import { anyJson, damaged, regionName, stepKind } from '../common/step-kind.ts';
import { denyStatement, sidFor } from './policy.ts';
import { policyTextOf } from './state.ts';

/** Earlier releases kept the statement here as well; it is made from the target, and nothing else is written. */
const denyArgs = z.object({ bucket: z.string().regex(BUCKET), region: regionName, sid: z.string() });
type DenyArgs = z.infer<typeof denyArgs>;
const value = z.strictObject({ statement: anyJson, text: z.string().nullable() });

/** The statement that denies the principal of the finding on its bucket. */
export function statementFor(sid: string, target: Target): JsonObject {
  const facts = principalFacts.parse(target.facts);
  return denyStatement(sid, arn({ ...target, account: '', region: '' }, 's3', facts.bucket), facts);
}

async function put(aws: Aws, Bucket: string, text: string | null | undefined): Promise<void> {
  if (text === undefined) throw damaged('the policy of the bucket cannot be merged with', Bucket);
  const { client, api } = await aws.s3();
  if (text === null) await client.send(new api.DeleteBucketPolicyCommand({ Bucket }));
  else await client.send(new api.PutBucketPolicyCommand({ Bucket, Policy: text }));
}

/** The statement as it stands in the live policy (null: it does not), and the policy's text. */
export async function liveStatement(
  { bucket, region, sid }: DenyArgs,
  aws: Aws,
): Promise<{ readonly statement: Json; readonly text: string | null }> {
  try {
    const text = await policyTextOf(aws.inRegion(region), bucket);
    return { statement: statementIn(text, sid), text };
  } catch (error) {
    // A bucket that was deleted meanwhile has no policy to restore.
    if (awsErrorName(error) === 'NoSuchBucket') return { statement: null, text: null };
    throw error;
  }
}

const denyPrincipal = stepKind(denyArgs, {
  value,
  foreign({ bucket, sid }, { target, caseId }) {
    const facts = principalFacts.parse(target.facts);
    if (bucket !== facts.bucket) return `the bucket is ${facts.bucket}, not ${bucket}`;
    return sid === sidFor(caseId, facts.value) ? undefined : `${sid} is not the statement of the case`;
  },
  read: async (at, { aws }) => ({ value: await liveStatement(at, aws) }),
  after({ sid }, { target }, before) {
    const statement = statementFor(sid, target);
    return { statement, text: withStatement(before.text, sid, statement) ?? null };
  },
  async apply({ bucket, region, sid }, { aws, target }) {
    const there = aws.inRegion(region);
    const live = await policyTextOf(there, bucket);
    await put(there, bucket, withStatement(live, sid, statementFor(sid, target)));
    return undefined;
  },
  async revert({ bucket, region, sid }, { aws }, before) {
    const there = aws.inRegion(region);
    const live = await policyTextOf(there, bucket);
    await put(there, bucket, withoutStatement(live, sid, before.text));
    return 'reverted';
  },
  // What others write into the policy is theirs: only our statement is compared.
  same: (a, b) => sameJson(a.statement, b.statement),
});

export const KINDS = { 'deny-principal': denyPrincipal };
