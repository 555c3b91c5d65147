/** Amazon Bedrock, as far as its log of model invocations and the drafts of guardrails go. */
import { arn } from '../../core/aws/arn.ts';
import { awsError } from '../aws-error.ts';
import type { Answers, TwinCall } from './twin.ts';

/** The settings of a guardrail's working draft, as GetGuardrail answers them. */
export type TwinGuardrail = Record<string, unknown>;

/** Members of the request, and what the answer calls them. */
const POLICIES = [
  ['contentPolicyConfig', 'contentPolicy', { filtersConfig: 'filters', tierConfig: 'tier' }],
  ['topicPolicyConfig', 'topicPolicy', { topicsConfig: 'topics', tierConfig: 'tier' }],
  ['wordPolicyConfig', 'wordPolicy', { wordsConfig: 'words', managedWordListsConfig: 'managedWordLists' }],
  [
    'sensitiveInformationPolicyConfig',
    'sensitiveInformationPolicy',
    { piiEntitiesConfig: 'piiEntities', regexesConfig: 'regexes' },
  ],
  ['contextualGroundingPolicyConfig', 'contextualGroundingPolicy', { filtersConfig: 'filters' }],
] as const;

function draftIn({ region, input }: TwinCall): TwinGuardrail {
  const found = region.guardrails?.[String(input['guardrailIdentifier'])];
  if (found) return found;
  throw awsError('ResourceNotFoundException', 'The guardrail does not exist.');
}

/** The whole draft is what the request says: what it leaves out is gone. */
function updated(call: TwinCall): TwinGuardrail {
  const { input } = call;
  draftIn(call);
  const next: TwinGuardrail = {};
  for (const name of ['name', 'description', 'blockedInputMessaging', 'blockedOutputsMessaging'])
    if (input[name] !== undefined) next[name] = input[name];
  for (const [asked, answered, members] of POLICIES) {
    const given = input[asked] as Record<string, unknown> | undefined;
    if (given === undefined) continue;
    next[answered] = Object.fromEntries(
      Object.entries(members).flatMap(([from, to]) => (given[from] === undefined ? [] : [[to, given[from]]])),
    );
  }
  const profile = input['crossRegionConfig'] as { guardrailProfileIdentifier: string } | undefined;
  if (profile) next['crossRegionDetails'] = { guardrailProfileArn: profile.guardrailProfileIdentifier };
  return structuredClone(next);
}

/** Which guardrail an answer is about. */
function identified({ input, scope }: TwinCall): object {
  const guardrailId = String(input['guardrailIdentifier']);
  const guardrailArn = arn(scope, 'bedrock', `guardrail/${guardrailId}`);
  return { guardrailId, guardrailArn, version: 'DRAFT', updatedAt: new Date(0) };
}

export const bedrock: Readonly<Record<string, Answers>> = {
  Bedrock: {
    GetGuardrail: (call) => ({
      ...identified(call),
      status: 'READY',
      createdAt: new Date(0),
      ...structuredClone(draftIn(call)),
    }),
    UpdateGuardrail: (call) => {
      const next = updated(call);
      const { guardrails = {} } = call.region;
      guardrails[String(call.input['guardrailIdentifier'])] = next;
      call.region.guardrails = guardrails;
      return identified(call);
    },
    GetModelInvocationLoggingConfiguration: ({ region }) =>
      region.modelLogging === null ? {} : { loggingConfig: region.modelLogging },
    PutModelInvocationLoggingConfiguration: ({ region, input }) => {
      region.modelLogging = structuredClone(input['loggingConfig']) as Record<string, unknown>;
      return {};
    },
    DeleteModelInvocationLoggingConfiguration: ({ region }) => {
      region.modelLogging = null;
      return {};
    },
  },
};
