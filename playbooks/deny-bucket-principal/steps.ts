/**
 * The statement in the bucket's policy. S3 replaces a policy as a whole and knows no lock on it: each write reads right
 * before, adds or takes away its own statement only, and the proving read tells when somebody else wrote over it.
 */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { awsErrorName } from '../../core/errors.ts';
import { type Json, sameJson } from '../../core/json.ts';
import { stepKind } from '../common/step-kind.ts';
import { statementIn, withoutStatement, withStatement } from './policy.ts';
import { policyTextOf } from './state.ts';

const denyArgs = z.object({
  bucket: z.string(),
  region: z.string(),
  sid: z.string(),
  statement: z.record(z.string(), z.custom<Json>()),
});
const value = z.object({ statement: z.custom<Json>(), text: z.string().nullable() });

async function put(aws: Aws, Bucket: string, text: string | null): Promise<void> {
  const { client, api } = await aws.s3();
  if (text === null) await client.send(new api.DeleteBucketPolicyCommand({ Bucket }));
  else await client.send(new api.PutBucketPolicyCommand({ Bucket, Policy: text }));
}

/** The statement as it stands in the live policy (null: it does not), and the policy's text. */
export async function liveStatement(
  { bucket, region, sid }: Pick<z.infer<typeof denyArgs>, 'bucket' | 'region' | 'sid'>,
  aws: Aws,
): Promise<{ readonly statement: Json; readonly text: string | null }> {
  try {
    const text = await policyTextOf(aws.inRegion(region), bucket);
    return { statement: statementIn(text, sid), text };
  } catch (error) {
    // A bucket that was deleted meanwhile has no policy to give back.
    if (awsErrorName(error) === 'NoSuchBucket') return { statement: null, text: null };
    throw error;
  }
}

const denyPrincipal = stepKind(denyArgs, {
  read: async (at, { aws }) => ({ value: await liveStatement(at, aws) }),
  after: ({ sid, statement }, _context, before) => ({
    statement,
    text: withStatement(value.parse(before).text, sid, statement),
  }),
  async apply({ bucket, region, sid, statement }, { aws }) {
    const there = aws.inRegion(region);
    await put(there, bucket, withStatement(await policyTextOf(there, bucket), sid, statement));
    return undefined;
  },
  async revert({ bucket, region, sid }, { aws }, before) {
    const there = aws.inRegion(region);
    const live = await policyTextOf(there, bucket);
    await put(there, bucket, withoutStatement(live, sid, value.parse(before).text));
    return 'reverted';
  },
  // What others write into the policy is theirs: only our statement is compared.
  same: (a, b) => sameJson(value.parse(a).statement ?? null, value.parse(b).statement ?? null),
});

export const KINDS = { 'deny-principal': denyPrincipal };
