/** An IAM user misused AI models: its API keys of Bedrock are set Inactive, as a question of its own. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import {
  definePlaybook,
  type Plan,
  type PlanOptions,
  type Proof,
  type StepContext,
  type StepOf,
  type StepView,
  type StepViewOf,
  type Target,
  type UndoSafety,
} from '../../core/journal/playbook.ts';
import { BEDROCK, type BedrockKey, bedrockKey, bedrockKeysOf } from '../common/iam/bedrock-keys.ts';
import { PROPAGATION_SECONDS } from '../common/iam/deny-proof.ts';
import {
  liveUser,
  readUser,
  refusedUser,
  type SeenUser,
  seenUser,
  seenUserOf,
} from '../common/iam/seen-user.ts';
import { KINDS } from './steps.ts';

/** It is stored with the incident: a new key must be optional. */
const state = liveUser.extend({ keys: z.array(bedrockKey) });
type State = z.infer<typeof state>;
type Step = StepOf<typeof KINDS>;

async function read(target: Target<SeenUser>, aws: Aws): Promise<State> {
  const { read: keys, ...user } = await readUser(target, aws, {
    reading: (userName) => bedrockKeysOf(aws, userName),
    gone: 'its keys are gone with it',
  });
  return { ...user, keys };
}

function plan(live: State, target: Target<SeenUser>, options: PlanOptions): Plan<Step> {
  const refused = refusedUser(live, target, options);
  if (refused) return refused;
  const { userName } = target.facts;
  const usable = live.keys.filter(({ status }) => status !== 'Expired');
  if (usable.length === 0)
    return {
      kind: 'refused',
      reason: `${userName} has no API key of Bedrock that can be used`,
      alternative:
        'Look for short-term keys: they end with the session that made them, and a deny on its role or user holds.',
    };
  return {
    kind: 'plan',
    steps: usable.map(
      ({ id, status }): Step => ({
        id: `bedrock-key:${id}`,
        kind: 'bedrock-key',
        role: 'contain',
        describe: `Set the Bedrock API key ${id} of ${userName} Inactive`,
        args: { userName, keyId: id },
        before: status,
        after: 'Inactive',
      }),
    ),
    blastRadius: { count: usable.length, unit: 'API keys', detail: usable.map(described) },
    warnings: ['every application that calls models with one of these keys gets errors until undo'],
    residual: [
      'short-term API keys are no credentials of their own: they work until the session that made them ends or is denied',
    ],
    askBecause: ['IAM does not say what last used an API key of Bedrock: an application may depend on it'],
    tags: live.tags,
    arns: [live.arn],
    identity: usable.map(({ id }) => ({ what: `Bedrock API key ${id}`, by: [`bedrock-key:${id}`] })),
  };
}

const described = ({ id, status, createdAt, expiresAt }: BedrockKey): string =>
  `${id} ${status}, made ${createdAt.slice(0, 10)}, ${expiresAt === null ? 'does not expire' : `expires ${expiresAt.slice(0, 10)}`}`;

async function verify(
  { aws, target }: StepContext<SeenUser>,
  steps: readonly StepViewOf<typeof KINDS>[],
): Promise<Proof> {
  const keys = await bedrockKeysOf(aws, target.facts.userName);
  const active = keys.filter(({ status }) => status === 'Active').map(({ id }) => id);
  const planned = new Set(steps.map(({ args }) => args.keyId));
  // The user may have made another key before it was denied.
  const newcomers = active.filter((id) => !planned.has(id));
  const drifted = steps.some(({ status }) => status === 'drift') && newcomers.length === 0;
  const ok = steps.length > 0 && active.length === 0;
  const saw = ok
    ? `no API key of Bedrock is Active (${keys.map(({ id, status }) => `${id} ${status}`).join(', ') || 'none is left'})`
    : `still Active: ${active.join(', ') || 'no key was planned'}`;
  return {
    proven: ok,
    checks: [{ id: 'bedrock-keys', ok, saw }],
    residual: [],
    next: ok || drifted ? 'final' : 'recontain',
  };
}

/** Undo makes a key work again that was misused: anyone who has it is back in. */
function undoSafety(steps: readonly StepView[]): UndoSafety {
  const given = steps.filter(({ status, before }) => status === 'done' && before === 'Active');
  if (given.length === 0) return { safe: true, why: 'no key of this incident is switched off' };
  const keys = given.map(({ args }) => String(args['keyId']));
  return {
    safe: false,
    why: `undo re-activates ${keys.join(', ')}, which the principal that took them still has: make new ones instead`,
  };
}

const USERS = `arn:\${Partition}:iam::\${Account}:user/*`;

export const disableBedrockKeys = definePlaybook({
  id: 'disable-bedrock-keys',
  title: 'Disable the Bedrock API keys of a user',
  about: `
A long-term API key of Bedrock is a credential of an IAM user for that one service: it is not an access key, no access key list shows
it, and by default it works wherever it was copied to. Where \`deny-model-invocation\` contained such a user and the user has keys, this
is asked next: each key is set Inactive. Keys are never reset or deleted. Some seconds later the keys are listed again: another one, made
while the deny was on its way, is disabled under the same incident.

**Always asked**: IAM does not say what last used a key.

**Not contained**: short-term API keys. They are made from a session on its own machine, AWS keeps no list of them, and they end with the
session; a deny on the user or role holds for them as well.

**Refused**: a user re-created since the finding, protected users, a user without such a key.

**Undo** sets the keys that were Active to Active, and asks a second person: anyone who has a key is back in.
`.trim(),
  handles: [],
  reversible: { kind: 'fully' },
  permissions: {
    read: [
      {
        actions: ['iam:GetUser', 'iam:ListServiceSpecificCredentials'],
        resources: [USERS],
        why: 'the user, and its API keys of Bedrock',
      },
    ],
    write: [
      {
        actions: ['iam:UpdateServiceSpecificCredential'],
        resources: [USERS],
        condition: { StringEquals: { 'iam:ServiceSpecificCredentialServiceName': BEDROCK } },
        why: 'switches API keys of Bedrock; no credential of another service',
        worst: 'switches any API key of Bedrock on or off: applications stop, or a disabled key works again',
      },
    ],
  },
  proofDelaySeconds: PROPAGATION_SECONDS,
  facts: seenUser,
  state,
  targetOf: seenUserOf,
  read,
  plan,
  kinds: KINDS,
  verify,
  undoSafety,
});
