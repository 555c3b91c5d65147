import { z } from 'zod';
import { defineInverse, textIn } from '../../common/changes/inverse.ts';
import { DENYING, identityNames, isDenied, NAME, setDenied } from '../identity.ts';

/** Who set a password signs in with it. It is not deleted, since it could not be restored: the user is denied everything. */
export const consolePassword = defineInverse({
  id: 'console-password',
  danger: 'lets back in',
  calls: { source: 'iam.amazonaws.com', names: ['CreateLoginProfile', 'UpdateLoginProfile'] },
  does: 'the user is denied everything (AWSDenyAll is attached); the password stays, since undo could not restore it',
  resource: z.strictObject({ user: z.string().regex(NAME) }),
  value: z.boolean().nullable(),
  effects: ({ request }) => [{ resource: { user: textIn(request, 'userName') }, left: false, before: true }],
  listedAs: ({ user }) => user,
  names: (aws, { user: name }) => identityNames(aws, { of: 'user', name }),
  says: ({ user }) => `Deny everything to user ${user}, whose console password the principal set`,
  read: (aws, { user: name }) => isDenied(aws, { of: 'user', name }),
  put: (aws, { user: name }, to) => setDenied(aws, { of: 'user', name }, to),
  remains: ({ user }) => [
    `the principal knows the console password of ${user}: set another one, then undo the deny`,
  ],
  permissions: DENYING,
  words: {
    setting: 'User with a new password',
    why: 'the attacker knows the password',
    values: { true: 'denied everything', false: 'not denied' },
  },
  example: { eventName: 'CreateLoginProfile', requestParameters: { userName: 'bob' } },
});
