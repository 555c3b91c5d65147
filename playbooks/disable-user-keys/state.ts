/** Live state of one IAM user. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { FirebreakError, isFirebreakError } from '../../core/errors.ts';
import type { Target } from '../../core/journal/playbook.ts';
import { awsReason, isNoSuchEntity } from '../common/iam/aws-reason.ts';
import { pagesOf } from '../common/iam/iam-pages.ts';
import { signInSessionsOf } from '../common/iam/sign-in-sessions.ts';
import { userInline } from '../common/iam/user-policies.ts';
import { credentialsOf, credentialsSchema } from './credentials.ts';
import type { UserFacts } from './target.ts';

const keySchema = z.object({
  id: z.string(),
  status: z.string(),
  createdAt: z.string(),
  lastService: z.string().nullable(),
  lastRegion: z.string().nullable(),
});
export type UserKey = z.infer<typeof keySchema>;

export const userState = z.object({
  arn: z.string(),
  userId: z.string(),
  path: z.string(),
  tags: z.record(z.string(), z.string()),
  keys: z.array(keySchema),
  inline: z.array(z.object({ name: z.string(), size: z.number() })),
  attached: z.array(z.string()),
  groups: z.array(z.string()),
  console: z.boolean(),
  mfa: z.array(z.object({ serial: z.string(), enabledAt: z.string() })),
  /** Absent in records of earlier releases. */
  credentials: credentialsSchema.default({ found: [], unread: [] }),
  /** Sign-in sessions that can be renewed; why they are not known. Absent in records of earlier releases. */
  signIns: z
    .union([z.number(), z.object({ unread: z.string() })])
    .default({ unread: 'an earlier release did not look' }),
});
export type UserState = z.infer<typeof userState>;

/** The reported key if it is the user's, and every key made since GuardDuty first saw the activity. */
export function keysToDisable({ keys }: Pick<UserState, 'keys'>, facts: UserFacts): readonly UserKey[] {
  return keys.filter(({ id, createdAt }) => id === facts.accessKeyId || madeSince(createdAt, facts));
}
/** Made since GuardDuty first saw the activity. */
export const madeSince = (createdAt: string, { firstSeen }: UserFacts): boolean =>
  firstSeen !== null && createdAt !== '' && Date.parse(createdAt) > Date.parse(firstSeen);

/** Throws ResourceNotFound when the user is gone. */
export async function readUser(target: Target<UserFacts>, aws: Aws): Promise<UserState> {
  const { userName: UserName } = target.facts;
  const { client, api } = await aws.iam();
  try {
    const [found, keys, inline, attached, groups, console, mfa, credentials, signIns] = await Promise.all([
      client.send(new api.GetUserCommand({ UserName })),
      keysOf(aws, UserName),
      userInline(aws, UserName),
      attachedOf(aws, UserName),
      pagesOf(
        (Marker) => client.send(new api.ListGroupsForUserCommand({ UserName, ...Marker })),
        (answer) => answer.Groups,
      ),
      client.send(new api.GetLoginProfileCommand({ UserName })).then(
        () => true,
        (error: unknown) => (isNoSuchEntity(error) ? false : Promise.reject(error)),
      ),
      pagesOf(
        (Marker) => client.send(new api.ListMFADevicesCommand({ UserName, ...Marker })),
        (answer) => answer.MFADevices,
      ),
      credentialsOf(aws, UserName),
      signInsOf(aws, UserName),
    ]);
    return {
      arn: found.User?.Arn ?? target.display,
      userId: found.User?.UserId ?? '',
      path: found.User?.Path ?? '/',
      tags: Object.fromEntries((found.User?.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])),
      keys: await Promise.all(keys.map((key) => withLastUse(aws, key))),
      inline,
      attached,
      groups: groups.map(({ GroupName = '' }) => GroupName),
      console,
      mfa: mfa.map(({ SerialNumber = '', EnableDate }) => ({
        serial: SerialNumber,
        enabledAt: EnableDate?.toISOString() ?? '',
      })),
      credentials,
      signIns,
    };
  } catch (error) {
    if (!isNoSuchEntity(error)) throw error;
    throw new FirebreakError('ResourceNotFound', 'the user does not exist any more', {
      resource: target.display,
      next: 'See CloudTrail for who deleted it; look for roles its keys assumed.',
      cause: error,
    });
  }
}

/** What keeps them from being listed keeps no deny from being written. */
async function signInsOf(aws: Aws, userName: string): Promise<UserState['signIns']> {
  try {
    return (await signInSessionsOf(aws, userName)).length;
  } catch (error) {
    if (isFirebreakError(error)) return { unread: error.message };
    return { unread: awsReason(error) };
  }
}

/** A user has two keys at most, which may be listed at once. */
export async function keysOf(aws: Aws, UserName: string): Promise<UserKey[]> {
  const { client, api } = await aws.iam();
  const keys = await pagesOf(
    (marker) => client.send(new api.ListAccessKeysCommand({ UserName, ...marker })),
    (answer) => answer.AccessKeyMetadata,
  );
  return keys.map(({ AccessKeyId = '', Status = '', CreateDate }) => ({
    id: AccessKeyId,
    status: Status,
    createdAt: CreateDate?.toISOString() ?? '',
    lastService: null,
    lastRegion: null,
  }));
}

async function withLastUse(aws: Aws, key: UserKey): Promise<UserKey> {
  const { client, api } = await aws.iam();
  const { AccessKeyLastUsed: used } = await client.send(
    new api.GetAccessKeyLastUsedCommand({ AccessKeyId: key.id }),
  );
  // "N/A" is IAM's word for never.
  const known = (text: string | undefined) => (text === undefined || text === 'N/A' ? null : text);
  return { ...key, lastService: known(used?.ServiceName), lastRegion: known(used?.Region) };
}

export async function attachedOf(aws: Aws, UserName: string): Promise<string[]> {
  const { client, api } = await aws.iam();
  const attached = await pagesOf(
    (marker) => client.send(new api.ListAttachedUserPoliciesCommand({ UserName, ...marker })),
    (answer) => answer.AttachedPolicies,
  );
  return attached.map(({ PolicyArn = '' }) => PolicyArn).sort();
}
