/** CloudTrail trails: that they log, what they record, and whether it arrives. */
import { z } from 'zod';
import { parseArn } from '../../../core/aws/arn.ts';
import type { Aws } from '../../../core/aws/client.ts';
import { awsErrorName, FirebreakError } from '../../../core/errors.ts';
import { DRILL_TAG } from '../../../core/incident/drill.ts';
import type {
  Plan,
  PlanOptions,
  Proof,
  StepContext,
  StepOf,
  StepViewOf,
  Target,
} from '../../../core/journal/playbook.ts';
import { type Json, type JsonObject, sameJson, toJson } from '../../../core/json.ts';
import { protectedBy } from '../protected.ts';
import { anyJson, stepKind } from '../step-kind.ts';
import { baselineSchema, pastCalls } from './history.ts';
import {
  anotherTrail,
  blindSpot,
  eventSelectors,
  selectorBaseline,
  selectorsOf,
  type TrailArgs,
  trailArgs,
  widened,
  withLive,
} from './selectors.ts';
import { settingsOf } from './settings.ts';
import { defineSubject } from './subject.ts';
import type { LoggingFacts, LoggingTarget } from './target.ts';

const trailSchema = z.object({
  arn: z.string(),
  homeRegion: z.string(),
  organisation: z.boolean(),
  logging: z.boolean(),
  deliveryError: z.string().nullable(),
  selectors: anyJson,
  baseline: baselineSchema,
  /** Of a trail that a drill can have made; no other's are read. */
  tags: z.exactOptional(z.record(z.string(), z.string())),
});
type Trail = z.infer<typeof trailSchema>;
export const trailsState = z.object({ trails: z.array(trailSchema) });
type TrailsState = z.infer<typeof trailsState>;

const logging = stepKind(trailArgs, {
  value: z.boolean(),
  foreign: anotherTrail,
  read: async (trail, { aws }) => ({ value: (await statusOf(aws, trail)).logging }),
  after: () => true,
  async apply(trail, { aws }) {
    await setLogging(aws, trail, true);
    return undefined;
  },
  async revert(trail, { aws }) {
    await setLogging(aws, trail, false);
    return 'reverted';
  },
});

/** Starts or stops a trail. */
export async function setLogging(
  aws: Aws,
  { trailArn, homeRegion }: TrailArgs,
  logs: boolean,
): Promise<void> {
  // InvalidHomeRegionException anywhere else.
  const { client, api } = await aws.inRegion(homeRegion).cloudTrail();
  const named = { Name: trailArn };
  await (logs
    ? client.send(new api.StartLoggingCommand(named))
    : client.send(new api.StopLoggingCommand(named)));
}

export const TRAIL_KINDS = { logging, 'event-selectors': eventSelectors };
type TrailStep = StepOf<typeof TRAIL_KINDS>;

/** Returns whether the trail logs, and whether that arrives. */
export async function statusOf(aws: Aws, { trailArn, homeRegion }: TrailArgs) {
  const { client, api } = await aws.inRegion(homeRegion).cloudTrail();
  const status = await client.send(new api.GetTrailStatusCommand({ Name: trailArn }));
  return {
    logging: status.IsLogging === true,
    deliveryError: status.LatestDeliveryError || null,
    deliveredAt: status.LatestDeliveryTime,
    /** Of the ways next to the bucket: they fail on their own. */
    others: [
      ...(status.LatestCloudWatchLogsDeliveryError
        ? [`CloudWatch Logs: ${status.LatestCloudWatchLogsDeliveryError}`]
        : []),
      ...(status.LatestDigestDeliveryError ? [`digest files: ${status.LatestDigestDeliveryError}`] : []),
      ...(status.LatestNotificationError ? [`notifications: ${status.LatestNotificationError}`] : []),
    ],
  };
}

/** Where to look, by the error that S3 gives to CloudTrail's delivery. */
function leverFor(deliveryError: string): string {
  if (/NoSuchBucket/i.test(deliveryError)) return 'make the bucket again';
  if (/KMS/i.test(deliveryError))
    return 'look at the key: disabled, scheduled for deletion, or its policy changed';
  if (/AccessDenied/i.test(deliveryError))
    return "look at the bucket's policy and block, and at the key's policy";
  return "look at the bucket and the trail's settings";
}

