/** The step kind: one user denied in the inline policy of the permission set, and that provisioned to the accounts. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { awsErrorName } from '../../core/errors.ts';
import type { StepContext } from '../../core/journal/playbook.ts';
import { type Json, type JsonObject, sameJson } from '../../core/json.ts';
import { decodePolicy } from '../common/iam/policy-documents.ts';
import { cannotRestore, stepKind } from '../common/step-kind.ts';
import { restoredText, statementWith, withStatement } from './deny.ts';
import { inlinePolicyOf, type Place, placeSchema, putInlinePolicy } from './identity-center.ts';
import { provision } from './provisioning.ts';

/** Under this name Identity Center writes the permission set's inline policy on its roles [M]. */
const ROLE_POLICY = 'AwsSSOInlinePolicy';
/** Looks of 2 s each. Verify goes on looking after the first; undo has nobody to do so. */
const CONTAIN_LOOKS = 30;
const UNDO_LOOKS = 100;

const argsSchema = z.object({
  place: placeSchema,
  roleName: z.string(),
  sid: z.string(),
  statement: z.custom<JsonObject>((value) => typeof value === 'object' && value !== null),
});
export type DenyUserArgs = z.infer<typeof argsSchema>;

/** Our statement at the permission set and on the role; the whole text beside it, so that undo can give it back. */
const valueSchema = z.object({
  set: z.custom<JsonObject>().nullable(),
  role: z.custom<JsonObject>().nullable(),
  policy: z.string().nullable(),
});
type Value = z.infer<typeof valueSchema>;
const value = (set: JsonObject | null, role: JsonObject | null, policy: string | null = null): Value => ({
  set,
  role,
  policy,
});

const center = ({ aws }: Pick<StepContext, 'aws'>, { account, region }: Place): Aws =>
  aws.inAccount(account, region);

/** The statement as the role in the finding's account carries it: what IAM really judges by. */
export async function onRole(aws: Aws, { roleName, sid }: DenyUserArgs): Promise<JsonObject | null> {
  const { client, api } = await aws.iam();
  try {
    const { PolicyDocument } = await client.send(
      new api.GetRolePolicyCommand({ RoleName: roleName, PolicyName: ROLE_POLICY }),
    );
    return statementWith(decodePolicy(PolicyDocument).text, sid) ?? null;
  } catch (error) {
    // The permission set has no inline policy, so the role has none either.
    if (['NoSuchEntity', 'NoSuchEntityException'].includes(awsErrorName(error) ?? '')) return null;
    throw error;
  }
}

const denyUser = stepKind(argsSchema, {
  async read(args, context) {
    const [policy, role] = await Promise.all([
      inlinePolicyOf(center(context, args.place), args.place),
      onRole(context.aws, args),
    ]);
    return { value: value(statementWith(policy, args.sid) ?? null, role, policy) };
  },
  after: ({ statement }) => value(statement, statement),
  // Written and not provisioned yet, in either direction.
  between: ({ statement }) => [value(statement, null), value(null, statement)],
  async apply(args, context) {
    const aws = center(context, args.place);
    const live = await inlinePolicyOf(aws, args.place);
    if (!sameJson(statementWith(live, args.sid) ?? null, args.statement)) {
      await putInlinePolicy(aws, args.place, withStatement(live, args.statement));
    }
    const isThere = async () => sameJson(await onRole(context.aws, args), args.statement);
    const { requestId } = await provision(aws, args.place, isThere, CONTAIN_LOOKS);
    return requestId;
  },
  async revert(args, context, before) {
    const aws = center(context, args.place);
    const live = await inlinePolicyOf(aws, args.place);
    if (statementWith(live, args.sid)) {
      const text = restoredText(live, args.sid, valueSchema.parse(before).policy);
      await putInlinePolicy(aws, args.place, text);
    }
    const isGone = async () => (await onRole(context.aws, args)) === null;
    const { done } = await provision(aws, args.place, isGone, UNDO_LOOKS);
    if (done) return 'reverted';
    throw cannotRestore(
      'the permission set has its policy back, and is still being provisioned to its accounts',
      args.place.permissionSetArn,
      'Press Undo again in a few minutes.',
    );
  },
  // What others write into the same policy is none of our business, and left alone.
  same: (a, b) => sameJson(ours(a), ours(b)),
});

function ours(given: Json): Json {
  const { set, role } = valueSchema.parse(given);
  return { set, role };
}

export const KINDS = { 'deny-user': denyUser };
