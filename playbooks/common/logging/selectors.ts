/** What a trail records. A trail can go on logging and record nothing that matters: narrowing it is the quieter attack. */
import { z } from 'zod';
import { parseArn } from '../../../core/aws/arn.ts';
import type { Aws } from '../../../core/aws/client.ts';
import type { StepContext } from '../../../core/journal/playbook.ts';
import { isJsonObject, type Json, type JsonObject, sameJson, toJson } from '../../../core/json.ts';
import { anyJson, damaged, regionName, stepKind } from '../step-kind.ts';
import { type Baseline, capitalised, lastGood, type PastCalls, pastCalls, type Suspect } from './history.ts';
import { type LoggingSettings, settingsOf } from './settings.ts';
import { loggingFacts } from './target.ts';

const texts = z.array(z.string()).optional();
const basicSelector = z.object({
  ReadWriteType: z.enum(['All', 'ReadOnly', 'WriteOnly']).default('All'),
  IncludeManagementEvents: z.boolean().default(true),
  DataResources: z.array(z.object({ Type: z.string(), Values: z.array(z.string()).default([]) })).default([]),
  ExcludeManagementEventSources: z.array(z.string()).default([]),
});
const fieldSelector = z.object({
  Field: z.string(),
  Equals: texts,
  StartsWith: texts,
  EndsWith: texts,
  NotEquals: texts,
  NotStartsWith: texts,
  NotEndsWith: texts,
});
const advancedSelector = z.object({ Name: z.string().optional(), FieldSelectors: z.array(fieldSelector) });

/** A trail has selectors of one sort: putting the other sort takes these away (CloudTrail, PutEventSelectors). */
const selectorsSchema = z.union([
  z.object({ basic: z.array(basicSelector).min(1) }),
  z.object({ advanced: z.array(advancedSelector).min(1) }),
]);
type Selectors = z.infer<typeof selectorsSchema>;

export const trailArgs = z.object({ trailArn: z.string(), homeRegion: regionName });
export type TrailArgs = z.infer<typeof trailArgs>;

/** As CloudTrail answers or a person writes them; undefined where it is neither. */
function selectorsFrom(basic: unknown, advanced: unknown): Json | undefined {
  const given =
    Array.isArray(advanced) && advanced.length > 0 ? { advanced } : Array.isArray(basic) ? { basic } : {};
  const parsed = selectorsSchema.safeParse(given);
  return parsed.success ? toJson(parsed.data) : undefined;
}

export async function selectorsOf(aws: Aws, { trailArn, homeRegion }: TrailArgs): Promise<Json> {
  const { client, api } = await aws.inRegion(homeRegion).cloudTrail();
  const answer = await client.send(new api.GetEventSelectorsCommand({ TrailName: trailArn }));
  return selectorsFrom(toJson(answer.EventSelectors), toJson(answer.AdvancedEventSelectors)) ?? null;
}

export async function putSelectors(
  aws: Aws,
  { trailArn, homeRegion }: TrailArgs,
  value: Json,
): Promise<void> {
  const selectors: Selectors = selectorsSchema.parse(value);
  const { client, api } = await aws.inRegion(homeRegion).cloudTrail();
  await client.send(
    new api.PutEventSelectorsCommand({
      TrailName: trailArn,
      ...('basic' in selectors
        ? { EventSelectors: selectors.basic }
        : { AdvancedEventSelectors: selectors.advanced }),
    }),
  );
}

/** What a new trail records: every management event, no data events. */
export const MANAGEMENT: Json = {
  basic: [
    {
      ReadWriteType: 'All',
      IncludeManagementEvents: true,
      DataResources: [],
      ExcludeManagementEventSources: [],
    },
  ],
};

/** The selectors a trail is to have: those of policy.yml, or the last that someone else than the attacker put. */
export function selectorBaseline(
  trailArn: string,
  calls: PastCalls,
  suspect: Suspect,
  { eventSelectors }: LoggingSettings,
): Baseline {
  if (eventSelectors !== undefined) {
    const value =
      eventSelectors === 'management'
        ? MANAGEMENT
        : (selectorsFrom(eventSelectors, undefined) ?? advancedOf(eventSelectors));
    if (value !== undefined) return { known: true, value, from: 'policy.yml', unsure: [] };
    return { known: false, why: 'playbooks.restore-logging.eventSelectors in policy.yml are no selectors' };
  }
  const name = trailArn.split('/').at(-1);
  return lastGood(calls, suspect, ({ request }) => {
    if (request['trailName'] !== trailArn && request['trailName'] !== name) return undefined;
    return selectorsIn(request);
  });
}

