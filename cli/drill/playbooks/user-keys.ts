/** A long-term key of a user in a thief's hands. */
import { CreateAccessKeyCommand, CreateUserCommand } from '@aws-sdk/client-iam';
import { FirebreakError } from '../../../core/errors.ts';
import { PATH } from '../made.ts';
import { callOf, isRefused, makeBucket, objectArn, policy, readsIt, tagOf } from '../parts.ts';
import type { Drill } from '../scene.ts';

export const disableUserKeys: Drill = {
  playbook: 'disable-user-keys',
  makes: 'a user with one access key, a bucket with one object',
  attack: 'reads the object with the key',
  probe: 'reads the object with the key',
  cost: { usd: 0.01, why: 'requests to S3' },
  minutes: 3,
  settles: [],
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
        };
      },
    };
  },
};
