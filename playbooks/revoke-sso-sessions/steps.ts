/** The step kind: one user denied in the inline policy of the permission set, and that provisioned to the accounts. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { awsErrorName, FirebreakError } from '../../core/errors.ts';
import type { StepContext } from '../../core/journal/playbook.ts';
import { isJsonObject, type Json, type JsonObject, sameJson } from '../../core/json.ts';
import { decodePolicy } from '../common/iam/policy-documents.ts';
import { statementIn, withoutStatement, withStatement } from '../common/iam/policy-statements.ts';
import { cannotRestore, damaged, stepKind } from '../common/step-kind.ts';
import { denied, deniedBy, denyStatement, isSidOf } from './deny.ts';
import { denyEverywhere } from './everywhere.ts';
import { inlinePolicyOf, type Place, placeSchema, putInlinePolicy, readCenter } from './identity-center.ts';
import { provision } from './provisioning.ts';
import { ssoFacts } from './target.ts';

/** Under this name Identity Center writes the permission set's inline policy on its roles [M]. */
const ROLE_POLICY = 'AwsSSOInlinePolicy';
/** Looks of 2 s each. Verify goes on looking after the first; undo has no one to do so. */
const CONTAIN_LOOKS = 30;
const UNDO_LOOKS = 100;

const argsSchema = z.object({
  place: placeSchema,
  roleName: z.string(),
  sid: z.string(),
  denied: denied.exactOptional(),
  /** Only sessions from before that time; null: every session. */
  issuedBefore: z.iso.datetime().nullable().exactOptional(),
  /** Of earlier releases, which kept the deny nowhere else: nothing but who and when is read from it. */
  statement: z.custom<Json>().exactOptional(),
});
type StoredArgs = z.infer<typeof argsSchema>;

/** The arguments with the statement that they mean. Throws InputInvalid where they mean none. */
export function denyUserArgs(args: JsonObject): DenyUserArgs {
  const parsed = argsSchema.safeParse(args);
  if (!parsed.success) throw damaged(z.prettifyError(parsed.error));
  return meant(parsed.data);
}

export type DenyUserArgs = Pick<StoredArgs, 'place' | 'roleName' | 'sid'> & {
  readonly statement: JsonObject;
};

function meant({ place, roleName, sid, statement, ...given }: StoredArgs): DenyUserArgs {
  const deny =
    given.denied === undefined
      ? deniedBy(statement)
      : { denied: given.denied, issuedBefore: given.issuedBefore ?? null };
  if (!deny) throw damaged('its statement denies no user of a permission set', place.permissionSetArn);
  const { issuedBefore } = deny;
  const before = issuedBefore === null ? undefined : new Date(issuedBefore);
  return { place, roleName, sid, statement: denyStatement(sid, deny.denied, before) };
}

/** The clocks of two functions differ by less; a later time would deny sessions that are yet to come. */
const CLOCKS_MS = 300_000;

function foreign({ place: _place, ...args }: StoredArgs, { target, caseId, now }: StepContext) {
  const { roleName, userName } = ssoFacts.parse(target.facts);
  const deny = args.denied
    ? { denied: args.denied, issuedBefore: args.issuedBefore }
    : deniedBy(args.statement);
  if (args.roleName !== roleName) return `the role is ${roleName}, not ${args.roleName}`;
  if (!isSidOf(args.sid, caseId)) return `${args.sid} is not a statement of ${caseId}`;
  if (deny && 'sessionName' in deny.denied && deny.denied.sessionName !== userName)
    return `the user is ${userName}, not ${deny.denied.sessionName}`;
  if (Date.parse(deny?.issuedBefore ?? '') > now().getTime() + CLOCKS_MS) return 'its cut-off is yet to come';
  return undefined;
}

