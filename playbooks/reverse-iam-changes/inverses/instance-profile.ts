import { z } from 'zod';
import { arn } from '../../../core/aws/arn.ts';
import type { Aws } from '../../../core/aws/client.ts';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import { identityNames, NAME, NAMES, ROLES, unlessGone } from '../identity.ts';

const PROFILES = 'arn:${Partition}:iam::${Account}:instance-profile/*';

/** A role that was added to an instance profile is taken out. To give one to instances is a right of undo alone. */
export const instanceProfile = defineInverse({
  id: 'instance-profile',
  danger: 'takes over',
  calls: {
    source: 'iam.amazonaws.com',
    names: ['AddRoleToInstanceProfile'],
    alsoTold: ['RemoveRoleFromInstanceProfile'],
  },
  does: 'a role that was added is taken out',
  resource: z.strictObject({ profile: z.string().regex(NAME), role: z.string().regex(NAME) }),
  value: z.boolean().nullable(),
  effects({ name, request }) {
    const resource = {
      profile: textIn(request, 'instanceProfileName'),
      role: textIn(request, 'roleName'),
    };
    // A profile has one role: to add to one that has it fails, and so does taking out what is not in it.
    const added = name === 'AddRoleToInstanceProfile';
    return [{ resource, left: added, before: !added }];
  },
  listedAs: ({ profile }) => profile,
  async names(aws, { profile, role }) {
    const live = await liveProfile(aws, profile);
    const own = live?.Arn ?? arn(aws.scope, 'iam', `instance-profile/${profile}`, { global: true });
    return [own, profile, ...(await identityNames(aws, { of: 'role', name: role }))];
  },
  says: ({ profile, role }) => `Take role ${role} out of instance profile ${profile}`,
  async read(aws, { profile, role }) {
    const live = await liveProfile(aws, profile);
    return live ? (live.Roles ?? []).some(({ RoleName }) => RoleName === role) : null;
  },
  async put(aws, { profile: InstanceProfileName, role: RoleName }, to) {
    const { client, api } = await aws.iam();
    const named = { InstanceProfileName, RoleName };
    if (to) await client.send(new api.AddRoleToInstanceProfileCommand(named));
    else await unlessGone(client.send(new api.RemoveRoleFromInstanceProfileCommand(named)));
  },
  permissions: {
    read: [
      NAMES,
      { actions: ['iam:GetInstanceProfile'], resources: [PROFILES], why: 'the role of an instance profile' },
    ],
    write: [
      {
        actions: ['iam:RemoveRoleFromInstanceProfile'],
        resources: [PROFILES],
        why: 'a role that the principal added to an instance profile is taken out',
        worst: 'takes the role from any instance',
      },
    ],
    undo: [
      {
        actions: ['iam:AddRoleToInstanceProfile'],
        resources: [PROFILES],
        why: 'the role that was taken out',
        worst: 'gives instances of a profile any role that may be passed',
      },
      {
        actions: ['iam:PassRole'],
        resources: [ROLES],
        condition: { StringEquals: { 'iam:PassedToService': 'ec2.amazonaws.com' } },
        why: 'the role that was taken out',
        worst: 'gives an instance any role that EC2 may have',
      },
    ],
  },
  words: {
    setting: 'Role of an instance profile',
    why: 'the instances of the profile get its rights',
    values: { true: 'in it', false: 'not in it' },
  },
  example: {
    eventName: 'AddRoleToInstanceProfile',
    requestParameters: { instanceProfileName: 'web', roleName: 'admin' },
  },
});

async function liveProfile(aws: Aws, InstanceProfileName: string) {
  const { client, api } = await aws.iam();
  const found = await unlessGone(client.send(new api.GetInstanceProfileCommand({ InstanceProfileName })));
  return found?.InstanceProfile;
}