/** Returns what a recorded PutEventSelectors put; undefined where it put nothing that is known. */
export const selectorsIn = (request: JsonObject): Json | undefined =>
  selectorsFrom(
    capitalised(request['eventSelectors'] ?? null),
    capitalised(request['advancedEventSelectors'] ?? null),
  );

const advancedOf = (given: Json): Json | undefined => selectorsFrom(undefined, given);

/** What of the management events is not recorded; undefined where all of them are. */
export function blindSpot(value: Json): string | undefined {
  const parsed = selectorsSchema.safeParse(value);
  if (!parsed.success) return 'nothing that is known';
  if ('basic' in parsed.data) {
    const management = parsed.data.basic.filter(({ IncludeManagementEvents }) => IncludeManagementEvents);
    if (management.length === 0) return 'no management events';
    if (!management.some(({ ReadWriteType }) => ReadWriteType === 'All'))
      return `${management[0]?.ReadWriteType} management events alone`;
    const left = management.flatMap(({ ExcludeManagementEventSources: sources }) => sources);
    return left.length > 0 ? `management events without ${left.join(', ')}` : undefined;
  }
  const management = parsed.data.advanced.filter(({ FieldSelectors }) =>
    FieldSelectors.some(
      ({ Field, Equals = [] }) => Field === 'eventCategory' && Equals.includes('Management'),
    ),
  );
  if (management.length === 0) return 'no management events';
  const whole = management.some(({ FieldSelectors }) => FieldSelectors.length === 1);
  return whole ? undefined : 'a part of the management events';
}

type Basic = z.infer<typeof basicSelector>;
type Advanced = z.infer<typeof advancedSelector>;
type FieldSelector = z.infer<typeof fieldSelector>;

/** Values of a basic selector that stand for every object or function (CloudTrail, DataResource). */
const EVERY = /^arn:[\w-]+:(s3|lambda)$/;

/** Returns a basic selector as advanced ones: one for management events, one for each data type. They record the same [M]. */
function advancedFrom(basic: Basic): Advanced[] {
  const readOnly: FieldSelector[] =
    basic.ReadWriteType === 'All'
      ? []
      : [{ Field: 'readOnly', Equals: [String(basic.ReadWriteType === 'ReadOnly')] }];
  const left = basic.ExcludeManagementEventSources;
  const management: FieldSelector[] = [
    { Field: 'eventCategory', Equals: ['Management'] },
    ...readOnly,
    ...(left.length > 0 ? [{ Field: 'eventSource', NotEquals: left }] : []),
  ];
  const data = basic.DataResources.map(({ Type, Values }): FieldSelector[] => {
    const arns = Values.some((value) => EVERY.test(value)) ? [] : Values;
    // Only objects are named by a prefix; a table or function by its whole ARN.
    const match: FieldSelector =
      Type === 'AWS::S3::Object'
        ? { Field: 'resources.ARN', StartsWith: arns }
        : { Field: 'resources.ARN', Equals: arns };
    return [
      { Field: 'eventCategory', Equals: ['Data'] },
      { Field: 'resources.type', Equals: [Type] },
      ...readOnly,
      ...(arns.length > 0 ? [match] : []),
    ];
  });
  return [...(basic.IncludeManagementEvents ? [management] : []), ...data].map((FieldSelectors) => ({
    FieldSelectors,
  }));
}

const asAdvanced = (selectors: Selectors): readonly Advanced[] =>
  'advanced' in selectors ? selectors.advanced : selectors.basic.flatMap(advancedFrom);

/** Each condition of `wide` stands in `narrow` too, so that every event of `narrow` is one of `wide`. */
const covers = (wide: Advanced, narrow: Advanced): boolean =>
  wide.FieldSelectors.every((field) =>
    narrow.FieldSelectors.some((other) => sameJson(toJson(field), toJson(other))),
  );
