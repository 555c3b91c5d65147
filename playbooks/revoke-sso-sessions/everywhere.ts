/**
 * The deny in every account: one statement in the service control policy that was made for it. It holds for every permission set of
 * the user, and sooner than one is provisioned.
 */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { FirebreakError, mayRetry } from '../../core/errors.ts';
import type { ProofCheck, StepContext } from '../../core/journal/playbook.ts';
import { isJsonObject, type JsonObject, sameJson } from '../../core/json.ts';
import { awsReason, isAnswer } from '../common/iam/aws-reason.ts';
import { statementIn, withoutStatement, withStatement } from '../common/iam/policy-statements.ts';
import { DENIED_USERS_POLICY, fits, isDeniedUsers } from '../common/organization/denied-users.ts';
import { inManagement, policyNamed, targetsOf, updatePolicy } from '../common/organization/policies.ts';
import { cannotRestore, damaged, stepKind } from '../common/step-kind.ts';
import { denied, denyStatement, isSidOf } from './deny.ts';
import { readCenter, regionOfCenter } from './identity-center.ts';
import { settingsOf } from './settings.ts';
import { ssoFacts } from './target.ts';

export const everywhereSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('deployed'),
    arn: z.string(),
    content: z.string(),
    /** Names of the root, units and accounts in which it holds. */
    targets: z.array(z.string()),
  }),
  /** Why it is not used, where the management account is named: said on the card. */
  z.object({ kind: z.literal('unusable'), why: z.string() }),
  z.object({ kind: z.literal('none') }),
]);
export type Everywhere = z.infer<typeof everywhereSchema>;

/** What keeps it from being used keeps the permission set from nothing. */
export async function readEverywhere(aws: Aws, settings: JsonObject): Promise<Everywhere> {
  const { managementAccount } = settingsOf(settings);
  if (managementAccount === undefined) return { kind: 'none' };
  try {
    const there = inManagement(aws, managementAccount);
    const found = await policyNamed(there, DENIED_USERS_POLICY);
    if (!found) return { kind: 'unusable', why: `the organization has no policy ${DENIED_USERS_POLICY}` };
    if (!isDeniedUsers(found.content))
      return { kind: 'unusable', why: `${DENIED_USERS_POLICY} is not the policy that was deployed` };
    const targets = await targetsOf(there, found.id);
    return targets.length === 0
      ? { kind: 'unusable', why: `${DENIED_USERS_POLICY} is attached nowhere` }
      : { kind: 'deployed', arn: found.arn, content: found.content, targets: [...targets] };
  } catch (error) {
    if (error instanceof FirebreakError && error.code === 'ResponderMissing')
      return { kind: 'unusable', why: error.message };
    // What passes on its own leaves nothing out that was decided.
    if (!isAnswer(error) || mayRetry(error)) throw error;
    return { kind: 'unusable', why: `${DENIED_USERS_POLICY} could not be read (${awsReason(error)})` };
  }
}

const argsSchema = z.object({
  sid: z.string(),
  denied,
  /** Only sessions from before that time; null: every session. */
  issuedBefore: z.iso.datetime().nullable(),
});
export type EverywhereArgs = z.infer<typeof argsSchema>;

export const statementOf = ({ sid, denied: who, issuedBefore }: EverywhereArgs): JsonObject =>
  denyStatement(sid, who, issuedBefore === null ? undefined : new Date(issuedBefore));

type Context = Pick<StepContext, 'aws' | 'settings'>;

/** The policy as it stands; undefined where it is gone. Throws PolicyInvalid where policy.yml does not name the management account. */
async function policyOf({ aws, settings = {} }: Context) {
  const { managementAccount } = settingsOf(settings);
  if (managementAccount === undefined)
    throw new FirebreakError('PolicyInvalid', 'policy.yml does not name the management account', {
      resource: 'policy.yml: playbooks.revoke-sso-sessions.managementAccount',
      next: `Name it, or change ${DENIED_USERS_POLICY} by hand in AWS Organizations.`,
    });
  const there = inManagement(aws, managementAccount);
  return { there, policy: await policyNamed(there, DENIED_USERS_POLICY) };
}

