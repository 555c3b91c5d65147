/** Users and roles. */
import {
  DeleteAccessKeyCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  DeleteUserCommand,
  DeleteUserPolicyCommand,
  ListUsersCommand,
} from '@aws-sdk/client-iam';
import { drillIn, each, found, type Kind, PATH, unlessGone } from './kind.ts';

export const user: Kind = {
  async find(aws) {
    const { client, api } = await aws.iam();
    const { Users } = await client.send(new ListUsersCommand({ PathPrefix: PATH }));
    return each(Users, async ({ UserName }) => {
      const { User } = await client.send(new api.GetUserCommand({ UserName }));
      return found(UserName, drillIn(User?.Tags));
    });
  },
  async remove(aws, id) {
    const { client, api } = await aws.iam();
    await unlessGone(async () => {
      const UserName = id;
      const { AccessKeyMetadata = [] } = await client.send(new api.ListAccessKeysCommand({ UserName }));
      for (const { AccessKeyId } of AccessKeyMetadata)
        await client.send(new DeleteAccessKeyCommand({ UserName, AccessKeyId }));
      const { AttachedPolicies = [] } = await client.send(
        new api.ListAttachedUserPoliciesCommand({ UserName }),
      );
      for (const { PolicyArn } of AttachedPolicies)
        await client.send(new api.DetachUserPolicyCommand({ UserName, PolicyArn }));
      const { PolicyNames = [] } = await client.send(new api.ListUserPoliciesCommand({ UserName }));
      for (const PolicyName of PolicyNames)
        await client.send(new DeleteUserPolicyCommand({ UserName, PolicyName }));
      await client.send(new DeleteUserCommand({ UserName }));
    });
  },
};

export const role: Kind = {
  async find(aws) {
    const { client, api } = await aws.iam();
    const { Roles } = await client.send(new api.ListRolesCommand({ PathPrefix: PATH }));
    return each(Roles, async ({ RoleName }) => {
      const { Role } = await client.send(new api.GetRoleCommand({ RoleName }));
      return found(RoleName, drillIn(Role?.Tags));
    });
  },
  async remove(aws, id) {
    const { client, api } = await aws.iam();
    await unlessGone(async () => {
      const { PolicyNames = [] } = await client.send(new api.ListRolePoliciesCommand({ RoleName: id }));
      for (const PolicyName of PolicyNames)
        await client.send(new DeleteRolePolicyCommand({ RoleName: id, PolicyName }));
      const { AttachedPolicies = [] } = await client.send(
        new api.ListAttachedRolePoliciesCommand({ RoleName: id }),
      );
      for (const { PolicyArn } of AttachedPolicies)
        await client.send(new api.DetachRolePolicyCommand({ RoleName: id, PolicyArn }));
      await client.send(new DeleteRoleCommand({ RoleName: id }));
    });
  },
};
