/** CloudTrail was silenced: make it record again, in the trail's home Region, and look whether records arrive. */
import { z } from 'zod';
import { arn, parseArn } from '../core/arn.ts';
import type { Aws } from '../core/aws.ts';
import { awsErrorName, FirebreakError } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import { isJsonObject, type Json, type JsonObject, toJson } from '../core/json.ts';
import {
  definePlaybook,
  type Plan,
  type PlannedStep,
  type PlanOptions,
  type Proof,
  type StepContext,
  type StepView,
  type Target,
  type TargetChoice,
  type UndoSafety,
} from '../core/playbook.ts';
import { protectedBy } from './shared/protected.ts';
import { stepKind } from './shared/step-kind.ts';

const TRAILS = `arn:\${Partition}:cloudtrail:*:\${Account}:trail/*`;

const trailSchema = z.object({
  arn: z.string(),
  homeRegion: z.string(),
  organisation: z.boolean(),
  logging: z.boolean(),
  deliveryError: z.string().nullable(),
});
type Trail = z.infer<typeof trailSchema>;
const state = z.object({ trails: z.array(trailSchema) });
const args = z.object({ trailArn: z.string(), homeRegion: z.string() });

const logging = stepKind(args, {
  read: async (trail, { aws }) => ({ value: (await statusOf(aws, trail)).logging }),
  after: () => true,
  async apply({ trailArn, homeRegion }, { aws }) {
    // InvalidHomeRegionException anywhere else.
    const { client, api } = await aws.inRegion(homeRegion).cloudTrail();
    await client.send(new api.StartLoggingCommand({ Name: trailArn }));
    return undefined;
  },
  async revert({ trailArn, homeRegion }, { aws }) {
    const { client, api } = await aws.inRegion(homeRegion).cloudTrail();
    await client.send(new api.StopLoggingCommand({ Name: trailArn }));
    return 'reverted';
  },
});

async function statusOf(aws: Aws, { trailArn, homeRegion }: z.infer<typeof args>) {
  const { client, api } = await aws.inRegion(homeRegion).cloudTrail();
  const status = await client.send(new api.GetTrailStatusCommand({ Name: trailArn }));
  return {
    logging: status.IsLogging === true,
    deliveryError: status.LatestDeliveryError || null,
    deliveredAt: status.LatestDeliveryTime,
  };
}

/** Every trail as CloudTrail answers it, with its status and selectors: what is recorded can be narrowed while it logs. */
async function trailDocuments(_target: Target, aws: Aws): Promise<Record<string, Json>> {
  const { client, api } = await aws.cloudTrail();
  const { trailList = [] } = await client.send(new api.DescribeTrailsCommand({ includeShadowTrails: true }));
  const documents = trailList.map(async (trail) => {
    const Name = trail.TrailARN;
    const there = await aws.inRegion(trail.HomeRegion ?? aws.scope.region).cloudTrail();
    const [status, selectors] = await Promise.all([
      there.client.send(new there.api.GetTrailStatusCommand({ Name })),
      there.client.send(new there.api.GetEventSelectorsCommand({ TrailName: Name })),
    ]);
    const { $metadata: _status, ...shown } = status;
    return { trail: toJson(trail), status: toJson(shown), eventSelectors: toJson(selectors.EventSelectors) };
  });
  return { trails: await Promise.all(documents) };
}

/** The trail the finding names, or the account where it names none. */
function trailOf(finding: Finding): TargetChoice {
  const { partition, account } = finding;
  const named = affectedTrail(finding.detail);
  const parsed = named === undefined ? undefined : parseArn(named);
  const ours =
    parsed?.service === 'cloudtrail' &&
    parsed.account === account &&
    /^trail\/[\w.-]{3,128}$/.test(parsed.resource) &&
    /^[a-z]{2,4}(-[a-z]+)+-\d{1,2}$/.test(parsed.region);
  const scope = { partition, account, region: ours ? (parsed?.region ?? finding.region) : finding.region };
  const trail = ours && parsed ? arn(scope, 'cloudtrail', parsed.resource) : null;
  const display = trail ?? arn(scope, 'cloudtrail', 'trail/*');
  return {
    ok: true,
    target: { ...scope, kind: 'cloudtrail', id: trail ?? account, display, facts: { trail } },
  };
}

