/** The role that an instance gets its credentials from, by its instance profile. */
import { parseArn } from '../../../core/aws/arn.ts';
import type { Aws } from '../../../core/aws/client.ts';
import type { Permission } from '../../../core/journal/playbook.ts';
import { isNoSuchEntity } from '../iam/aws-reason.ts';

export interface InstanceRole {
  readonly roleName: string;
  readonly roleId: string;
}

export const READ_PROFILE: Permission = {
  actions: ['iam:GetInstanceProfile'],
  resources: [`arn:\${Partition}:iam::\${Account}:instance-profile/*`],
  why: 'which role an instance gets its credentials from',
};

/** Returns the role in an instance profile; undefined where the profile is gone or carries none. */
export async function roleOfProfile(aws: Aws, profileArn: string): Promise<InstanceRole | undefined> {
  const InstanceProfileName = parseArn(profileArn)?.resource.split('/').at(-1);
  if (InstanceProfileName === undefined) return undefined;
  const { client, api } = await aws.iam();
  try {
    const { InstanceProfile } = await client.send(new api.GetInstanceProfileCommand({ InstanceProfileName }));
    // A profile carries one role at most (IAM quota).
    const [role] = InstanceProfile?.Roles ?? [];
    return role?.RoleName && role.RoleId ? { roleName: role.RoleName, roleId: role.RoleId } : undefined;
  } catch (error) {
    if (isNoSuchEntity(error)) return undefined;
    throw error;
  }
}
