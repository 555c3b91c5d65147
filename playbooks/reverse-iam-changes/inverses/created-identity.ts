import { z } from 'zod';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import { DENYING, identityNames, isDenied, NAME, setDenied } from '../identity.ts';

/** A user or role that was made is denied everything and never deleted: its id, keys and sessions could not be made again. */
export const createdIdentity = defineInverse({
  id: 'created-identity',
  danger: 'lets back in',
  calls: { source: 'iam.amazonaws.com', names: ['CreateUser', 'CreateRole'] },
  does: 'what was created is denied everything (AWSDenyAll is attached), and not deleted',
  resource: z.strictObject({
    of: z.enum(['user', 'role']),
    name: z.string().regex(NAME),
    /** Another one of that name is not the one that was made. */
    id: z.string().regex(/^A(ID|RO)A[A-Z0-9]{4,124}$/),
  }),
  value: z.boolean().nullable(),
  effects({ name: call, response }) {
    const of = call === 'CreateUser' ? 'user' : 'role';
    const made = (part: string) => textIn(response, of, `${of}${part}`);
    return [{ resource: { of, name: made('Name'), id: made('Id') }, left: false, before: true }];
  },
  listedAs: ({ name }) => name,
  names: (aws, who) => identityNames(aws, who),
  says: ({ of, name }) => `Deny everything to ${of} ${name}, which the principal created`,
  read: (aws, { id, ...who }) => isDenied(aws, who, id),
  put: (aws, { id: _id, ...who }, to) => setDenied(aws, who, to),
  remains: ({ of, name }) => [`${of} ${name} is there, denied everything: delete it once it was looked at`],
  permissions: DENYING,
  words: {
    setting: 'Created identity',
    why: 'it was made to come back with',
    values: { true: 'denied everything', false: 'not denied' },
  },
  example: {
    eventName: 'CreateUser',
    requestParameters: { userName: 'eve' },
    responseElements: { user: { userName: 'eve', userId: 'AIDAEXAMPLE0000000EVE' } },
  },
});