/** `affectedResources` of the API call: `{"AWS::CloudTrail::Trail": "arn:..."}`. */
function affectedTrail(detail: JsonObject): string | undefined {
  let found: unknown = detail;
  for (const name of ['service', 'action', 'awsApiCallAction', 'affectedResources']) {
    if (!isJsonObject(found)) return undefined;
    found = found[name];
  }
  if (!isJsonObject(found)) return undefined;
  // The keys are types of resources; a reader of findings may have written the first letter small.
  const value = Object.entries(found).find(([key]) => key.toLowerCase() === 'aws::cloudtrail::trail')?.[1];
  return typeof value === 'string' ? value : undefined;
}

/** Throws ResourceNotFound when the trail was deleted. */
async function read(target: Target, aws: Aws): Promise<JsonObject> {
  const { client, api } = await aws.cloudTrail();
  const wanted = target.facts['trail'];
  const { trailList = [] } = await client.send(new api.DescribeTrailsCommand({ includeShadowTrails: true }));
  const asked = trailList.filter(({ TrailARN }) => typeof wanted !== 'string' || TrailARN === wanted);
  if (asked.length === 0) {
    throw new FirebreakError('ResourceNotFound', 'the trail was deleted', {
      resource: target.display,
      next: 'Create it again from your template: what it recorded and where is not known here. Contain who deleted it.',
    });
  }
  const trails = await Promise.all(
    asked.map(async ({ TrailARN = '', HomeRegion = target.region, IsOrganizationTrail }): Promise<Trail> => {
      const status = await statusOf(aws, { trailArn: TrailARN, homeRegion: HomeRegion });
      return {
        arn: TrailARN,
        homeRegion: HomeRegion,
        organisation: IsOrganizationTrail === true,
        logging: status.logging,
        deliveryError: status.deliveryError,
      };
    }),
  );
  return { trails };
}

function plan(given: JsonObject, target: Target, { protectedArns }: PlanOptions): Plan {
  const { trails } = state.parse(given);
  const silent = trails.filter((trail) => !trail.logging);
  const foreign = silent.filter(
    (trail) => trail.organisation && parseArn(trail.arn)?.account !== target.account,
  );
  const ours = silent.filter((trail) => !foreign.includes(trail));
  const shielded = ours.find((trail) => protectedBy([trail.arn], protectedArns) !== undefined);
  if (shielded) {
    return {
      kind: 'refused',
      reason: `${shielded.arn} is protected by policy.yml`,
      alternative: 'Ask its owner whether logging is off on purpose (a migration), and start it by hand.',
    };
  }
  if (ours.length === 0 && foreign.length > 0) {
    return {
      kind: 'refused',
      reason: `${foreign.map((trail) => trail.arn).join(', ')} is a trail of the organisation: only its owner's account can start it`,
      alternative: 'Call StartLogging in the management or delegated administrator account.',
    };
  }
  const wanted = ours.length > 0 ? ours : trails;
  const steps = wanted.map(
    (trail): PlannedStep => ({
      id: `logging:${trail.arn}`,
      kind: 'logging',
      role: 'contain',
      describe: `Start logging of ${trail.arn} in ${trail.homeRegion}`,
      args: { trailArn: trail.arn, homeRegion: trail.homeRegion },
      before: trail.logging,
      after: true,
    }),
  );
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
      ...trails.flatMap((trail) =>
        trail.deliveryError === null ? [] : [`${trail.arn} cannot deliver: ${trail.deliveryError}`],
      ),
      'what happened while it was off was not recorded by this trail; event selectors are not compared',
    ],
    askBecause:
      ours.length > 1
        ? [`${ours.length} trails are off and the finding names none: some may be off on purpose`]
        : [],
    tags: {},
    arns: wanted.map((trail) => trail.arn),
  };
}

