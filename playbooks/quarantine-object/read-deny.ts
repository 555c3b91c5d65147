/** Whether the bucket's own policy keeps everyone from reading what carries the quarantine tag: the tag alone keeps no one out. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { awsErrorName, isAccessDenied } from '../../core/errors.ts';
import { compileGlob } from '../../core/glob.ts';
import { QUARANTINE_TAG } from '../common/quarantine-tag.ts';

/** `unread`: the policy could not be read, so nothing is known of it. */
export const readDeny = z.enum(['denied', 'open', 'unread']);
export type ReadDeny = z.infer<typeof readDeny>;

/** What keeps a reader out by this tag, for docs and words. */
const DENY_ACTIONS = ['s3:GetObject', 's3:GetObjectVersion'] as const;

const texts = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => (typeof value === 'string' ? [value] : value));
const statement = z.looseObject({
  Effect: z.string(),
  Principal: z.union([z.literal('*'), z.strictObject({ AWS: texts })]).optional(),
  Action: texts.optional(),
  Resource: texts.optional(),
  Condition: z.record(z.string(), z.record(z.string(), z.unknown())).optional(),
});
const document = z.looseObject({
  Statement: z.union([z.array(z.unknown()), z.looseObject({})]).transform((value) => [value].flat()),
});

/** Returns what the policy says; a form that is not known for a deny of everyone counts as open. */
function denyIn(policy: string, bucketArn: string): 'denied' | 'open' {
  const { Statement } = document.parse(JSON.parse(policy));
  const statements = Statement.flatMap((one) => statement.safeParse(one).data ?? []);
  return DENY_ACTIONS.every((action) => statements.some((one) => denies(one, action, bucketArn)))
    ? 'denied'
    : 'open';
}

function denies(one: z.infer<typeof statement>, action: string, bucketArn: string): boolean {
  const { Effect, Principal, Action = [], Resource = [], Condition = {} } = one;
  const everyone = Principal === '*' || Principal?.AWS.includes('*') === true;
  const acts = Action.some((pattern) => compileGlob(pattern.toLowerCase())(action.toLowerCase()));
  const everyObject = Resource.some((pattern) => pattern === '*' || pattern === `${bucketArn}/*`);
  return Effect === 'Deny' && everyone && acts && everyObject && onTagAlone(Condition);
}

/** One condition, that the tag is there: any other in addition would let someone read. */
function onTagAlone(condition: Readonly<Record<string, Readonly<Record<string, unknown>>>>): boolean {
  const all = Object.entries(condition).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, value]) => ({
      operator: operator.toLowerCase(),
      key: key.toLowerCase(),
      value: String([value].flat()).toLowerCase(),
    })),
  );
  const [only, ...more] = all;
  if (!only || more.length > 0 || only.key !== `s3:existingobjecttag/${QUARANTINE_TAG}`) return false;
  return (
    (only.operator === 'null' && only.value === 'false') ||
    (only.operator === 'stringlike' && only.value === '*')
  );
}

/** Reads the bucket's policy. A read that is denied is an answer too: it is said, and the object is tagged all the same. */
export async function readReadDeny(aws: Aws, bucket: string, bucketArn: string): Promise<ReadDeny> {
  const { client, api } = await aws.s3();
  try {
    const { Policy } = await client.send(new api.GetBucketPolicyCommand({ Bucket: bucket }));
    return Policy === undefined ? 'open' : denyIn(Policy, bucketArn);
  } catch (error) {
    if (awsErrorName(error) === 'NoSuchBucketPolicy') return 'open';
    if (isAccessDenied(error)) return 'unread';
    throw error;
  }
}

/** Returns what the tag does not prevent, as the bucket's policy stands. */
export function readersLeft(deny: ReadDeny): readonly string[] {
  switch (deny) {
    case 'denied':
      return [];
    case 'open':
      return [
        `the tag keeps no one out: the bucket's policy does not deny ${DENY_ACTIONS.join(' and ')} where s3:ExistingObjectTag/${QUARANTINE_TAG} is there`,
      ];
    case 'unread':
      return [
        `the tag keeps no one out on its own, and the bucket's policy could not be read: it must deny ${DENY_ACTIONS.join(' and ')} where s3:ExistingObjectTag/${QUARANTINE_TAG} is there`,
      ];
  }
}
