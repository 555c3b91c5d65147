/** The step kinds: one inline policy of our own name on the role, written, read back and taken away again. */
import { z } from 'zod';
import { parseArn } from '../../../core/aws/arn.ts';
import { awsErrorName, FirebreakError } from '../../../core/errors.ts';
import type { Reading, StepContext } from '../../../core/journal/playbook.ts';
import type { Json, JsonObject } from '../../../core/json.ts';
import { isNoSuchEntity } from '../iam/aws-reason.ts';
import {
  cutOffOf,
  deniesOnly,
  denySession,
  denyTagged,
  isOwnPolicy,
  pinSession,
  policyText,
  principalTags,
  revokeOlder,
  revokesAtLeast,
  tagsOf,
} from '../iam/policy-documents.ts';
import { anyJson, cannotRestore, stepKind } from '../step-kind.ts';
import { readPolicy } from './state.ts';

const common = z.object({
  roleName: z.string(),
  roleArn: z.string(),
  policyName: z.string(),
  /** `AROA...:session`, as it is: a policy variable in its place would match everyone. */
  userId: z.string().regex(/^AROA[A-Z0-9]{4,124}:[\w+=,.@-]{2,64}$/),
  instanceId: z.string(),
  /** Where the session was used from; the proof asks whether a call from there is denied. */
  remoteIp: z.string().nullable(),
});
type PolicyName = z.infer<typeof common>;

/**
 * `lever: session` and `lever: pin`. The document is made from these when it is written, because a caller who may write to the table
 * could put any document there.
 */
const sessionArgs = z.discriminatedUnion('lever', [
  common.extend({
    lever: z.literal('session'),
    /** The deny knows its sessions by these instead of by `userId`. */
    sessionTags: principalTags.exactOptional(),
    /** Of earlier releases, which kept the tags nowhere else: nothing but the tags is read from it. */
    document: z.custom<Json>().exactOptional(),
  }),
  common.extend({
    lever: z.literal('pin'),
    instanceArn: z.string(),
    /** Single addresses, each as a range of one. */
    egress: z.array(z.string().regex(/^([\d.]+\/32|[\da-f:.]+\/128)$/)).min(1),
    vpcId: z.string(),
  }),
]);
const marginSeconds = z.int().min(0).max(60);
/**
 * `lever: role` and `lever: earlier`, which denies the sessions of the same name alone: the document is made when it is written, its
 * cut-off is that time and `marginSeconds`.
 */
const roleArgs = z.discriminatedUnion('lever', [
  common.extend({ lever: z.literal('role'), marginSeconds }),
  common.extend({ lever: z.literal('earlier'), marginSeconds }),
]);

/** What every deny is planned with. */
export type DenyArgs = z.infer<typeof sessionArgs> | z.infer<typeof roleArgs>;

/** What the targets of these steps say of the role; the task of ECS says nothing (`stop-task` reads it live). */
const factsOf = z
  .object({
    roleName: z.string().optional(),
    userId: z.string().optional(),
    ...{ cluster: z.string(), namespace: z.string(), serviceAccount: z.string() },
    podUids: z.array(z.string()),
  })
  .partial();

/** Why a role is not the incident's, for targets that do not name theirs. */
type AlsoForeign = (args: DenyArgs, context: StepContext) => Promise<string | undefined>;

function foreign(args: DenyArgs, { target, caseId }: StepContext): string | undefined {
  const facts = factsOf.parse(target.facts);
  const role = parseArn(args.roleArn);
  if (!isOwnPolicy(args.policyName, caseId)) return `${args.policyName} is not a policy of ${caseId}`;
  if (facts.roleName !== undefined && facts.roleName !== args.roleName)
    return `the role is ${facts.roleName}, not ${args.roleName}`;
  if (role?.account !== target.account || role.resource.split('/').at(-1) !== args.roleName)
    return `${args.roleArn} is not role ${args.roleName} of account ${target.account}`;
  if (facts.userId !== undefined && facts.userId !== args.userId)
    return `the session is ${facts.userId}, not ${args.userId}`;
  if (args.lever === 'pin' && !args.instanceArn.endsWith(`:instance/${args.userId.split(':')[1]}`))
    return `${args.instanceArn} is not the instance of the session`;
  if (args.lever !== 'session') return undefined;
  const tags = args.sessionTags ?? tagsOf(args.document);
  if (facts.podUids === undefined) return tags && 'the session is known by its name, not by tags';
  const known = [facts.cluster, facts.namespace, facts.serviceAccount, ...facts.podUids];
  const strange = Object.values(tags ?? {})
    .flat()
    .find((tag) => !known.includes(tag));
  if (tags === undefined) return 'no tags of the pods';
  return strange && `${strange} is not of these pods`;
}

