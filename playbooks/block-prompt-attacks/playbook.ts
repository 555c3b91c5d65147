/** A guardrail saw a prompt attack and let the model answer: let it block, as a question of its own. */
import { z } from 'zod';
import { arn, parseArn } from '../../core/aws/arn.ts';
import type { Aws } from '../../core/aws/client.ts';
import { awsErrorName, FirebreakError } from '../../core/errors.ts';
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
import { protectedBy } from '../common/protected.ts';
import { stepKind } from '../common/step-kind.ts';
import { readGuardrail, setPromptAttacks } from './guardrail.ts';

const ID = /^[a-z0-9]{1,40}$/;
const facts = z.object({
  guardrail: z.string().regex(ID),
  /** The version that saw the prompt: `DRAFT`, a number, or null where the finding does not say. */
  version: z.string().nullable(),
});
type Facts = z.infer<typeof facts>;
const state = z.object({
  status: z.string(),
  name: z.string(),
  promptAttacks: z.enum(['BLOCK', 'NONE']).nullable(),
  unwritable: z.string().nullable(),
});
type State = z.infer<typeof state>;

const details = z.object({
  bedrockGuardrailDetails: z.object({
    guardrails: z.array(z.object({ arn: z.string(), version: z.string().optional() })),
    contentPolicyFilters: z.array(z.object({ action: z.string().optional() })).optional(),
  }),
});

const no = (reason: string): TargetChoice<never> => ({ ok: false, reason });

function targetOf(finding: Finding): TargetChoice<Facts> {
  const { data } = details.safeParse(finding.detail['resource']);
  if (!data) return no('the finding does not name a guardrail');
  const { guardrails, contentPolicyFilters = [] } = data.bedrockGuardrailDetails;
  if (contentPolicyFilters.some(({ action }) => action === 'BLOCKED'))
    return no('the guardrail blocked the prompt');
  const { partition, account, region } = finding;
  const own = guardrails.flatMap(({ arn: text, version }) => {
    const parsed = parseArn(text);
    const [, id = ''] = /^guardrail\/(.+)$/.exec(parsed?.resource ?? '') ?? [];
    const here = parsed?.service === 'bedrock' && parsed.account === account && parsed.region === region;
    return here && ID.test(id) ? [{ id, version: version ?? null }] : [];
  });
  const [only, ...others] = own;
  if (!only) return no('the finding does not name a guardrail of this account and Region');
  if (others.some(({ id }) => id !== only.id))
    return no('the finding names several guardrails: set each to block in Bedrock');
  const scope = { partition, account, region };
  const display = arn(scope, 'bedrock', `guardrail/${only.id}`);
  return {
    ok: true,
    target: {
      ...scope,
      ...{ kind: 'bedrock-guardrail', id: only.id, display },
      facts: { guardrail: only.id, version: only.version },
    },
  };
}

async function read(target: Target<Facts>, aws: Aws): Promise<State> {
  try {
    return await readGuardrail(aws, target.facts.guardrail);
  } catch (error) {
    if (awsErrorName(error) !== 'ResourceNotFoundException') throw error;
    throw new FirebreakError('ResourceNotFound', 'the guardrail does not exist any more', {
      resource: target.display,
      next: 'See CloudTrail for who deleted it: what was called with it fails now.',
      cause: error,
    });
  }
}

const args = z.object({ guardrail: z.string().regex(ID) });
const action = z.enum(['BLOCK', 'NONE']);

const promptAttacks = stepKind(args, {
  value: action.nullable(),
  foreign: ({ guardrail }, { target }) => {
    const own = facts.parse(target.facts).guardrail;
    return guardrail === own ? undefined : `the guardrail is ${own}, not ${guardrail}`;
  },
  read: async ({ guardrail }, { aws }) => ({ value: (await readGuardrail(aws, guardrail)).promptAttacks }),
  after: () => 'BLOCK',
  async apply({ guardrail }, { aws }) {
    await setPromptAttacks(aws, guardrail, 'BLOCK');
    return undefined;
  },
  async revert({ guardrail }, { aws }, before) {
    if (before === null) return { kept: 'the filter of prompt attacks was not there' };
    await setPromptAttacks(aws, guardrail, before);
    return 'reverted';
  },
});
const KINDS = { 'prompt-attacks': promptAttacks };
type Step = StepOf<typeof KINDS>;

const refuse = (reason: string, alternative: string): Plan<never> => ({
  kind: 'refused',
  reason,
  alternative,
});

