/** Users and roles. */
import {
  DeleteAccessKeyCommand,
  DeleteRoleCommand,
  DeleteRolePolicyCommand,
  DeleteServiceSpecificCredentialCommand,
  DeleteSigningCertificateCommand,
  DeleteSSHPublicKeyCommand,
  DeleteUserCommand,
  DeleteUserPolicyCommand,
  ListUsersCommand,
} from '@aws-sdk/client-iam';
import type { Aws } from '../../../core/aws/client.ts';
import { isAnswer } from '../../../playbooks/common/iam/aws-reason.ts';
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
      await removeCredentials(aws, UserName);
      await client.send(new DeleteUserCommand({ UserName }));
    });
  },
};

/** IAM deletes no user that has one: where a form cannot be listed, that says so. */
async function removeCredentials(aws: Aws, UserName: string): Promise<void> {
  const { client, api } = await aws.iam();
  const orNone = async <T>(list: () => Promise<readonly T[] | undefined>): Promise<readonly T[]> => {
    try {
      return (await list()) ?? [];
    } catch (error) {
      if (isAnswer(error)) return [];
      throw error;
    }
  };
  const services = await orNone(
    async () =>
      (await client.send(new api.ListServiceSpecificCredentialsCommand({ UserName })))
        .ServiceSpecificCredentials,
  );
  for (const { ServiceSpecificCredentialId } of services)
    await client.send(new DeleteServiceSpecificCredentialCommand({ UserName, ServiceSpecificCredentialId }));
  const certificates = await orNone(
    async () => (await client.send(new api.ListSigningCertificatesCommand({ UserName }))).Certificates,
  );
  for (const { CertificateId } of certificates)
    await client.send(new DeleteSigningCertificateCommand({ UserName, CertificateId }));
  const keys = await orNone(
    async () => (await client.send(new api.ListSSHPublicKeysCommand({ UserName }))).SSHPublicKeys,
  );
  for (const { SSHPublicKeyId } of keys)
    await client.send(new DeleteSSHPublicKeyCommand({ UserName, SSHPublicKeyId }));
}

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