/** The mark of a drill; undefined for trails that bear another name. */
async function tagsOfDrill(
  aws: Aws,
  { trailArn, homeRegion }: TrailArgs,
): Promise<Record<string, string> | undefined> {
  if (!trailArn.includes(':trail/firebreak-drill-')) return undefined;
  const { client, api } = await aws.inRegion(homeRegion).cloudTrail();
  const { ResourceTagList = [] } = await client.send(new api.ListTagsCommand({ ResourceIdList: [trailArn] }));
  const drill = ResourceTagList[0]?.TagsList?.find(({ Key }) => Key === DRILL_TAG)?.Value;
  return drill === undefined ? undefined : { [DRILL_TAG]: drill };
}

/** Throws ResourceNotFound when the trail was deleted. */
export async function readTrails(
  target: LoggingTarget,
  aws: Aws,
  settings: JsonObject,
): Promise<TrailsState> {
  try {
    return await statesOf(target, aws, settings);
  } catch (error) {
    if (awsErrorName(error) === 'TrailNotFoundException') throw deleted(target, error);
    throw error;
  }
}

async function statesOf(target: LoggingTarget, aws: Aws, settings: JsonObject): Promise<TrailsState> {
  const { client, api } = await aws.cloudTrail();
  const wanted = target.facts.trail;
  const { trailList = [] } = await client.send(new api.DescribeTrailsCommand({ includeShadowTrails: true }));
  const asked = trailList.filter(({ TrailARN }) => wanted === null || TrailARN === wanted);
  if (asked.length === 0) throw deleted(target);
  const named = settingsOf(settings);
  // Each Region keeps the history of its own calls: a trail is changed in its home Region.
  const homes = [...new Set(asked.map(({ HomeRegion = target.region }) => HomeRegion))];
  const [pasts, lives] = await Promise.all([
    Promise.all(
      homes.map(async (home) =>
        named.eventSelectors === undefined ? pastCalls(aws.inRegion(home), ['PutEventSelectors']) : [],
      ),
    ),
    Promise.all(
      asked.map(
        async ({ TrailARN: trailArn = '', HomeRegion: homeRegion = target.region, IsOrganizationTrail }) => {
          const [status, selectors, tags] = await Promise.all([
            statusOf(aws, { trailArn, homeRegion }),
            selectorsOf(aws, { trailArn, homeRegion }),
            tagsOfDrill(aws, { trailArn, homeRegion }),
          ]);
          const organisation = IsOrganizationTrail === true;
          return { trailArn, homeRegion, organisation, status, selectors, tags };
        },
      ),
    ),
  ]);
  const trails = lives.map(({ trailArn, homeRegion, organisation, status, selectors, tags }): Trail => {
    const past = pasts[homes.indexOf(homeRegion)] ?? [];
    return {
      ...(tags ? { tags } : {}),
      arn: trailArn,
      homeRegion,
      organisation,
      logging: status.logging,
      deliveryError: status.deliveryError,
      selectors,
      baseline: selectorBaseline(trailArn, past, target.facts, named),
    };
  });
  return { trails };
}

const deleted = (target: Target, cause?: unknown) =>
  new FirebreakError('ResourceNotFound', 'the trail was deleted', {
    resource: target.display,
    next: 'Create it again from your template: what it recorded and where is not known here. Contain who deleted it.',
    cause,
  });

