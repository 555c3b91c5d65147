/** Member accounts, reached by a role that the caller may assume there. */
import { arn } from '../../core/aws/arn.ts';
import { type Aws, awsFor } from '../../core/aws/client.ts';
import { isAccessDenied } from '../../core/errors.ts';

export interface Member {
  readonly aws: Aws;
  /** ARN of the session. */
  readonly caller: string;
}

/** Returns a member account as a session of the role sees it, or why it could not be reached. `purpose` names the session. */
export async function openMember(
  own: Aws,
  account: string,
  role: string | undefined,
  purpose: 'drill' | 'deny-check',
): Promise<Member | { readonly why: string }> {
  if (role === undefined) return { why: 'name a role that you may assume there: --role NAME' };
  const scope = { ...own.scope, account };
  const { client, api } = await own.sts();
  try {
    const { Credentials: given, AssumedRoleUser } = await client.send(
      new api.AssumeRoleCommand({
        RoleArn: arn(scope, 'iam', `role/${role}`, { global: true }),
        RoleSessionName: `firebreak-${purpose}`,
      }),
    );
    if (!given?.AccessKeyId || !given.SecretAccessKey || !given.SessionToken || !AssumedRoleUser?.Arn)
      return { why: 'STS gave no credentials' };
    const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, SessionToken: sessionToken } = given;
    const as = { accessKeyId, secretAccessKey, sessionToken };
    return { aws: awsFor(scope, { name: purpose, as }), caller: AssumedRoleUser.Arn };
  } catch (error) {
    if (isAccessDenied(error)) return { why: `${role} cannot be assumed there` };
    throw error;
  }
}
