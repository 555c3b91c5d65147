import { z } from 'zod';
import { defineInverse, textIn, valueIn } from '../../common/changes/inverse.ts';
import { pagesOf } from '../../common/iam/iam-pages.ts';
import { GROUPS, identityNames, inConfig, NAME, NAMES, USERS, unlessGone } from '../identity.ts';

/** Who is in a group is again who was. */
export const groupMember = defineInverse({
  id: 'group-member',
  danger: 'takes over',
  calls: { source: 'iam.amazonaws.com', names: ['AddUserToGroup', 'RemoveUserFromGroup'] },
  does: 'the user leaves the group that it was added to, and is in the one again that it was in',
  resource: z.strictObject({ user: z.string().regex(NAME), group: z.string().regex(NAME) }),
  value: z.boolean().nullable(),
  effects({ name, request }) {
    const resource = { user: textIn(request, 'userName'), group: textIn(request, 'groupName') };
    // Both succeed where nothing is to be done, so neither proves what was.
    return [name === 'AddUserToGroup' ? { resource, left: true, guess: false } : { resource, left: false }];
  },
  listedAs: ({ user }) => user,
  recorded: {
    of: ({ user }) => inConfig({ of: 'user', name: user }),
    value({ configuration }, { group }) {
      const groups = valueIn(configuration, 'groupList');
      return Array.isArray(groups) ? groups.includes(group) : undefined;
    },
  },
  async names(aws, { user, group }) {
    const [of, on] = await Promise.all([
      identityNames(aws, { of: 'user', name: user }),
      identityNames(aws, { of: 'group', name: group }),
    ]);
    return [...on, ...of];
  },
  says: ({ user, group }, wanted) =>
    wanted ? `Add user ${user} to group ${group}` : `Remove user ${user} from group ${group}`,
  async read(aws, { user: UserName, group }) {
    const { client, api } = await aws.iam();
    const groups = await unlessGone(
      pagesOf(
        (marker) => client.send(new api.ListGroupsForUserCommand({ UserName, ...marker })),
        (answer) => answer.Groups,
      ),
    );
    return groups?.some(({ GroupName }) => GroupName === group) ?? null;
  },
  async put(aws, { user: UserName, group: GroupName }, to) {
    const { client, api } = await aws.iam();
    if (to) await client.send(new api.AddUserToGroupCommand({ UserName, GroupName }));
    else await unlessGone(client.send(new api.RemoveUserFromGroupCommand({ UserName, GroupName })));
  },
  permissions: {
    read: [
      NAMES,
      { actions: ['iam:ListGroupsForUser'], resources: [USERS], why: 'the groups that a user is in' },
    ],
    write: [
      {
        actions: ['iam:AddUserToGroup', 'iam:RemoveUserFromGroup'],
        resources: [GROUPS],
        why: 'who is in a group is again who was',
        worst: 'gives any user the rights of any group',
      },
    ],
  },
  words: {
    setting: 'Group membership',
    why: 'a member has the rights of the group',
    values: { true: 'member', false: 'not a member' },
  },
  example: { eventName: 'AddUserToGroup', requestParameters: { userName: 'eve', groupName: 'admins' } },
});
