/**
 * A guardrail of Bedrock as its working draft is. UpdateGuardrail takes the whole of it, and what the request leaves out is gone
 * [M-LAB]: the draft is read strictly, so that a setting that is not known here is never lost by a write.
 */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { FirebreakError } from '../../core/errors.ts';
import { toJson } from '../../core/json.ts';

const list = z.array(z.looseObject({}));
const tier = z.strictObject({ tierName: z.enum(['CLASSIC', 'STANDARD']) }).exactOptional();
const action = z.enum(['BLOCK', 'NONE']);
const filter = z.looseObject({
  type: z.string(),
  inputStrength: z.string(),
  inputAction: action.exactOptional(),
  inputEnabled: z.boolean().exactOptional(),
});
const draft = z.strictObject({
  name: z.string(),
  description: z.string().exactOptional(),
  blockedInputMessaging: z.string(),
  blockedOutputsMessaging: z.string(),
  contentPolicy: z.strictObject({ filters: z.array(filter), tier }).exactOptional(),
  topicPolicy: z.strictObject({ topics: list, tier }).exactOptional(),
  wordPolicy: z
    .strictObject({ words: list.exactOptional(), managedWordLists: list.exactOptional() })
    .exactOptional(),
  sensitiveInformationPolicy: z
    .strictObject({ piiEntities: list.exactOptional(), regexes: list.exactOptional() })
    .exactOptional(),
  contextualGroundingPolicy: z.strictObject({ filters: list }).exactOptional(),
  crossRegionDetails: z
    .strictObject({ guardrailProfileId: z.string().exactOptional(), guardrailProfileArn: z.string() })
    .exactOptional(),
});

/** What the answer says next to the settings. */
const SAID = [
  ...['$metadata', 'guardrailId', 'guardrailArn', 'version', 'status', 'createdAt', 'updatedAt'],
  ...['statusReasons', 'failureRecommendations'],
];

export interface Guardrail {
  /** READY, UPDATING, FAILED, ... */
  readonly status: string;
  readonly name: string;
  /** What the filter of prompt attacks does with a prompt; null where there is none, or it does not look at prompts. */
  readonly promptAttacks: 'BLOCK' | 'NONE' | null;
  /** Why the draft cannot be written whole; null where it can. */
  readonly unwritable: string | null;
}

async function answerOf(aws: Aws, guardrailIdentifier: string) {
  const { client, api } = await aws.bedrock();
  // Without a version it is the working draft.
  return client.send(new api.GetGuardrailCommand({ guardrailIdentifier }));
}

type Answer = Awaited<ReturnType<typeof answerOf>>;

function draftOf(answer: Answer) {
  const settings = Object.fromEntries(
    Object.entries(answer).filter(([name, value]) => !SAID.includes(name) && value !== undefined),
  );
  return draft.safeParse(toJson(settings));
}

export async function readGuardrail(aws: Aws, id: string): Promise<Guardrail> {
  const answer = await answerOf(aws, id);
  const { data, error } = draftOf(answer);
  const found = answer.contentPolicy?.filters?.find(({ type }) => type === 'PROMPT_ATTACK');
  const looks = found !== undefined && found.inputEnabled !== false && found.inputStrength !== 'NONE';
  return {
    status: answer.status ?? '',
    name: answer.name ?? '',
    // A guardrail made before the action could be chosen blocks.
    promptAttacks: looks ? (found.inputAction ?? 'BLOCK') : null,
    unwritable: data ? null : settingIn(error),
  };
}

/** Names the setting that is not known, for a person. */
function settingIn(error: z.ZodError | undefined): string {
  const [issue] = error?.issues ?? [];
  const name = issue?.code === 'unrecognized_keys' ? issue.keys.join(', ') : (issue?.path.join('.') ?? '');
  return `it has a setting that Firebreak does not write (${name.slice(0, 100)})`;
}

/** Writes the draft as it is now, with another action of its filter of prompt attacks. */
export async function setPromptAttacks(aws: Aws, id: string, wanted: 'BLOCK' | 'NONE'): Promise<void> {
  const answer = await answerOf(aws, id);
  const { contentPolicy, topicPolicy, wordPolicy, sensitiveInformationPolicy } = answer;
  const { contextualGroundingPolicy, crossRegionDetails } = answer;
  if (!draftOf(answer).success || !contentPolicy?.filters?.some(({ type }) => type === 'PROMPT_ATTACK'))
    throw new FirebreakError('StepFailed', 'the guardrail cannot be written whole', {
      resource: id,
      next: 'Set inputAction of its PROMPT_ATTACK filter in the console of Bedrock.',
    });
  const { client, api } = await aws.bedrock();
  await client.send(
    new api.UpdateGuardrailCommand({
      guardrailIdentifier: id,
      name: answer.name,
      description: answer.description,
      blockedInputMessaging: answer.blockedInputMessaging,
      blockedOutputsMessaging: answer.blockedOutputsMessaging,
      contentPolicyConfig: {
        filtersConfig: contentPolicy.filters.map((one) =>
          one.type === 'PROMPT_ATTACK' ? { ...one, inputAction: wanted } : one,
        ),
        tierConfig: contentPolicy.tier,
      },
      topicPolicyConfig: topicPolicy && {
        topicsConfig: topicPolicy.topics?.map((topic) => ({ ...topic, type: topic.type ?? 'DENY' })),
        tierConfig: topicPolicy.tier,
      },
      wordPolicyConfig: wordPolicy && {
        wordsConfig: wordPolicy.words,
        managedWordListsConfig: wordPolicy.managedWordLists,
      },
      sensitiveInformationPolicyConfig: sensitiveInformationPolicy && {
        piiEntitiesConfig: sensitiveInformationPolicy.piiEntities,
        regexesConfig: sensitiveInformationPolicy.regexes,
      },
      contextualGroundingPolicyConfig: contextualGroundingPolicy && {
        filtersConfig: contextualGroundingPolicy.filters,
      },
      crossRegionConfig: crossRegionDetails && {
        guardrailProfileIdentifier: crossRegionDetails.guardrailProfileArn,
      },
    }),
  );
}
