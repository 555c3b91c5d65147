import { z } from 'zod';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import { isNoSuchEntity } from '../../common/iam/aws-reason.ts';
import { pagesOf } from '../../common/iam/iam-pages.ts';
import { identityNames, NAME, NAMES, USERS } from '../identity.ts';

/** A key that was made goes Inactive, and is never deleted: its secret could not be restored. */
export const reversedAccessKey = defineInverse({
  id: 'reversed-access-key',
  danger: 'lets back in',
  calls: { source: 'iam.amazonaws.com', names: ['CreateAccessKey', 'UpdateAccessKey'] },
  does: 'a key that was created or switched on is set Inactive; a key that was switched off is Active again where it was',
  resource: z.object({
    userName: z.string().regex(NAME),
    keyId: z.string().regex(/^AKIA[A-Z0-9]{12,124}$/),
  }),
  value: z.enum(['Active', 'Inactive']).nullable(),
  effects({ name, request, response, userName }) {
    const of = (user: string | undefined, keyId: string | undefined) => ({ userName: user, keyId });
    if (name === 'CreateAccessKey') {
      const made = (part: string) => textIn(response, 'accessKey', part);
      return [{ resource: of(made('userName'), made('accessKeyId')), left: 'Active', before: 'Inactive' }];
    }
    const status = textIn(request, 'status');
    return [
      {
        // Without a name the caller changed a key of its own.
        resource: of(textIn(request, 'userName') ?? userName, textIn(request, 'accessKeyId')),
        left: status,
        // To switch a key on is never guessed.
        ...(status === 'Active' ? { guess: 'Inactive' } : {}),
      },
    ];
  },
  listedAs: ({ keyId }) => keyId,
  names: (aws, { userName: name }) => identityNames(aws, { of: 'user', name }),
  says: ({ userName, keyId }, wanted) => `Set ${keyId} of ${userName} ${wanted}`,
  async read(aws, { userName: UserName, keyId }) {
    const { client, api } = await aws.iam();
    try {
      const keys = await pagesOf(
        (marker) => client.send(new api.ListAccessKeysCommand({ UserName, ...marker })),
        (answer) => answer.AccessKeyMetadata,
      );
      const status = keys.find(({ AccessKeyId }) => AccessKeyId === keyId)?.Status;
      return status === 'Active' || status === 'Inactive' ? status : null;
    } catch (error) {
      if (isNoSuchEntity(error)) return null;
      throw error;
    }
  },
  async put(aws, { userName: UserName, keyId: AccessKeyId }, to) {
    if (to === null) throw new Error('a key is never deleted');
    const { client, api } = await aws.iam();
    await client.send(new api.UpdateAccessKeyCommand({ UserName, AccessKeyId, Status: to }));
  },
  permissions: {
    read: [NAMES, { actions: ['iam:ListAccessKeys'], resources: [USERS], why: 'whether a key is Active' }],
    write: [
      {
        actions: ['iam:UpdateAccessKey'],
        resources: [USERS],
        why: 'a key that the principal made goes Inactive',
        worst: 'switches any key on or off',
      },
    ],
  },
  words: {
    setting: 'Access key',
    why: 'an inactive key signs nothing',
    values: { Active: 'active', Inactive: 'inactive' },
  },
  example: {
    eventName: 'CreateAccessKey',
    requestParameters: { userName: 'eve' },
    responseElements: {
      accessKey: { userName: 'eve', accessKeyId: 'AKIAEXAMPLE000000EVE', status: 'Active' },
    },
  },
});
