/** An IAM user that was misused has sign-in sessions: they are ended, as a question of its own, since that cannot be undone. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import {
  definePlaybook,
  type Plan,
  type PlanOptions,
  type Proof,
  type StepContext,
  type StepOf,
  type StepViewOf,
  type Target,
} from '../../core/journal/playbook.ts';
import {
  liveUser,
  readUser,
  refusedUser,
  type SeenUser,
  seenUser,
  seenUserOf,
} from '../common/iam/seen-user.ts';
import { type SignInSession, signInSession, signInSessionsOf } from '../common/iam/sign-in-sessions.ts';
import { KINDS } from './steps.ts';

/** It is stored with the incident: a new key must be optional. */
const state = liveUser.extend({ sessions: z.array(signInSession) });
type State = z.infer<typeof state>;
type Step = StepOf<typeof KINDS>;

async function read(target: Target<SeenUser>, aws: Aws): Promise<State> {
  const { read: sessions, ...user } = await readUser(target, aws, {
    reading: (userName) => signInSessionsOf(aws, userName),
    gone: 'its sessions have no policies any more',
  });
  return { ...user, sessions: [...sessions] };
}

function plan(live: State, target: Target<SeenUser>, options: PlanOptions): Plan<Step> {
  const refused = refusedUser(live, target, options);
  if (refused) return refused;
  const { userName } = target.facts;
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
  { aws, target }: StepContext<SeenUser>,
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
  facts: seenUser,
  state,
  targetOf: seenUserOf,
  read,
  plan,
  kinds: KINDS,
  verify,
  undoSafety: () => ({ safe: true, why: 'ended sessions do not come back: the user signs in again' }),
});
