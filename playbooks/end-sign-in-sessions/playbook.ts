/** An IAM user that was misused has sign-in sessions: they are ended, as a question of its own, since that cannot be undone. */
import { z } from 'zod';
import { arn } from '../../core/aws/arn.ts';
import type { Aws } from '../../core/aws/client.ts';
import { iamHome } from '../../core/aws/regions.ts';
import { FirebreakError } from '../../core/errors.ts';
import type { Finding } from '../../core/finding/finding.ts';
import {
  definePlaybook,
  type Plan,
  type PlanOptions,
  type Proof,
  type StepContext,
  type StepOf,
  type StepViewOf,
  type Target,
  type TargetChoice,
} from '../../core/journal/playbook.ts';
import { isNoSuchEntity } from '../common/iam/aws-reason.ts';
import { PRINCIPAL_NAME } from '../common/iam/principal-name.ts';
import { type SignInSession, signInSession, signInSessionsOf } from '../common/iam/sign-in-sessions.ts';
import { protectedBy } from '../common/protected.ts';
import { KINDS } from './steps.ts';

const facts = z.object({
  userName: z.string().regex(PRINCIPAL_NAME),
  /** `AIDA...`: a user re-created under the same name has another one. Null where the finding does not say. */
  userId: z.string().nullable(),
});
type Facts = z.infer<typeof facts>;
/** It is stored with the incident: a new key must be optional. */
const state = z.object({
  arn: z.string(),
  userId: z.string(),
  path: z.string(),
  tags: z.record(z.string(), z.string()),
  sessions: z.array(signInSession),
});
type State = z.infer<typeof state>;
type Step = StepOf<typeof KINDS>;

/** A kind of target is shared with what else changes the user, so that their incidents never write to it at the same time. */
function targetOf(finding: Finding): TargetChoice<Facts> {
  const { userType = '', userName = '', principalId = '' } = finding.accessKey ?? {};
  if (userType !== 'IAMUser' || !PRINCIPAL_NAME.test(userName))
    return { ok: false, reason: 'the finding does not name an IAM user' };
  const scope = iamHome(finding);
  return {
    ok: true,
    target: {
      ...scope,
      ...{ kind: 'iam-user', id: userName },
      display: arn(scope, 'iam', `user/${userName}`, { global: true }),
      facts: { userName, userId: /^AIDA[A-Z0-9]{4,124}$/.test(principalId) ? principalId : null },
    },
  };
}

/** Throws ResourceNotFound when the user is gone. */
async function read(target: Target<Facts>, aws: Aws): Promise<State> {
  const { userName: UserName } = target.facts;
  const { client, api } = await aws.iam();
  try {
    const [{ User }, sessions] = await Promise.all([
      client.send(new api.GetUserCommand({ UserName })),
      signInSessionsOf(aws, UserName),
    ]);
    return {
      arn: User?.Arn ?? target.display,
      userId: User?.UserId ?? '',
      path: User?.Path ?? '/',
      tags: Object.fromEntries((User?.Tags ?? []).map(({ Key = '', Value = '' }) => [Key, Value])),
      sessions: [...sessions],
    };
  } catch (error) {
    if (!isNoSuchEntity(error)) throw error;
    throw new FirebreakError('ResourceNotFound', 'the user does not exist any more', {
      resource: target.display,
      next: 'See CloudTrail for who deleted it; its sessions have no policies any more.',
      cause: error,
    });
  }
}

const refuse = (reason: string, alternative: string): Plan<never> => ({
  kind: 'refused',
  reason,
  alternative,
});