function plan(
  live: State,
  { id, display, facts: { guardrail, version } }: Target<Facts>,
  options: PlanOptions,
): Plan<Step> {
  const pattern = protectedBy([id, display], options.protectedArns);
  if (pattern !== undefined)
    return refuse(`${display} is protected by policy.yml (protected: ${pattern})`, 'Ask its owner.');
  if (live.promptAttacks === null)
    return refuse(
      `the draft of guardrail ${guardrail} does not look at prompts for attacks`,
      'Add the PROMPT_ATTACK filter to it in Bedrock, with the action BLOCK, and make a version.',
    );
  if (live.unwritable !== null)
    return refuse(
      `guardrail ${guardrail} cannot be written: ${live.unwritable}`,
      'Set inputAction of its PROMPT_ATTACK filter to BLOCK in the console of Bedrock, and make a version.',
    );
  return {
    kind: 'plan',
    steps: [
      {
        id: 'prompt-attacks',
        kind: 'prompt-attacks',
        role: 'contain',
        describe: `Let guardrail ${guardrail} block prompt attacks (its draft)`,
        args: { guardrail },
        before: live.promptAttacks,
        after: 'BLOCK',
      },
    ],
    blastRadius: {
      count: 1,
      unit: 'guardrails',
      detail: [`every application that calls models with the draft of ${guardrail}`],
    },
    warnings: [
      'prompts that the filter takes for attacks by mistake get the blocked message instead of an answer',
    ],
    residual: pinned(guardrail, version),
    askBecause: [
      'every user of the application gets the blocked message for what the filter takes for an attack',
    ],
    tags: {},
    arns: [display],
  };
}

/** A version never changes: what is called with a number goes on as it was. */
const pinned = (guardrail: string, version: string | null): readonly string[] =>
  version === 'DRAFT'
    ? [`applications that name a numbered version of ${guardrail} go on as it was made`]
    : [
        `${version === null ? 'a numbered version' : `version ${version}`} of ${guardrail} goes on letting the model answer: make a new one (aws bedrock create-guardrail-version --guardrail-identifier=${guardrail}) and name it in the application`,
      ];

async function verify(
  { aws, target }: StepContext<Facts>,
  [step]: readonly StepViewOf<typeof KINDS>[],
): Promise<Proof> {
  const { guardrail } = target.facts;
  const { promptAttacks: now, status } = await readGuardrail(aws, guardrail);
  const ok = now === 'BLOCK' && status === 'READY';
  const saw = `the draft of ${guardrail} ${now === 'BLOCK' ? 'blocks prompt attacks' : 'lets the model answer prompt attacks'} (${status})`;
  return {
    proven: step !== undefined && ok,
    checks: step === undefined ? [] : [{ id: step.id, ok, saw }],
    residual: [],
    next: ok || step?.status === 'drift' ? 'final' : now === 'BLOCK' ? 'wait' : 'recontain',
  };
}

const GUARDRAILS = 'arn:${Partition}:bedrock:${Region}:${Account}:guardrail/*';

export const blockPromptAttacks = definePlaybook({
  id: 'block-prompt-attacks',
  title: 'Let a guardrail block prompt attacks',
  about: `
\`Impact:IAMUser/PromptInjection.Direct\` comes from a guardrail that saw an attack. Where its filter only detects (\`inputAction\` NONE) the model
answered. Asked after \`deny-model-invocation\`: the action of the PROMPT_ATTACK filter of the guardrail's working draft becomes BLOCK, and
everything else of the draft stays as it is.

**Not contained**: a numbered version of a guardrail never changes. An application that names one goes on until a new version is made
and named there, which stays as remaining risk with the command.

**Refused**: a draft without that filter, one with a setting that Firebreak does not write (a customer managed key, automated reasoning
policies, what is newer than this release), since a write replaces the whole guardrail; several guardrails, another account's, a protected one.

**Undo** sets the action back, with everything that was changed since left as it is.
`.trim(),
  handles: [],
  reversible: { kind: 'fully' },
  permissions: {
    read: [
      { actions: ['bedrock:GetGuardrail'], resources: [GUARDRAILS], why: 'the guardrail before and after' },
    ],
    write: [
      {
        actions: ['bedrock:UpdateGuardrail'],
        resources: [GUARDRAILS, 'arn:${Partition}:bedrock:*:${Account}:guardrail-profile/*'],
        why: 'lets its filter of prompt attacks block',
        worst: 'takes every filter out of the draft of any guardrail',
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
});
