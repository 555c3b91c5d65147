/** AWS Sign-In, as far as it keeps sessions of IAM users. */
import { arn } from '../../core/aws/arn.ts';
import { own } from '../../core/json.ts';
import { awsError } from '../aws-error.ts';
import type { TwinUser } from './iam-users.ts';
import { paged } from './pages.ts';
import type { Answers, TwinCall } from './twin.ts';

type Session = NonNullable<TwinUser['signIns']>[number];

/** A principal that IAM does not know has no sessions. */
const sessionsOf = ({ state, input }: TwinCall): Session[] => {
  const [, name = ''] = /:user\/([\w+=,.@-]+)$/.exec(String(input['principalArn'])) ?? [];
  return own(state.users, name)?.signIns ?? [];
};
const arnOf = ({ scope }: TwinCall, { id }: Session): string => arn(scope, 'signin', `session/${id}`);

export const signIn: Readonly<Record<string, Answers>> = {
  Signin: {
    ListSessions: (call) =>
      paged(
        call,
        sessionsOf(call).filter(({ revoked }) => revoked === undefined),
        {
          ...{ list: 'items', given: 'nextToken', next: 'nextToken', size: 'maxResults' },
          show: (session) => ({
            sessionArn: arnOf(call, session),
            principalArn: String(call.input['principalArn']),
            status: 'ACTIVE',
            clientId: session.clientId,
            issuedAt: session.issuedAt,
            expiresAt: session.expiresAt,
          }),
        },
      ),
    BatchRevokeSessions: (call) => {
      const arns = [call.input['sessionArns']].flat().map(String);
      if (arns.length > 5) throw awsError('ValidationException', 'at most five sessions can be revoked');
      const errors: object[] = [];
      const revokedSessions: object[] = [];
      for (const sessionArn of arns) {
        const session = sessionsOf(call).find((one) => arnOf(call, one) === sessionArn);
        if (session) {
          session.revoked = true;
          revokedSessions.push({ sessionArn });
        } else errors.push({ sessionArn, code: 'RESOURCE_NOT_FOUND', message: 'the session does not exist' });
      }
      return { revokedSessions, errors };
    },
  },
};