const coveredBy = (all: readonly Advanced[], selector: Advanced): boolean =>
  all.some((wide) => covers(wide, selector));

/**
 * Returns selectors that record everything that `value` or `live` records, as `value` spells them where it records all of
 * it alone. Selectors of a trail are alternatives: an event that one of them matches is recorded.
 */
export function withLive(value: Json, live: Json): Json {
  const [wanted, now] = [selectorsSchema.safeParse(value), selectorsSchema.safeParse(live)];
  if (!wanted.success || !now.success) return value;
  const [wantedSelectors, liveSelectors] = [asAdvanced(wanted.data), asAdvanced(now.data)];
  const lost = liveSelectors.filter((selector) => !coveredBy(wantedSelectors, selector));
  if (lost.length === 0) return value;
  const added = wantedSelectors.filter((selector) => !coveredBy(liveSelectors, selector));
  if (added.length === 0) return live;
  return toJson({ advanced: [...added, ...lost] });
}

/** Returns what the trail records, and every management event with it: for a person who has no baseline. */
export function widened(value: Json): Json {
  const parsed = selectorsSchema.safeParse(value);
  if (!parsed.success) return MANAGEMENT;
  if ('advanced' in parsed.data) {
    const all = {
      Name: 'all management events',
      FieldSelectors: [{ Field: 'eventCategory', Equals: ['Management'] }],
    };
    const others = parsed.data.advanced.filter(
      ({ FieldSelectors }) =>
        !FieldSelectors.some(
          ({ Field, Equals = [] }) => Field === 'eventCategory' && Equals.includes('Management'),
        ),
    );
    return toJson({ advanced: [...others, all] });
  }
  return toJson({
    basic: parsed.data.basic.map((selector) => ({
      ...selector,
      ReadWriteType: 'All',
      IncludeManagementEvents: true,
      ExcludeManagementEventSources: [],
    })),
  });
}

/** A trail of the target's account, and the one that the finding names where it names one. */
export function anotherTrail(
  { trailArn, homeRegion }: TrailArgs,
  { target }: StepContext,
): string | undefined {
  const { service, account, region } = parseArn(trailArn) ?? {};
  const { trail } = loggingFacts.parse(target.facts);
  if (service !== 'cloudtrail' || account !== target.account || region !== homeRegion)
    return `${trailArn} is not a trail of account ${target.account} in ${homeRegion}`;
  return trail === null || trail === trailArn ? undefined : `the trail is ${trail}, not ${trailArn}`;
}

/** The selectors are what is live with those that are known to have been there, or with every management event. */
async function mustBeBaseline(
  { wanted, ...trail }: TrailArgs & { readonly wanted: Json },
  { aws, target, settings = {} }: StepContext,
): Promise<void> {
  const [live, calls] = await Promise.all([
    selectorsOf(aws, trail),
    pastCalls(aws.inRegion(trail.homeRegion), ['PutEventSelectors']),
  ]);
  const facts = loggingFacts.parse(target.facts);
  const baseline = selectorBaseline(trail.trailArn, calls, facts, settingsOf(settings));
  const known = baseline.known ? withLive(baseline.value, live) : live;
  if ([known, widened(known)].some((value) => sameJson(value, wanted))) return;
  throw damaged(`these event selectors of ${trail.trailArn} are in no record of AWS`, target.display);
}

export const eventSelectors = stepKind(
  trailArgs.extend({ wanted: z.custom<Json>((value) => isJsonObject(value)) }),
  {
    value: anyJson,
    foreign: anotherTrail,
    read: async (trail, { aws }) => ({ value: await selectorsOf(aws, trail) }),
    after: ({ wanted }) => wanted,
    async apply(trail, context) {
      await mustBeBaseline(trail, context);
      await putSelectors(context.aws, trail, trail.wanted);
      return undefined;
    },
    async revert(trail, { aws }, before) {
      if (before === null) return { kept: 'the trail had no selectors that could be restored' };
      await putSelectors(aws, trail, before);
      return 'reverted';
    },
  },
);