/**
 * Logging counts as restored when the trail logs and says of no failed delivery. CloudTrail delivers within about 15
 * minutes; until a delivery after the start is seen, that is told as what remains.
 */
async function verify({ aws }: StepContext, steps: readonly StepView[]): Promise<Proof> {
  const looks = await Promise.all(
    steps.map(async (step) => ({ step, status: await statusOf(aws, args.parse(step.args)) })),
  );
  const checks = looks.map(({ step, status }) => ({
    id: step.id,
    ok: status.logging && status.deliveryError === null,
    saw: `${step.args['trailArn']} ${status.logging ? 'logs' : 'does not log'}${status.deliveryError ? `, but cannot deliver: ${status.deliveryError}` : ''}`,
  }));
  const residual = looks.flatMap(({ step, status }) => {
    const since = Date.parse(step.doneAt ?? '');
    const delivered = status.deliveredAt !== undefined && status.deliveredAt.getTime() > since;
    return delivered || Number.isNaN(since)
      ? []
      : [`no delivery of ${step.args['trailArn']} was seen since: look again in 15 minutes`];
  });
  const proven = checks.length > 0 && checks.every(({ ok }) => ok);
  const off = looks.some(({ status }) => !status.logging);
  return { proven, checks, residual, next: proven ? 'final' : off ? 'recontain' : 'wait' };
}

const undoSafety = (steps: readonly StepView[]): UndoSafety =>
  steps.some(({ status }) => status === 'done')
    ? { safe: false, why: 'undo switches logging off again, which is what the attacker did' }
    : { safe: true, why: 'nothing of this incident is in place' };

export const restoreLogging = definePlaybook({
  id: 'restore-logging',
  title: 'Switch CloudTrail logging on again',
  about: `
Starts logging of the trail that the finding names, in the trail's home Region (CloudTrail refuses it anywhere else). Where
the finding names no trail, every trail of the account that is off is started, and with more than one a person is asked.

**Refused**: a trail of the organisation seen from a member account, and protected trails. A deleted trail is not made anew:
what it recorded and where is known to your template only.

**Proof**: the trail logs and reports no failed delivery. A trail that logs into a bucket that refuses it is not restored.

**Not contained**: the principal that switched it off; policy.yml asks about it as a follow-up. Event selectors, flow
logs, the detector and S3 server access logs are not restored by this version.

**Undo** stops logging again, so a second person must agree.
`.trim(),
  handles: ['Stealth:IAMUser/CloudTrailLoggingDisabled'],
  reversible: { kind: 'fully' },
  permissions: {
    read: [
      {
        actions: ['cloudtrail:DescribeTrails', 'cloudtrail:GetEventSelectors', 'cloudtrail:GetTrailStatus'],
        resources: ['*'],
        why: 'which trails there are and whether they log (listing has no resource level)',
      },
    ],
    write: [
      {
        actions: ['cloudtrail:StartLogging', 'cloudtrail:StopLogging'],
        resources: [TRAILS],
        why: 'starts logging; stopping is undo, which two people must want',
      },
    ],
  },
  proofDelaySeconds: 10,
  targetOf: trailOf,
  read: (target, aws) =>
    read(target, aws).catch((error: unknown) => {
      if (awsErrorName(error) !== 'TrailNotFoundException') throw error;
      throw new FirebreakError('ResourceNotFound', 'the trail was deleted', {
        resource: target.display,
        next: 'Create it again from your template, and contain who deleted it.',
        cause: error,
      });
    }),
  plan,
  kinds: { logging },
  verify,
  undoSafety,
  evidence: trailDocuments,
});
