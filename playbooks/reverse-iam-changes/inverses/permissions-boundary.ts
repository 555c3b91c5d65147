import { z } from 'zod';
import { parseArn } from '../../../core/aws/arn.ts';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import { identityNames, inConfig, liveIdentity, NAME, NAMES, ROLES, USERS, unlessGone } from '../identity.ts';

const GONE = 'gone';

/** The boundary that a user or role had limits it again. */
export const permissionsBoundary = defineInverse({
  id: 'permissions-boundary',
  danger: 'takes over',
  calls: {
    source: 'iam.amazonaws.com',
    names: [
      ...['DeleteUserPermissionsBoundary', 'DeleteRolePermissionsBoundary'],
      ...['PutUserPermissionsBoundary', 'PutRolePermissionsBoundary'],
    ],
    alsoTold: ['CreateUser', 'CreateRole'],
  },
  does: 'the boundary that was there is set again; one that was not is removed',
  resource: z.strictObject({ of: z.enum(['user', 'role']), name: z.string().regex(NAME) }),
  /** The ARN of a policy; null for none. */
  value: z
    .string()
    .regex(/^(gone|arn:[a-z-]+:iam::(aws|\d{12}):policy\/[\w+=,.@/-]{1,600})$/)
    .nullable(),
  effects({ name, request }, { partition, account }) {
    const [, , of = ''] = /^(Delete|Put|Create)(User|Role)/.exec(name) ?? [];
    const boundary = textIn(request, 'permissionsBoundary') ?? null;
    const owner = boundary === null ? undefined : parseArn(boundary);
    if (owner && (owner.partition !== partition || !['aws', account].includes(owner.account))) return [];
    const resource = { of: of.toLowerCase(), name: textIn(request, `${of.toLowerCase()}Name`) };
    return [{ resource, left: name.startsWith('Delete') ? null : boundary }];
  },
  listedAs: ({ name }) => name,
  recorded: {
    of: inConfig,
    value: ({ configuration }) =>
      textIn(configuration, 'permissionsBoundary', 'permissionsBoundaryArn') ?? null,
  },
  names: (aws, who) => identityNames(aws, who),
  says: ({ of, name }, wanted) =>
    wanted === null
      ? `Remove the permissions boundary of ${of} ${name}`
      : `Set the permissions boundary of ${of} ${name} to ${wanted.split('/').at(-1)}`,
  async read(aws, who) {
    const live = await liveIdentity(aws, who);
    if (!live) return GONE;
    return 'PermissionsBoundary' in live ? (live.PermissionsBoundary?.PermissionsBoundaryArn ?? null) : null;
  },
  async put(aws, { of, name }, to) {
    const { client, api } = await aws.iam();
    if (to === null) {
      if (of === 'user')
        await unlessGone(client.send(new api.DeleteUserPermissionsBoundaryCommand({ UserName: name })));
      else await unlessGone(client.send(new api.DeleteRolePermissionsBoundaryCommand({ RoleName: name })));
      return;
    }
    const PermissionsBoundary = to;
    if (of === 'user')
      await client.send(new api.PutUserPermissionsBoundaryCommand({ UserName: name, PermissionsBoundary }));
    else
      await client.send(new api.PutRolePermissionsBoundaryCommand({ RoleName: name, PermissionsBoundary }));
  },
  permissions: {
    read: [NAMES],
    write: [
      {
        actions: [
          ...['iam:DeleteUserPermissionsBoundary', 'iam:DeleteRolePermissionsBoundary'],
          ...['iam:PutUserPermissionsBoundary', 'iam:PutRolePermissionsBoundary'],
        ],
        resources: [USERS, ROLES],
        why: 'the boundary that a user or role had limits it again',
        worst: 'takes the limit off any user or role that is not protected',
      },
    ],
  },
  words: { setting: 'Permissions boundary', why: 'it limits what the identity can be given' },
  example: { eventName: 'DeleteRolePermissionsBoundary', requestParameters: { roleName: 'app' } },
});
