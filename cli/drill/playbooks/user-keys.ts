/** A long-term key of a user in a thief's hands. */
import { CreateAccessKeyCommand, CreateUserCommand, DeleteUserPolicyCommand } from '@aws-sdk/client-iam';
import { awsErrorName, FirebreakError } from '../../../core/errors.ts';
import { toJson } from '../../../core/json.ts';
import { PATH } from '../made/kind.ts';
import { callOf, isRefused, makeBucket, objectArn, policy, readsIt, tagOf } from '../parts.ts';
import type { Drill, Fact, Kit } from '../scene.ts';
import { makeCredentials } from './user-credentials.ts';

export const disableUserKeys: Drill = {
  playbook: 'disable-user-keys',
  makes:
    'a user with an access key, a credential of CodeCommit, a signing certificate and an SSH key, a bucket with one object',
  attack: 'reads the object with the key',
  probe: 'reads the object with the key',
  cost: { usd: 0.01, why: 'requests to S3' },
  minutes: 3,
  settles: ['user-credentials', 'user-inline-quota', 'user-quota-spaces'],
  async play(kit) {
    const { client, api } = await kit.aws.iam();
    const bucket = await makeBucket(kit, 'user-data');
    const UserName = kit.name('user');
    const { User } = await kit.make('user', UserName, () =>
      client.send(new CreateUserCommand({ UserName, Path: PATH, Tags: tagOf(kit) })),
    );
    await client.send(
      new api.PutUserPolicyCommand({
        ...{ UserName, PolicyName: 'drill' },
        PolicyDocument: policy({ Effect: 'Allow', Action: 's3:GetObject', Resource: objectArn(kit, bucket) }),
      }),
    );
    const { AccessKey } = await client.send(new CreateAccessKeyCommand({ UserName }));
    const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey } = AccessKey ?? {};
    if (accessKeyId === undefined || secretAccessKey === undefined)
      throw new FirebreakError('NotFound', 'IAM gave no access key', { resource: UserName });
    const thief = kit.as({ accessKeyId, secretAccessKey });
    const quota = await quotaOf(kit, UserName);
    const credentials = await makeCredentials(kit, UserName);
    return {
      finding: {
        ...{
          type: 'UnauthorizedAccess:IAMUser/MaliciousIPCaller.Custom',
          severity: 8,
          resourceRole: 'TARGET',
        },
        resource: {
          resourceType: 'AccessKey',
          accessKeyDetails: {
            accessKeyId,
            principalId: User?.UserId ?? '',
            userType: 'IAMUser',
            userName: UserName,
          },
        },
        action: callOf('GetObject', 's3.amazonaws.com'),
      },
      attack: () => readsIt(kit, thief, bucket),
      holds: () => isRefused(thief, bucket),
      works: async () => !(await isRefused(thief, bucket)),
      facts: [async () => quota, async () => [await credentials.fact()]],
      async state() {
        const { PolicyNames = [] } = await client.send(new api.ListUserPoliciesCommand({ UserName }));
        const { AttachedPolicies = [] } = await client.send(
          new api.ListAttachedUserPoliciesCommand({ UserName }),
        );
        const { AccessKeyMetadata = [] } = await client.send(new api.ListAccessKeysCommand({ UserName }));
        return {
          inline: [...PolicyNames].sort(),
          attached: AttachedPolicies.map(({ PolicyArn }) => PolicyArn ?? '').sort(),
          keys: AccessKeyMetadata.map((key) => [key.AccessKeyId ?? '', key.Status ?? '']),
          credentials: toJson(await credentials.statuses()) ?? null,
        };
      },
    };
  },
};

/** Characters of all inline policies of a user, white space not counted. */
const QUOTA = 2048;

/** Tries a policy that fills the quota, one that is a character too long, and one that is too long by its blanks alone. */
async function quotaOf(kit: Kit, UserName: string): Promise<readonly Fact[]> {
  const { client, api } = await kit.aws.iam();
  const PolicyName = 'filler';
  const held = await client.send(new api.GetUserPolicyCommand({ UserName, PolicyName: 'drill' }));
  const left = QUOTA - decodeURIComponent(held.PolicyDocument ?? '').replace(/\s/g, '').length;
  const filler = (length: number): string => {
    const document = (sid: string) => policy({ Sid: sid, Effect: 'Deny', Action: 'a4b:*', Resource: '*' });
    return document('a'.repeat(length - document('').length));
  };
  const put = async (PolicyDocument: string): Promise<string> => {
    try {
      await client.send(new api.PutUserPolicyCommand({ UserName, PolicyName, PolicyDocument }));
      await client.send(new DeleteUserPolicyCommand({ UserName, PolicyName }));
      return 'accepted';
    } catch (error) {
      return awsErrorName(error) ?? 'an error without a name';
    }
  };
  const whole = await put(filler(left));
  const over = await put(filler(left + 1));
  const padded = await put(`${filler(left)}${' '.repeat(100)}`);
  return [
    {
      id: 'user-inline-quota',
      verdict: whole === 'accepted' && over !== 'accepted' ? 'confirmed' : 'refuted',
      saw: `${QUOTA} characters: ${whole}; one more: ${over}`,
    },
    {
      id: 'user-quota-spaces',
      verdict: padded === 'accepted' ? 'confirmed' : 'refuted',
      saw: `${QUOTA} characters and 100 blanks: ${padded}`,
    },
  ];
}
