/** IAM Identity Center as its API tells it: instance, permission set, user. It lives in an account and a Region of its own. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { allPages } from '../../core/aws/pages.ts';
import { awsErrorName, describeError, isAccessDenied, isFirebreakError } from '../../core/errors.ts';
import { regionName } from '../common/step-kind.ts';

/** Where a permission set is, and how to get there. In the arguments of every step. */
export const placeSchema = z.object({
  account: z.string().regex(/^\d{12}$/),
  region: regionName,
  instanceArn: z.string(),
  permissionSetArn: z.string(),
});
export type Place = z.infer<typeof placeSchema>;

export const centerSchema = z.discriminatedUnion('reachable', [
  placeSchema.extend({
    reachable: z.literal(true),
    /** Null: the identity store knows no user of the session's name. */
    userId: z.string().nullable(),
    /** Accounts the permission set is provisioned to. */
    accounts: z.array(z.string()),
    sessionSeconds: z.number(),
    policy: z.string().nullable(),
  }),
  z.object({ reachable: z.literal(false), why: z.string() }),
]);
export type Center = z.infer<typeof centerSchema>;

export interface Wanted {
  readonly permissionSet: string;
  readonly userName: string;
  /** The account of the finding, to which the permission set is provisioned. */
  readonly account: string;
}

/**
 * The Region of Identity Center from the path of one of its roles: `/aws-reserved/sso.amazonaws.com/REGION/`, and
 * without a Region where it is in us-east-1 [M].
 */
export const centerRegion = (path: string): string =>
  /^\/aws-reserved\/sso\.amazonaws\.com\/([a-z0-9-]+)\/$/.exec(path)?.[1] ?? 'us-east-1';

/** Returns the Region of Identity Center that a live role is of. */
export async function regionOfCenter(aws: Aws, RoleName: string): Promise<string> {
  const { client, api } = await aws.iam();
  const { Role } = await client.send(new api.GetRoleCommand({ RoleName }));
  return centerRegion(Role?.Path ?? '/');
}

/** Looks for the permission set from the account that `aws` is in. What keeps it from being changed is reported, not thrown. */
export async function readCenter(aws: Aws, wanted: Wanted): Promise<Center> {
  const { account, region } = aws.scope;
  const where = `account ${account}, ${region}`;
  try {
    const { client, api } = await aws.ssoAdmin();
    const { Instances = [] } = await client.send(new api.ListInstancesCommand({}));
    for (const { InstanceArn, IdentityStoreId } of Instances) {
      if (!InstanceArn || !IdentityStoreId) continue;
      const found = await permissionSetOf(aws, InstanceArn, wanted);
      if (!found) continue;
      const [userId, accounts, policy] = await Promise.all([
        userIdOf(aws, IdentityStoreId, wanted.userName),
        accountsOf(aws, InstanceArn, found.arn),
        inlinePolicyOf(aws, { account, region, instanceArn: InstanceArn, permissionSetArn: found.arn }),
      ]);
      const { arn: permissionSetArn, sessionSeconds } = found;
      return {
        reachable: true,
        account,
        region,
        instanceArn: InstanceArn,
        permissionSetArn,
        userId,
        accounts,
        sessionSeconds,
        policy,
      };
    }
    const why =
      Instances.length === 0
        ? `no instance of IAM Identity Center is seen from ${where}`
        : `IAM Identity Center in ${where} has no permission set ${wanted.permissionSet} in account ${wanted.account}`;
    return { reachable: false, why };
  } catch (error) {
    if (!isAccessDenied(error) && !isFirebreakError(error, 'ResponderMissing')) throw error;
    return {
      reachable: false,
      why: `IAM Identity Center cannot be reached from ${where}: ${describeError(error)}`,
    };
  }
}

async function permissionSetOf(
  aws: Aws,
  InstanceArn: string,
  { account, permissionSet }: Wanted,
): Promise<{ readonly arn: string; readonly sessionSeconds: number } | undefined> {
  const { client, api } = await aws.ssoAdmin();
  const arns = await allPages(async (NextToken) => {
    const page = await client.send(
      new api.ListPermissionSetsProvisionedToAccountCommand({ InstanceArn, AccountId: account, NextToken }),
    );
    return { items: page.PermissionSets, next: page.NextToken };
  });
  // The API finds a permission set by its ARN only; few are provisioned to one account.
  for (const arn of arns) {
    const { PermissionSet } = await client.send(
      new api.DescribePermissionSetCommand({ InstanceArn, PermissionSetArn: arn }),
    );
    if (PermissionSet?.Name === permissionSet)
      return { arn, sessionSeconds: secondsOf(PermissionSet.SessionDuration) };
  }
  return undefined;
}

/** `PT8H`, `PT1H30M` (ISO 8601). At most 12 hours, which stands for what cannot be read. */
function secondsOf(duration: string | undefined): number {
  const match = /^PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?$/.exec(duration ?? '');
  if (!match) return 12 * 3600;
  const [, hours = 0, minutes = 0, seconds = 0] = match.map((part) => Number(part ?? 0));
  return hours * 3600 + minutes * 60 + seconds;
}

async function userIdOf(aws: Aws, IdentityStoreId: string, userName: string): Promise<string | null> {
  const { client, api } = await aws.identityStore();
  try {
    const { UserId } = await client.send(
      new api.GetUserIdCommand({
        IdentityStoreId,
        AlternateIdentifier: {
          UniqueAttribute: { AttributePath: 'userName', AttributeValue: userName },
        },
      }),
    );
    return UserId ?? null;
  } catch (error) {
    if (awsErrorName(error) === 'ResourceNotFoundException') return null;
    throw error;
  }
}

async function accountsOf(aws: Aws, InstanceArn: string, PermissionSetArn: string): Promise<string[]> {
  const { client, api } = await aws.ssoAdmin();
  const found = await allPages(async (NextToken) => {
    const page = await client.send(
      new api.ListAccountsForProvisionedPermissionSetCommand({ InstanceArn, PermissionSetArn, NextToken }),
    );
    return { items: page.AccountIds, next: page.NextToken };
  });
  return [...found];
}

/** The inline policy of the permission set, or null where it has none: the API then answers an empty text. */
export async function inlinePolicyOf(
  aws: Aws,
  { instanceArn, permissionSetArn }: Place,
): Promise<string | null> {
  const { client, api } = await aws.ssoAdmin();
  const { InlinePolicy } = await client.send(
    new api.GetInlinePolicyForPermissionSetCommand({
      InstanceArn: instanceArn,
      PermissionSetArn: permissionSetArn,
    }),
  );
  return InlinePolicy || null;
}

export async function putInlinePolicy(
  aws: Aws,
  { instanceArn, permissionSetArn }: Place,
  text: string | null,
): Promise<void> {
  const { client, api } = await aws.ssoAdmin();
  const set = { InstanceArn: instanceArn, PermissionSetArn: permissionSetArn };
  if (text === null) await client.send(new api.DeleteInlinePolicyFromPermissionSetCommand(set));
  else await client.send(new api.PutInlinePolicyToPermissionSetCommand({ ...set, InlinePolicy: text }));
}
