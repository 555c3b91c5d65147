/** Amazon Bedrock, as far as its log of model invocations and the drafts of guardrails go. */
import { arn } from '../../core/aws/arn.ts';
import { awsError } from '../aws-error.ts';
import type { Answers, TwinCall } from './twin.ts';

/** The settings of a guardrail's working draft, as GetGuardrail answers them. */
export type TwinGuardrail = Record<string, unknown>;

/** An hour of one model, all its callers together. */
export interface TwinModelUse {
  model: string;
  /** Its first moment, ISO 8601. */
  hour: string;
  Invocations: number;
  InputTokenCount: number;
  OutputTokenCount: number;
}

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

type Metric = 'Invocations' | 'InputTokenCount' | 'OutputTokenCount';
const isMetric = (name: string): name is Metric =>
  ['Invocations', 'InputTokenCount', 'OutputTokenCount'].includes(name);

interface Query {
  readonly Id: string;
  readonly Expression: string;
}

/** The one form of search that Firebreak writes: sums of a metric by the hour, one result a model. */
function searched({ region, input }: TwinCall, { Id, Expression }: Query): object[] {
  const [, name = ''] =
    /^SEARCH\('\{AWS\/Bedrock,ModelId\} MetricName="(\w+)"', 'Sum', 3600\)$/.exec(Expression) ?? [];
  if (!isMetric(name)) throw awsError('ValidationError', `The expression ${Expression} is not known here.`);
  const [from, to] = [input['StartTime'], input['EndTime']] as [Date, Date];
  const hours = (region.modelUse ?? []).filter(({ hour }) => new Date(hour) >= from && new Date(hour) < to);
  return [...new Set(hours.map(({ model }) => model))].map((model) => {
    const own = hours.filter((one) => one.model === model);
    return {
      ...{ Id, Label: model, StatusCode: 'Complete' },
      Timestamps: own.map(({ hour }) => new Date(hour)),
      Values: own.map((one) => one[name]),
    };
  });
}

export const bedrock: Readonly<Record<string, Answers>> = {
  CloudWatch: {
    GetMetricData: (call) => ({
      MetricDataResults: (call.input['MetricDataQueries'] as Query[]).flatMap((query) =>
        searched(call, query),
      ),
    }),
  },
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