function planTrails(
  { trails }: TrailsState,
  target: LoggingTarget,
  { protectedArns }: PlanOptions,
  widen: boolean,
): Plan<TrailStep> {
  const foreign = (trail: Trail) => trail.organisation && parseArn(trail.arn)?.account !== target.account;
  const silent = trails.filter((trail) => !trail.logging);
  const ours = silent.filter((trail) => !foreign(trail));
  if (ours.length === 0 && silent.length > 0) {
    return {
      kind: 'refused',
      reason: `${silent.map((trail) => trail.arn).join(', ')} is a trail of the organisation: only its owner's account can change it`,
      alternative: 'Call StartLogging in the management or delegated administrator account.',
    };
  }
  const own = trails.filter((trail) => !foreign(trail));
  const wanted = ours.length > 0 ? ours : own;
  const shielded = own.find((trail) => protectedBy([trail.arn], protectedArns) !== undefined);
  if (shielded) {
    return {
      kind: 'refused',
      reason: `${shielded.arn} is protected by policy.yml`,
      alternative: 'Ask its owner whether logging is off on purpose (a migration), and start it by hand.',
    };
  }
  const selectors = own.map((trail) => planSelectors(trail, widen));
  const steps = [...wanted.map(startStep), ...selectors.flatMap(({ step }) => step ?? [])];
  return {
    kind: 'plan',
    steps,
    blastRadius: {
      count: Math.max(1, ours.length),
      unit: 'trails',
      detail: steps.map(({ describe }) => describe),
    },
    warnings: ['the principal that switched it off is contained separately'],
    residual: [
      ...trails.flatMap(({ arn, deliveryError }) =>
        deliveryError === null
          ? []
          : [`${arn} cannot deliver (${deliveryError}): ${leverFor(deliveryError)}`],
      ),
      ...selectors.flatMap(({ residual }) => residual),
      ...(target.facts.api === 'UpdateTrail'
        ? ['UpdateTrail may have changed bucket, key or Regions of the trail: compare it with your template']
        : []),
      'what happened while it was off was not recorded by this trail',
    ],
    askBecause: [
      ...(ours.length > 1
        ? [`${ours.length} trails are off and the finding names none: some may be off on purpose`]
        : []),
      ...selectors.flatMap(({ ask }) => ask),
    ],
    // Of more than one trail none is the only target.
    tags: own.length === 1 ? (own[0]?.tags ?? {}) : {},
    arns: own.map((trail) => trail.arn),
  };
}

const startStep = (trail: Trail): TrailStep => ({
  id: `logging:${trail.arn}`,
  kind: 'logging',
  role: 'contain',
  describe: `Start logging of ${trail.arn} in ${trail.homeRegion}`,
  args: { trailArn: trail.arn, homeRegion: trail.homeRegion },
  before: trail.logging,
  after: true,
});

interface SelectorPlan {
  readonly step?: TrailStep;
  readonly residual: readonly string[];
  readonly ask: readonly string[];
}

/**
 * Back to what is known to have been there, and never less than what the trail records now. Where nothing is known, or a
 * person must confirm it, the trail is started without that and the gap is residual; `widen` is the question asked about
 * it apart: all management events, with what the earlier selectors and the present ones record.
 */
function planSelectors(trail: Trail, widen: boolean): SelectorPlan {
  const { arn, homeRegion, selectors, baseline } = trail;
  const put = (wanted: Json, words: string): TrailStep => ({
    id: `selectors:${arn}`,
    kind: 'event-selectors',
    role: 'contain',
    describe: `Put the event selectors of ${arn} ${words}`,
    args: { trailArn: arn, homeRegion, wanted },
    before: selectors,
    after: wanted,
  });
  const blindTo = (value: Json): string[] => {
    const blind = blindSpot(value);
    return blind === undefined ? [] : [`${arn} records ${blind}`];
  };
  // Only ever added to: an attacker's extra selector is kept rather than a reason to wait.
  const wanted = baseline.known ? withLive(baseline.value, selectors) : selectors;
  const why = baseline.known ? baseline.unsure : [`what it recorded before is not known: ${baseline.why}`];
  if (baseline.known && why.length === 0) {
    const residual = blindTo(wanted);
    if (sameJson(wanted, selectors)) return { residual, ask: [] };
    const kept = sameJson(wanted, baseline.value) ? '' : ', in addition to what it records now';
    return { step: put(wanted, `back (${baseline.from}${kept})`), residual, ask: [] };
  }
  const gap = [
    ...blindTo(selectors),
    ...(baseline.known && !sameJson(wanted, selectors) ? [`${arn} records less than before`] : []),
  ];
  if (gap.length === 0) return { residual: [], ask: [] };
  const open = `${gap.join('; ')}, and ${why.join('; ')}`;
  if (!widen) return { residual: [open], ask: [] };
  const all = widened(wanted);
  if (sameJson(all, selectors)) return { residual: [], ask: [] };
  return {
    step: put(all, 'to all management events in addition to what it records'),
    residual: [],
    ask: [open],
  };
}