/** The permission set and the user are looked up again by their names in the finding. Throws InputInvalid. */
async function mustBeOfTheFinding(args: StoredArgs, { aws, target }: StepContext): Promise<void> {
  const { permissionSet, userName } = ssoFacts.parse(target.facts);
  const { account, region, permissionSetArn } = args.place;
  const wanted = { permissionSet, userName, account: target.account };
  const live = await readCenter(aws.inAccount(account, region), wanted);
  if (!live.reachable) throw damaged(live.why, permissionSetArn);
  if (live.permissionSetArn !== permissionSetArn || live.instanceArn !== args.place.instanceArn)
    throw damaged(`the permission set is ${live.permissionSetArn}, not ${permissionSetArn}`, target.display);
  const who = (args.denied ? args : deniedBy(args.statement))?.denied;
  if (who && 'userId' in who && who.userId !== live.userId)
    throw damaged(`the user is ${live.userId ?? 'not known'}, not ${who.userId}`, target.display);
}

/** Our statement at the permission set and on the role; the whole text next to it, so that undo can restore it. */
const valueSchema = z.object({
  set: z.custom<JsonObject>(isJsonObject).nullable(),
  role: z.custom<JsonObject>(isJsonObject).nullable(),
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
export async function onRole(
  aws: Aws,
  { roleName, sid }: Pick<StoredArgs, 'roleName' | 'sid'>,
): Promise<JsonObject | null> {
  const { client, api } = await aws.iam();
  try {
    const { PolicyDocument } = await client.send(
      new api.GetRolePolicyCommand({ RoleName: roleName, PolicyName: ROLE_POLICY }),
    );
    return asObject(statementIn(decodePolicy(PolicyDocument).text, sid));
  } catch (error) {
    // The permission set has no inline policy, so the role has none either.
    if (['NoSuchEntity', 'NoSuchEntityException'].includes(awsErrorName(error) ?? '')) return null;
    throw error;
  }
}

const asObject = (statement: Json): JsonObject | null => (isJsonObject(statement) ? statement : null);

const denyUser = stepKind(argsSchema, {
  value: valueSchema,
  foreign,
  async read(args, context) {
    const [policy, role] = await Promise.all([
      inlinePolicyOf(center(context, args.place), args.place),
      onRole(context.aws, args),
    ]);
    return { value: value(asObject(statementIn(policy, args.sid)), role, policy) };
  },
  after(args) {
    const { statement } = meant(args);
    return value(statement, statement);
  },
  // Written and not provisioned yet, in either direction.
  between(args) {
    const { statement } = meant(args);
    return [value(statement, null), value(null, statement)];
  },
  async apply(args, context) {
    const { place, sid, statement } = meant(args);
    await mustBeOfTheFinding(args, context);
    const aws = center(context, place);
    const live = await inlinePolicyOf(aws, place);
    if (!sameJson(statementIn(live, sid), statement))
      await put(aws, place, withStatement(live, sid, statement));
    const isThere = async () => sameJson(await onRole(context.aws, args), statement);
    const { requestId } = await provision(aws, place, isThere, CONTAIN_LOOKS);
    return requestId;
  },
  async revert(args, context, before) {
    const { place, sid } = args;
    await mustBeOfTheFinding(args, context);
    const aws = center(context, place);
    const live = await inlinePolicyOf(aws, place);
    const listed = statementIn(live, sid) !== null;
    if (listed) await put(aws, place, withoutStatement(live, sid, before.policy));
    const isGone = async () => (await onRole(context.aws, args)) === null;
    const { done } = await provision(aws, place, isGone, UNDO_LOOKS);
    if (done) return listed ? 'reverted' : 'absent';
    throw cannotRestore(
      'the permission set has its policy back, and is still being provisioned to its accounts',
      place.permissionSetArn,
      'Press Undo again in a few minutes.',
    );
  },
  // What others write into the same policy is none of our business, and left alone.
  same: (a, b) => sameJson(ours(a), ours(b)),
});

async function put(aws: Aws, place: Place, text: string | null | undefined): Promise<void> {
  if (text !== undefined) return putInlinePolicy(aws, place, text);
  throw new FirebreakError('StepFailed', 'the inline policy of the permission set is no policy document', {
    resource: place.permissionSetArn,
    next: 'Look at the policy in IAM Identity Center, and add the deny by hand.',
  });
}

const ours = ({ set, role }: Value): Json => ({ set, role });

export const KINDS = { 'deny-user': denyUser, 'deny-user-everywhere': denyEverywhere };
