/** One deny, as narrow as the policy asks for. Pure. */
import { z } from 'zod';
import type { Plan, PlanOptions, StepOf, Target } from '../../core/journal/playbook.ts';
import { ownPolicyName } from '../common/iam/policy-documents.ts';
import { ROLES_ONWARD } from '../common/iam/roles-onward.ts';
import { protectedBy } from '../common/protected.ts';
import { noRoom } from '../common/role-session/inline-deny.ts';
import { refusalFor } from '../common/role-session/protected-role.ts';
import type { State } from './state.ts';
import { denyModels, type KINDS } from './steps.ts';
import type { Facts } from './target.ts';

export const settings = z.strictObject({
  models: z
    .enum(['all', 'reported'])
    .default('all')
    .describe('all: no model can be invoked; reported: not those that the finding names, others can.'),
});

type Step = StepOf<typeof KINDS>;
type Refused = Extract<Plan<Step>, { kind: 'refused' }>;

export function plan(live: State, target: Target<Facts>, options: PlanOptions): Plan<Step> {
  const { facts } = target;
  const refused = refusal(live, target, options.protectedArns);
  if (refused) return refused;
  const narrow = settings.safeParse(options.settings).data?.models === 'reported';
  const models = narrow ? facts.models : [];
  const policyName = ownPolicyName(options.caseId, target.id);
  const document = denyModels({ userId: facts.userId, models });
  const full = noRoom(live, { ...facts, policyName }, document);
  if (full !== undefined)
    return refuse(
      full,
      'Attach a managed policy with the same deny, or deny the eight calls by an SCP on aws:userid.',
    );
  const who =
    facts.principal === 'role'
      ? `session ${facts.userId?.split(':')[1]} of role ${facts.name}`
      : `user ${facts.name}`;
  const what = models.length === 0 ? 'every AI model' : models.join(', ');
  return {
    kind: 'plan',
    steps: [
      {
        id: 'deny-models',
        kind: 'deny-model-calls',
        role: 'contain',
        describe: `Deny ${who} to invoke ${what} (inline policy ${policyName})`,
        args: { principal: facts.principal, name: facts.name, policyName, userId: facts.userId, models },
        before: null,
        after: document,
      },
    ],
    blastRadius: {
      count: 1,
      unit: facts.principal === 'role' ? 'sessions' : 'users',
      detail: [`${who} loses the calls that invoke ${what}; everything else it does goes on`],
    },
    warnings: [
      ...(narrow && facts.models.length === 0
        ? ['the finding does not name a model that a policy can name: every model is denied']
        : []),
      ...(models.length > 0
        ? ['bedrock-mantle:CreateInference cannot be denied by model: it is denied for all']
        : []),
    ],
    residual: [
      ...(facts.principal === 'role'
        ? [
            `another session of ${facts.name} can invoke models: block the application's user, or contain the role's callers`,
          ]
        : []),
      ...(models.length > 0 ? ['other models can still be invoked'] : []),
      ...keyRisks(live.bedrockKeys),
      ...(live.runsAgents
        ? [
            'a session of an agent goes on without models: GuardDuty does not name it and AWS does not list it; stop it where your logs do (aws bedrock-agentcore stop-runtime-session --agent-runtime-arn ARN --runtime-session-id ID)',
          ]
        : []),
      'API keys of Bedrock that the identity made for other users work on: see the list of what was made before',
    ],
    askBecause: [
      'the identity is usually the application itself and the attacker one of its users: all its users get errors until undo',
    ],
    tags: live.tags,
    arns: [live.arn, target.display],
    identity: [
      { what: `calls of AI models by ${who}`, by: ['deny-models'] },
      { what: `everything else that ${who} may do`, by: [], left: 'it goes on: only models are denied' },
      ...(Array.isArray(live.bedrockKeys) ? live.bedrockKeys : []).map((id) => ({
        what: `Bedrock API key ${id}`,
        by: ['deny-models'],
        left: 'stays Active',
      })),
      ROLES_ONWARD,
    ],
    ...(Array.isArray(live.bedrockKeys) && live.bedrockKeys.length > 0
      ? { followUps: ['disable-bedrock-keys'] }
      : {}),
  };
}

const keyRisks = (keys: State['bedrockKeys']): readonly string[] =>
  Array.isArray(keys)
    ? keys.map((id) => `the API key ${id} of Bedrock stays active; the deny holds for it`)
    : [
        `its API keys of Bedrock could not be listed (${keys.unread}): the deny holds for them; where access was denied, deploy the member roles again`,
      ];

const refuse = (reason: string, alternative: string): Refused => ({ kind: 'refused', reason, alternative });

function refusal(live: State, target: Target<Facts>, protectedArns: readonly string[]): Refused | undefined {
  const { principal, name, uniqueId } = target.facts;
  if (uniqueId !== null && uniqueId !== live.uniqueId)
    return refuse(
      `${principal} ${name} was re-created since the finding: its id is ${live.uniqueId}, not ${uniqueId}`,
      'See CloudTrail for who made it; the identity that was seen has no policies any more.',
    );
  if (principal === 'role') {
    const refused = refusalFor(live, target, protectedArns);
    return refused && { kind: 'refused', ...refused };
  }
  const entry = protectedBy([name, `user${live.path}${name}`, live.arn, target.display], protectedArns);
  return entry === undefined
    ? undefined
    : refuse(
        `${name} is protected by policy.yml (protected: ${entry})`,
        'Ask its owner, or use an SCP on aws:PrincipalArn.',
      );
}