/**
 * Restored is what logs, records as planned and says of no failed delivery. CloudTrail delivers within about 15 minutes;
 * until a delivery after the start is seen, that is reported as what remains.
 */
export async function proveTrails(
  { aws }: StepContext<LoggingFacts>,
  steps: readonly StepViewOf<typeof TRAIL_KINDS>[],
): Promise<Proof> {
  const starts = steps.filter((step) => step.kind === 'logging');
  const puts = steps.filter((step) => step.kind === 'event-selectors');
  const [looks, selected] = await Promise.all([
    Promise.all(starts.map(async (step) => ({ step, status: await statusOf(aws, step.args) }))),
    Promise.all(puts.map(async (step) => ({ step, live: await selectorsOf(aws, step.args) }))),
  ]);
  const narrow = selected.filter(({ step, live }) => !sameJson(live, step.after ?? null));
  const checks = [
    ...looks.map(({ step, status }) => ({
      id: step.id,
      ok: status.logging && status.deliveryError === null,
      saw: `${step.args.trailArn} ${status.logging ? 'logs' : 'does not log'}${status.deliveryError ? `, but cannot deliver (${status.deliveryError}): ${leverFor(status.deliveryError)}` : ''}`,
    })),
    ...selected.map((each) => ({
      id: each.step.id,
      ok: !narrow.includes(each),
      saw: `the event selectors of ${each.step.args.trailArn} are ${narrow.includes(each) ? `not as planned: it records ${blindSpot(each.live) ?? 'something else'}` : 'as planned'}`,
    })),
  ];
  const residual = looks.flatMap(({ step, status }) => {
    const since = Date.parse(step.doneAt ?? '');
    const delivered = status.deliveredAt !== undefined && status.deliveredAt.getTime() > since;
    return [
      ...(delivered || Number.isNaN(since)
        ? []
        : [`no delivery of ${step.args.trailArn} was seen since: look again in 15 minutes`]),
      ...status.others.map((other) => `${step.args.trailArn} cannot deliver to ${other}`),
    ];
  });
  const proven = checks.length > 0 && checks.every(({ ok }) => ok);
  const off =
    looks.some(({ status }) => !status.logging) || narrow.some(({ step }) => step.status !== 'drift');
  return { proven, checks, residual, next: proven ? 'final' : off ? 'recontain' : 'wait' };
}

/** Every trail as CloudTrail answers it, with its status and selectors: what is recorded can be narrowed while it logs. */
async function documents(_target: Target, aws: Aws): Promise<JsonObject> {
  const { client, api } = await aws.cloudTrail();
  const { trailList = [] } = await client.send(new api.DescribeTrailsCommand({ includeShadowTrails: true }));
  const trails = trailList.map(async (trail) => {
    const Name = trail.TrailARN;
    const there = await aws.inRegion(trail.HomeRegion ?? aws.scope.region).cloudTrail();
    const [status, selectors] = await Promise.all([
      there.client.send(new there.api.GetTrailStatusCommand({ Name })),
      there.client.send(new there.api.GetEventSelectorsCommand({ TrailName: Name })),
    ]);
    const { $metadata: _status, ...shown } = status;
    return {
      trail: toJson(trail),
      status: toJson(shown),
      eventSelectors: toJson(selectors.EventSelectors),
      advancedEventSelectors: toJson(selectors.AdvancedEventSelectors),
    };
  });
  return { trails: await Promise.all(trails) };
}

export const trails = defineSubject({
  kind: 'cloudtrail',
  state: trailsState,
  kinds: TRAIL_KINDS,
  read: readTrails,
  plan: (state, target, options) => planTrails(state, target, options, false),
  verify: proveTrails,
  evidence: documents,
});

/** The same with all management events added to a trail that records less and has no known baseline: always asks. */
export const planWidening = (
  state: TrailsState,
  target: LoggingTarget,
  options: PlanOptions,
): Plan<TrailStep> => planTrails(state, target, options, true);