function plan(live: State, { facts, display }: Target<Facts>, options: PlanOptions): Plan<Step> {
  const { userName } = facts;
  if (facts.userId !== null && facts.userId !== live.userId)
    return refuse(
      `${userName} was re-created since the finding: its id is ${live.userId}, not ${facts.userId}`,
      'See CloudTrail for who made it; the user that was seen is gone with its sessions.',
    );
  const pattern = protectedBy(
    [userName, `user${live.path}${userName}`, live.arn, display],
    options.protectedArns,
  );
  if (pattern !== undefined)
    return refuse(`${userName} is protected by policy.yml (protected: ${pattern})`, 'Ask its owner.');
  // None is a step as well: a run that was interrupted after the last one goes on, and another incident joins it.
  const isOpen = live.sessions.length > 0;
  return {
    kind: 'plan',
    steps: [
      {
        id: 'sign-in-sessions',
        kind: 'sign-in-sessions',
        role: 'contain',
        describe: `End every sign-in session of ${userName}, for good`,
        args: { userName },
        before: isOpen ? 'open' : 'ended',
        after: 'ended',
      },
    ],
    blastRadius: {
      count: live.sessions.length,
      unit: 'sign-in sessions',
      detail: isOpen ? live.sessions.map(described) : ['none can be renewed now'],
    },
    warnings: ['the owner of the user signs in again on every machine, once the deny is gone'],
    residual: [
      'credentials that a session was given before it was ended work for up to 15 minutes; a deny on the user holds for them',
      'sessions of the console are not listed by AWS: a deny on the user holds for them until they end, after 12 hours at most',
    ],
    askBecause: ['an ended session cannot be restored'],
    tags: live.tags,
    arns: [live.arn],
    identity: [{ what: `sign-in sessions of ${userName}, ended for good`, by: ['sign-in-sessions'] }],
  };
}

const minute = (iso: string): string => iso.slice(0, 16).replace('T', ' ');
const described = ({ client, issuedAt, expiresAt }: SignInSession): string =>
  `of ${client ?? 'an unknown client'}, since ${minute(issuedAt)}, until ${minute(expiresAt)} UTC`;

/** Another one may have been opened before the user was denied. */
async function verify(
  { aws, target }: StepContext<Facts>,
  steps: readonly StepViewOf<typeof KINDS>[],
): Promise<Proof> {
  const open = await signInSessionsOf(aws, target.facts.userName);
  const ok = steps.length > 0 && open.length === 0;
  const saw = open.length === 0 ? 'no sign-in session can be renewed' : `still open: ${open.length}`;
  return {
    proven: ok,
    checks: [{ id: 'sign-in-sessions', ok, saw }],
    residual: [],
    next: ok ? 'final' : 'recontain',
  };
}

export const endSignInSessions = definePlaybook({
  id: 'end-sign-in-sessions',
  title: 'End the sign-in sessions of a user',
  about: `
\`aws login\` and MCP clients keep a sign-in session, and renew credentials by it for hours, without the password. Under a deny of the
user these credentials are worth nothing, and once the deny is undone they work again. Where \`disable-user-keys\` contained such a user
and AWS lists sessions of it (\`signin:ListSessions\`), this is asked next: all of them are ended (\`signin:BatchRevokeSessions\`).

**Always asked**: an ended session cannot be restored. The owner signs in again.

**Proof**: AWS lists no session of the user that can be renewed.

**Not contained**: sessions of the console, which AWS does not list; credentials given before, for up to 15 minutes. The deny holds for both.

**Refused**: a user re-created since the finding, protected users.

**Undo** restores nothing, and says so. The calls follow AWS's published model of the service; its actions are not in the Service
Authorization Reference yet [M-LAB].
`.trim(),
  handles: [],
  reversible: { kind: 'partly', lost: 'an ended sign-in session: the user signs in again' },
  permissions: {
    read: [
      {
        actions: ['iam:GetUser'],
        resources: [`arn:\${Partition}:iam::\${Account}:user/*`],
        why: 'the user, and whether it is the one that was seen',
      },
      { actions: ['signin:ListSessions'], resources: ['*'], why: 'its sign-in sessions' },
    ],
    write: [
      {
        actions: ['signin:BatchRevokeSessions'],
        resources: ['*'],
        why: 'ends them',
        worst:
          'signs out any user and role of the account from aws login and MCP clients: they sign in again',
      },
    ],
  },
  proofDelaySeconds: 5,
  facts,
  state,
  targetOf,
  read,
  plan,
  kinds: KINDS,
  verify,
  undoSafety: () => ({ safe: true, why: 'ended sessions do not come back: the user signs in again' }),
});