const deployed = (content: string | undefined): string => {
  if (content !== undefined && isDeniedUsers(content)) return content;
  throw new FirebreakError(
    'StepFailed',
    `${DENIED_USERS_POLICY} is ${content === undefined ? 'not there' : 'not the policy that was deployed'}`,
    {
      resource: DENIED_USERS_POLICY,
      next: 'Deploy deploy/generated/management-account.json again, and see CloudTrail for who changed it.',
    },
  );
};

async function put(
  { aws, settings }: Context,
  change: (live: string) => string | undefined,
): Promise<boolean> {
  const { there, policy } = await policyOf({ aws, settings });
  const live = deployed(policy?.content);
  const text = change(live);
  if (text === undefined || text === live || !policy) return false;
  if (!fits(text))
    throw new FirebreakError('StepFailed', `${DENIED_USERS_POLICY} has no room for another user`, {
      resource: DENIED_USERS_POLICY,
      next: 'Undo denies in it that are over, or disable the user in IAM Identity Center.',
    });
  await updatePolicy(there, policy.id, text);
  return true;
}

/** Our statement, and the whole text next to it, so that undo can restore it. */
const valueSchema = z.object({
  statement: z.custom<JsonObject>(isJsonObject).nullable(),
  policy: z.string().nullable(),
});

export const denyEverywhere = stepKind(argsSchema, {
  value: valueSchema,
  async foreign(args, { target, caseId, aws, settings, now }, writing) {
    const { userName, permissionSet, roleName } = ssoFacts.parse(target.facts);
    if (!isSidOf(args.sid, caseId)) return `${args.sid} is not a statement of ${caseId}`;
    if (!('userId' in args.denied)) return 'a name is not denied in every account';
    if (Date.parse(args.issuedBefore ?? '') > now().getTime() + CLOCKS_MS)
      return 'its cut-off is yet to come';
    // A deny that is in the policy is taken out by its name, no matter whom it denies.
    if (writing !== 'apply') return undefined;
    const { account } = settingsOf(settings ?? {});
    const live = await readCenter(aws.inAccount(account, await regionOfCenter(aws, roleName)), {
      ...{ permissionSet, userName, account: target.account },
    });
    return live.reachable && live.userId === args.denied.userId
      ? undefined
      : `the user is ${live.reachable ? (live.userId ?? 'not known') : 'not known'}, not ${args.denied.userId}`;
  },
  async read({ sid }, context) {
    const { policy } = await policyOf(context);
    const content = policy?.content ?? null;
    const statement = statementIn(content, sid);
    return { value: { statement: isJsonObject(statement) ? statement : null, policy: content } };
  },
  after: (args) => ({ statement: statementOf(args), policy: null }),
  async apply(args, context) {
    const statement = statementOf(args);
    await put(context, (live) => withStatement(live, args.sid, statement));
    return undefined;
  },
  async revert({ sid }, context, before) {
    if (before.statement !== null) throw damaged(`${sid} was in the policy before`, DENIED_USERS_POLICY);
    const reverted = await put(context, (live) => withoutStatement(live, sid, before.policy) ?? undefined);
    const { policy } = await policyOf(context);
    if (statementIn(policy?.content ?? null, sid) === null) return reverted ? 'reverted' : 'absent';
    throw cannotRestore(
      `${DENIED_USERS_POLICY} was changed by someone else at the same time`,
      DENIED_USERS_POLICY,
      'Press Undo again.',
    );
  },
  // What other incidents write into the same policy is left alone.
  same: (a, b) => sameJson(a.statement, b.statement),
});

/** The clocks of two functions differ by less; a later time would deny sessions that are yet to come. */
const CLOCKS_MS = 300_000;

export async function proveEverywhere(
  context: Context,
  id: string,
  args: EverywhereArgs,
): Promise<{ readonly check: ProofCheck; readonly written: boolean }> {
  const { policy } = await policyOf(context);
  const written = sameJson(statementIn(policy?.content ?? null, args.sid), statementOf(args));
  return {
    written,
    check: {
      id,
      ok: written,
      saw: written
        ? `${DENIED_USERS_POLICY} denies ${args.sid} in every account that it is attached to`
        : `the deny ${args.sid} is not in ${DENIED_USERS_POLICY} as it was written`,
    },
  };
}
