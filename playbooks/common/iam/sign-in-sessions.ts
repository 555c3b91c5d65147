/**
 * Sign-in sessions of an IAM user: `aws login` and MCP clients renew their credentials by them for hours, without the password. They
 * are of no Region: the endpoint of the one that IAM is in lists and ends them all [M-LAB].
 */
import { z } from 'zod';
import { arn } from '../../../core/aws/arn.ts';
import type { Aws } from '../../../core/aws/client.ts';
import { awsCommand } from '../../../core/aws/command-line.ts';
import { allPages } from '../../../core/aws/pages.ts';
import { iamHome } from '../../../core/aws/regions.ts';
import { FirebreakError } from '../../../core/errors.ts';

export const signInSession = z.object({
  arn: z.string(),
  /** The client that signed in; null where AWS does not say. */
  client: z.string().nullable(),
  issuedAt: z.string(),
  expiresAt: z.string(),
});
export type SignInSession = z.infer<typeof signInSession>;

/** AWS Sign-In knows a user by its ARN without the path, and by its API model takes ARNs of the partition `aws` alone. */
function principalOf({ scope }: Aws, userName: string): string {
  const found = arn(iamHome(scope), 'iam', `user/${userName}`, { global: true });
  if (scope.partition === 'aws') return found;
  throw new FirebreakError('StepFailed', 'AWS Sign-In lists no sessions outside the partition aws', {
    resource: found,
    next: 'Ask AWS Support how sign-in sessions of the user are ended there.',
  });
}

const atHome = (aws: Aws): Aws => aws.inRegion(iamHome(aws.scope).region);
const timeOf = (seconds: number): string => new Date(seconds * 1000).toISOString();

/** Returns the sessions of a user that can still be renewed. Throws StepFailed where AWS Sign-In does not list any. */
export async function signInSessionsOf(aws: Aws, userName: string): Promise<readonly SignInSession[]> {
  const { client, api } = await atHome(aws).signIn();
  const principalArn = principalOf(aws, userName);
  const found = await allPages(async (nextToken) => {
    const page = await client.send(
      new api.ListSessionsCommand({ principalArn, status: 'ACTIVE', ...(nextToken ? { nextToken } : {}) }),
    );
    return { items: page.items, next: page.nextToken };
  });
  return found.map(({ sessionArn, clientId, issuedAt, expiresAt }) => ({
    ...{ arn: sessionArn, client: clientId ?? null },
    ...{ issuedAt: timeOf(issuedAt), expiresAt: timeOf(expiresAt) },
  }));
}

/** In one request. */
const MOST = 5;

/** Ends the sessions for good, and returns why the others could not be ended. */
export async function revokeSignInSessions(
  aws: Aws,
  userName: string,
  arns: readonly string[],
  reason: string,
): Promise<readonly string[]> {
  const { client, api } = await atHome(aws).signIn();
  const failed: string[] = [];
  for (let start = 0; start < arns.length; start += MOST) {
    const { errors } = await client.send(
      new api.BatchRevokeSessionsCommand({
        ...{ principalArn: principalOf(aws, userName), sessionArns: arns.slice(start, start + MOST) },
        reason,
      }),
    );
    failed.push(...errors.map(({ sessionArn, code }) => `${sessionArn} (${code})`));
  }
  return failed;
}

/** Returns the commands for a person where Firebreak could not list them. */
export function signInCommands(userArn: string): string {
  if (userArn.split(':')[1] !== 'aws') return 'AWS Sign-In has no command for them in this partition';
  const principal = userArn.replace(/:user\/.*\//, ':user/');
  const list = awsCommand('signin list-sessions', { 'principal-arn': principal, status: 'ACTIVE' });
  return `list them with \`${list}\` and end them with \`aws signin batch-revoke-sessions\``;
}
