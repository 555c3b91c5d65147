/** Sessions that the principal went on as: they live on when the principal is denied. */
import { arn, parseArn } from '../../aws/arn.ts';
import { awsCommand } from '../../aws/command-line.ts';
import { ACCESS_KEY, ANY_ARN, type Call, type EventReader, IAM_NAME, named } from './call.ts';
import { membersNamed } from './record.ts';

const sts = (names: readonly string[], read: Call['read']): Call => ({
  source: 'sts',
  gives: 'session',
  ...{ names, read },
});

const USER_ID = /^AROA[A-Z0-9]{4,124}:[\w+=,.@-]{2,64}$/;

/** Denies one session by its id, whatever keys it was given; others of the role go on. */
function denySession(event: EventReader, roleName: string | undefined): string | undefined {
  const id = event.text('assumedRoleId', USER_ID);
  const key = event.text('accessKeyId', ACCESS_KEY);
  if (id === undefined || key === undefined) return undefined;
  const Statement = [
    { Effect: 'Deny', Action: '*', Resource: '*', Condition: { StringEquals: { 'aws:userid': id } } },
  ];
  return awsCommand('iam put-role-policy', {
    'role-name': roleName,
    'policy-name': `deny-session-${key}`,
    'policy-document': JSON.stringify({ Version: '2012-10-17', Statement }),
  });
}

/** Whom a token is for: a list in the request. */
const audiences = ({ record }: EventReader): readonly string[] =>
  membersNamed(record.requestParameters ?? undefined, 'audience')
    .flat()
    .filter((each): each is string => typeof each === 'string' && /^[\w.:/@-]{1,200}$/.test(each));

export const SESSION_CALLS: readonly Call[] = [
  sts(['AssumeRole', 'AssumeRoleWithSAML', 'AssumeRoleWithWebIdentity'], (event) => {
    const given = event.asked('roleArn', ANY_ARN);
    const role = parseArn(given ?? '');
    const roleName = role?.resource.split('/').at(-1);
    const own = role?.account === event.scope.account && roleName !== undefined && IAM_NAME.test(roleName);
    return {
      what: `session ${named(event.asked('roleSessionName', IAM_NAME))} of role ${named(given)}`,
      action: own
        ? 'Deny this session of the role'
        : 'The role is of another account: ask its owner to revoke the session',
      command: own ? denySession(event, roleName) : undefined,
    };
  }),
  sts(['GetFederationToken', 'GetSessionToken'], (event) => {
    const { record, scope } = event;
    const { userName, type } = record.userIdentity;
    const user =
      type === 'IAMUser' && userName !== undefined && IAM_NAME.test(userName) ? userName : undefined;
    return {
      what: `session ${named(event.text('accessKeyId', ACCESS_KEY))} of ${record.eventName}`,
      action: 'Deny everything to the user: it holds for the sessions of the user as well',
      command: awsCommand('iam attach-user-policy', {
        'user-name': user,
        'policy-arn': arn({ ...scope, account: 'aws' }, 'iam', 'policy/AWSDenyAll', { global: true }),
      }),
    };
  }),
  sts(['GetWebIdentityToken'], (event) => ({
    what: `token for ${audiences(event).slice(0, 5).join(', ') || 'a service outside AWS'}`,
    action: 'Wait for its end, at most an hour, or have the service revoke what it gave for the token',
    command: undefined,
  })),
  {
    ...sts(['GetScopedCredentials'], (event) => ({
      what: `credentials ${named(event.text('accessKeyId', ACCESS_KEY))} of the same session`,
      action: 'Deny the session by aws:userid: it holds for these as well',
      command: undefined,
    })),
    keepsIdentity: true,
  },
  {
    source: 'signin',
    names: ['CreateOAuth2Token'],
    gives: 'session',
    keepsIdentity: true,
    // Its refresh token makes new credentials of the session for hours, and asks no policy for it [M].
    read: () => ({
      what: 'credentials of aws login, which renew themselves',
      action: 'Deny the session by aws:userid, or revoke its sign-in sessions (signin:BatchRevokeSessions)',
      command: undefined,
    }),
  },
  sts(['AssumeRoot'], (event) => ({
    what: `root session of ${named(event.asked('targetPrincipal', ANY_ARN) ?? event.asked('targetPrincipal', /^\d{12}$/))}`,
    action: 'Wait for its end, at most 15 minutes, and take sts:AssumeRoot away from the caller',
    command: undefined,
  })),
];
