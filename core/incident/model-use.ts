/**
 * What AI models were used for since the activity of a finding began, by CloudWatch's count. It counts for the account and Region,
 * not for a caller, and it counts tokens: a price is not known here, so none is named.
 */
import { z } from 'zod';
import type { Aws } from '../aws/client.ts';
import { allPages } from '../aws/pages.ts';
import { describeError, isAccessDenied, isFirebreakError } from '../errors.ts';
import type { Finding } from '../finding/finding.ts';
import { reader } from '../finding/reader.ts';
import type { Members } from '../table/record.ts';

interface UsedModel {
  /** A model's id, or the ARN of a profile or of a model of the account's own. Untrusted. */
  readonly id: string;
  readonly calls: number;
  readonly input: number;
  readonly output: number;
  /** Tokens in and out in the 24 hours before. */
  readonly before: number;
}
export type ModelUse =
  | {
      readonly kind: 'read';
      /** The full hour in which the activity was first seen, ISO 8601. */
      readonly since: string;
      readonly to: string;
      readonly region: string;
      /** The most tokens first. */
      readonly models: readonly UsedModel[];
      /** There are more than these. */
      readonly more: boolean;
    }
  | { readonly kind: 'not-read'; readonly why: string };

const count = z.number();
export const modelUseSchema: z.ZodType<ModelUse> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('read'),
    since: z.string(),
    to: z.string(),
    region: z.string(),
    models: z.array(
      z.object({
        id: z.string(),
        calls: count,
        input: count,
        output: count,
        before: count,
      } satisfies Members<UsedModel>),
    ),
    more: z.boolean(),
  }),
  z.object({ kind: z.literal('not-read'), why: z.string() }),
]);

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** A search finds metrics that had data in the last two weeks. */
const LONGEST_MS = 13 * DAY_MS;
/** No one reads more on a card. */
const MOST_MODELS = 5;
const METRICS = { calls: 'Invocations', input: 'InputTokenCount', output: 'OutputTokenCount' } as const;
const AI_TYPE = /^Impact:IAMUser\/(AnomalousModelInvocation|CostHarvesting|PromptInjection)/;

/** Undefined for a finding that is not about AI models. Never throws for what CloudWatch refuses: `why` says so. */
export async function modelUseOf(finding: Finding, aws: Aws, now: Date): Promise<ModelUse | undefined> {
  if (!isAboutModels(finding)) return undefined;
  const seen = Date.parse(finding.firstSeen ?? finding.createdAt ?? finding.updatedAt);
  const since = Math.floor(Math.max(seen, now.getTime() - LONGEST_MS) / HOUR_MS) * HOUR_MS;
  if (!(since < now.getTime())) return { kind: 'not-read', why: "the finding's times lie in the future" };
  try {
    const used = await counted(aws.inRegion(finding.region), new Date(since), now);
    const models = used.filter(({ calls, input, output }) => calls + input + output > 0);
    models.sort((a, b) => b.input + b.output - (a.input + a.output));
    return {
      kind: 'read',
      since: new Date(since).toISOString(),
      to: now.toISOString(),
      region: finding.region,
      models: models.slice(0, MOST_MODELS),
      more: models.length > MOST_MODELS,
    };
  } catch (error) {
    const name = error instanceof Error ? error.name : '';
    if (!isAccessDenied(error) && !/Throttl|InvalidParameter|LimitExceeded/.test(name)) throw error;
    return { kind: 'not-read', why: `CloudWatch did not answer: ${describeError(error)}` };
  }
}

function isAboutModels({ type, detail }: Finding): boolean {
  if (AI_TYPE.test(type)) return true;
  try {
    const resource = reader(detail, 'detail').child('resource');
    return (
      (resource?.children('modelDetails') ?? []).length > 0 ||
      resource?.child('bedrockGuardrailDetails') !== undefined
    );
  } catch (error) {
    // A resource of another shape does not name a model.
    if (isFirebreakError(error, 'FindingInvalid')) return false;
    throw error;
  }
}

async function counted(aws: Aws, since: Date, to: Date): Promise<UsedModel[]> {
  const { client, api } = await aws.cloudWatch();
  const MetricDataQueries = Object.entries(METRICS).map(([Id, metric]) => ({
    Id,
    // CloudWatch writes the model's id into the label of each metric that is found.
    Label: `\${PROP('Dim.ModelId')}`,
    Expression: `SEARCH('{AWS/Bedrock,ModelId} MetricName="${metric}"', 'Sum', 3600)`,
  }));
  const results = await allPages(async (NextToken) => {
    const answer = await client.send(
      new api.GetMetricDataCommand({
        MetricDataQueries,
        StartTime: new Date(since.getTime() - DAY_MS),
        EndTime: to,
        ...(NextToken === undefined ? {} : { NextToken }),
      }),
    );
    return { items: answer.MetricDataResults, next: answer.NextToken };
  });
  const found = new Map<
    string,
    { id: string; calls: number; input: number; output: number; before: number }
  >();
  for (const { Id, Label: id = '', Timestamps = [], Values = [] } of results) {
    const model = found.get(id) ?? { id, calls: 0, input: 0, output: 0, before: 0 };
    found.set(id, model);
    Values.forEach((value, index) => {
      const earlier = (Timestamps[index] ?? since) < since;
      if (Id === 'calls') model.calls += earlier ? 0 : value;
      else if (earlier) model.before += value;
      else if (Id === 'input') model.input += value;
      else model.output += value;
    });
  }
  return [...found.values()];
}

const grouped = (value: number): string => value.toLocaleString('en-US');

/** Sentences for people, plain text; ids in them are untrusted. */
export function modelUseWords(use: ModelUse): readonly string[] {
  if (use.kind === 'not-read') return [use.why];
  const since = `${use.since.slice(0, 16).replace('T', ' ')} UTC`;
  if (use.models.length === 0)
    return [
      `CloudWatch counts no invocation of Bedrock in ${use.region} since ${since} (it is some minutes late)`,
    ];
  return [
    ...use.models.map(
      ({ id, calls, input, output, before }) =>
        `${id.slice(0, 200)}: ${grouped(calls)} calls, ${grouped(input)} tokens in, ${grouped(output)} out since ${since}; ${grouped(before)} tokens in the 24 h before`,
    ),
    ...(use.more ? ['and further models'] : []),
    `all callers of the account in ${use.region}, by CloudWatch's count; the cost is not in it`,
  ];
}
