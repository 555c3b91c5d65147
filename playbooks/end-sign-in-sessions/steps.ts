/** The step kind: the user's sign-in sessions ended, which cannot be undone. */
import { z } from 'zod';
import { FirebreakError } from '../../core/errors.ts';
import { revokeSignInSessions, signInSessionsOf } from '../common/iam/sign-in-sessions.ts';
import { stepKind } from '../common/step-kind.ts';

/** Whether the user has a session that can be renewed. Which ones they are is asked when they are ended, and taken from no record. */
const signInSessions = stepKind(z.object({ userName: z.string() }), {
  value: z.enum(['open', 'ended']),
  foreign: ({ userName }, { target }) =>
    userName === target.id ? undefined : `the user is ${target.id}, not ${userName}`,
  read: async ({ userName }, { aws }) => ({
    value: (await signInSessionsOf(aws, userName)).length > 0 ? 'open' : 'ended',
  }),
  after: () => 'ended',
  async apply({ userName }, { aws, caseId }) {
    const open = await signInSessionsOf(aws, userName);
    const failed = await revokeSignInSessions(
      aws,
      userName,
      open.map(({ arn }) => arn),
      `Firebreak ${caseId}`,
    );
    if (failed.length === 0) return { ended: open.length };
    throw new FirebreakError('StepFailed', `AWS did not end ${failed.join(', ')}`, {
      resource: userName,
      next: 'Keep the deny on the user in place, and end these sessions by hand.',
    });
  },
  revert: async () => ({ kept: 'an ended sign-in session does not come back: the user signs in again' }),
});

export const KINDS = { 'sign-in-sessions': signInSessions };