function denyOf(args: z.infer<typeof sessionArgs>): JsonObject {
  switch (args.lever) {
    case 'session': {
      const tags = args.sessionTags ?? tagsOf(args.document);
      return tags ? denyTagged(tags) : denySession(args.userId);
    }
    case 'pin':
      return pinSession(args.instanceArn, args.egress);
  }
}

const cutOffNow = (
  { lever, userId, marginSeconds: margin }: z.infer<typeof roleArgs>,
  { now }: StepContext,
): JsonObject =>
  revokeOlder(new Date(now().getTime() + margin * 1000), lever === 'earlier' ? userId : undefined);

async function read({ roleName, policyName }: PolicyName, { aws }: StepContext): Promise<Reading> {
  const value = (await readPolicy(aws, roleName, policyName))?.value ?? null;
  const cutOff = cutOffOf(value)?.toISOString();
  return cutOff === undefined ? { value } : { value, output: cutOff };
}

async function put(
  { roleName, roleArn, policyName }: PolicyName,
  { aws }: StepContext,
  value: JsonObject,
): Promise<void> {
  const { client, api } = await aws.iam();
  try {
    await client.send(
      new api.PutRolePolicyCommand({
        RoleName: roleName,
        PolicyName: policyName,
        PolicyDocument: policyText(value),
      }),
    );
  } catch (error) {
    throw explained(error, roleArn);
  }
}

/**
 * The journal has seen that the live document is still ours; policies of other names are never touched. A prior document
 * comes from the table: one that allows anything is left for a person to restore.
 */
async function revert(args: PolicyName, context: StepContext, before: Json): Promise<'reverted'> {
  if (before !== null) {
    if (!deniesOnly(before))
      throw cannotRestore(
        `the recorded prior policy ${args.policyName} does more than deny, so it was not written back`,
        args.roleArn,
        'Compare the record with CloudTrail, then write or delete the policy yourself.',
      );
    await put(args, context, before);
    return 'reverted';
  }
  const { roleName, policyName } = args;
  const { client, api } = await context.aws.iam();
  try {
    await client.send(new api.DeleteRolePolicyCommand({ RoleName: roleName, PolicyName: policyName }));
  } catch (error) {
    if (!isNoSuchEntity(error)) throw error; // gone already: that is what undo wants
  }
  return 'reverted';
}

/** IAM's refusals that a retry does not fix, with what does. Everything else goes on as it is. */
function explained(error: unknown, roleArn: string): unknown {
  const failed = (message: string, next: string) =>
    new FirebreakError('StepFailed', message, { resource: roleArn, next, cause: error });
  switch (awsErrorName(error)) {
    case 'UnmodifiableEntityException':
    case 'UnmodifiableEntity':
      return failed('IAM does not let this role be changed', 'Use an SCP on aws:userid.');
    case 'LimitExceededException':
    case 'LimitExceeded':
      return failed(
        'the role has no room for another inline policy',
        'Attach a managed policy with the same deny, set a permissions boundary, or use an SCP on aws:userid.',
      );
    case 'NoSuchEntityException':
    case 'NoSuchEntity':
      return failed(
        'the role was deleted meanwhile',
        'Find out who deleted it; its sessions have no policies any more.',
      );
    default:
      return error;
  }
}

/** The kinds, with what a playbook whose target does not name the role has to add. */
export function denyKinds(also?: AlsoForeign) {
  const isOther = (args: DenyArgs, context: StepContext) => foreign(args, context) ?? also?.(args, context);
  return {
    'deny-session': stepKind(sessionArgs, {
      value: anyJson,
      foreign: isOther,
      read,
      expects: true,
      after: denyOf,
      async apply(args, context) {
        await put(args, context, denyOf(args));
        return undefined;
      },
      revert,
    }),
    /** The cut-off is the time of the write, and only ever moves forward. Its output is the cut-off. */
    'revoke-older-sessions': stepKind(roleArgs, {
      value: anyJson,
      foreign: isOther,
      read,
      expects: true,
      after: (args, context) => cutOffNow(args, context),
      async apply(args, context) {
        const written = cutOffNow(args, context);
        await put(args, context, written);
        return cutOffOf(written)?.toISOString();
      },
      covers: revokesAtLeast,
      revert,
    }),
  };
}

export const KINDS = denyKinds();
