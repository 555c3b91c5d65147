/** The step kinds: one inline policy of our own name on the role, written, read back and taken away again. */
import { z } from 'zod';
import { awsErrorName, FirebreakError } from '../../../core/errors.ts';
import type { Reading, StepContext } from '../../../core/journal/playbook.ts';
import type { Json, JsonObject } from '../../../core/json.ts';
import { isNoSuchEntity } from '../iam/aws-reason.ts';
import {
  cutOffOf,
  deniesOnly,
  denySession,
  denyTagged,
  pinSession,
  policyText,
  principalTags,
  revokeOlder,
  revokesAtLeast,
  tagsOf,
} from '../iam/policy-documents.ts';
import { cannotRestore, stepKind } from '../step-kind.ts';
import { readPolicy } from './state.ts';

const common = z.object({
  roleName: z.string(),
  roleArn: z.string(),
  policyName: z.string(),
  userId: z.string(),
  instanceId: z.string(),
  /** Where the session was used from; the proof asks whether a call from there is denied. */
  remoteIp: z.string().nullable(),
});
type PolicyName = z.infer<typeof common>;

/**
 * Levers `session` and `pin`. The document is made from these when it is written, because whoever may write to the table
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
    egress: z.array(z.string()).min(1),
    vpcId: z.string(),
  }),
]);
/** Lever `role`: the document is made when it is written: its cut-off is that time and `marginSeconds`. */
const roleArgs = common.extend({ lever: z.literal('role'), marginSeconds: z.number() });

/** What a deny of any lever is planned with. */
export type DenyArgs = z.infer<typeof sessionArgs> | z.infer<typeof roleArgs>;

const denySessionKind = stepKind(sessionArgs, {
  read,
  after: denyOf,
  async apply(args, context) {
    await put(args, context, denyOf(args));
    return undefined;
  },
  revert,
});

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

/** The cut-off is the time of the write, and only ever moves forward. Its output is the cut-off. */
const revokeOlderKind = stepKind(roleArgs, {
  read,
  after: (args, context) => cutOffNow(args, context),
  async apply(args, context, _before, after) {
    // After a crash `after` may be old by now, and sessions issued since would survive it.
    const fresh = cutOffNow(args, context);
    const planned = cutOffOf(after);
    const written = planned && !revokesAtLeast(fresh, after) ? revokeOlder(planned) : fresh;
    await put(args, context, written);
    return cutOffOf(written)?.toISOString();
  },
  covers: revokesAtLeast,
  revert,
});

const cutOffNow = ({ marginSeconds }: z.infer<typeof roleArgs>, { now }: StepContext): JsonObject =>
  revokeOlder(new Date(now().getTime() + marginSeconds * 1000));

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
 * comes from the table: one that allows anything is left for a person to put back.
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

/** IAM's refusals that a retry does not mend, with what does. Everything else goes on as it is. */
function explained(error: unknown, roleArn: string): unknown {
  const failed = (message: string, next: string) =>
    new FirebreakError('StepFailed', message, { resource: roleArn, next, cause: error });
  switch (awsErrorName(error)) {
    case 'UnmodifiableEntityException':
    case 'UnmodifiableEntity':
      return failed(
        'IAM does not let this role be changed',
        'Use an SCP on aws:userid, or isolate the instance.',
      );
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

export const KINDS = { 'deny-session': denySessionKind, 'revoke-older-sessions': revokeOlderKind };
