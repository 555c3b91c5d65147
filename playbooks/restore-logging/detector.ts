/** GuardDuty's own detector: switched on again, with the features that were switched off. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import { partOfAttack, pastCalls } from '../common/logging/history.ts';
import type { LoggingTarget } from '../common/logging/target.ts';
import { settingSubject } from './setting.ts';

/** Features that UpdateDetector takes; the foundational ones are on with the detector. */
const feature = z.enum([
  'AI_ANALYST',
  'AI_PROTECTION',
  'EBS_MALWARE_PROTECTION',
  'EKS_AUDIT_LOGS',
  'EKS_RUNTIME_MONITORING',
  'LAMBDA_NETWORK_LOGS',
  'RDS_LOGIN_EVENTS',
  'RUNTIME_MONITORING',
  'S3_DATA_EVENTS',
]);
/** Parts of a feature that are switched by themselves. */
const additional = z.enum([
  'EC2_AGENT_MANAGEMENT',
  'ECS_FARGATE_AGENT_MANAGEMENT',
  'EKS_ADDON_MANAGEMENT',
  'RDS_DATA_RISK',
]);
/** A feature, or `FEATURE/PART`. */
const part = z.templateLiteral([feature, '/', additional]);
const switched = z.union([feature, part]);
type Switched = z.infer<typeof switched>;
const status = z.enum(['ENABLED', 'DISABLED']);
const detectorSchema = z.strictObject({
  enabled: z.boolean(),
  features: z.record(z.string(), status),
});
type Detector = z.infer<typeof detectorSchema>;

async function detectorId(aws: Aws): Promise<string | undefined> {
  const { client, api } = await aws.guardDuty();
  // One detector for an account and Region.
  const { DetectorIds = [] } = await client.send(new api.ListDetectorsCommand({}));
  return DetectorIds[0];
}

/** What GetDetector says of a feature or a part of one. `ManagedBy` is GUARDDUTY_POLICY where an organisation policy sets it. */
interface Said {
  readonly Name?: string | undefined;
  readonly Status?: string | undefined;
  readonly ManagedBy?: string | undefined;
}

/** A feature that an organisation policy sets is left out: the policy puts it back, and refuses who changes it here. */
function pairOf(name: string, { Status, ManagedBy }: Said): readonly (readonly [string, string])[] {
  if (Status === undefined || ManagedBy === 'GUARDDUTY_POLICY') return [];
  return switched.safeParse(name).success ? [[name, Status]] : [];
}

async function live(aws: Aws): Promise<Json> {
  const DetectorId = await detectorId(aws);
  if (DetectorId === undefined) return null;
  const { client, api } = await aws.guardDuty();
  const { Status, Features = [] } = await client.send(new api.GetDetectorCommand({ DetectorId }));
  const features = Features.flatMap((each) => [
    ...pairOf(`${each.Name}`, each),
    ...(each.AdditionalConfiguration ?? []).flatMap((one) => pairOf(`${each.Name}/${one.Name}`, one)),
  ]);
  return { enabled: Status === 'ENABLED', features: Object.fromEntries(features.sort()) };
}

/** Earlier releases knew seven features and no parts: what they recorded says nothing of the others. */
function comparable(now: Json, recorded: Json): Json {
  const [is, was] = [detectorSchema.safeParse(now).data, detectorSchema.safeParse(recorded).data];
  if (!is || !was || Object.keys(was.features).some((name) => name.includes('/'))) return now;
  return {
    ...is,
    features: Object.fromEntries(Object.entries(is.features).filter(([name]) => name in was.features)),
  };
}

const off = z.object({ name: z.string(), status: z.string().optional() });
const change = off.extend({ additionalConfiguration: z.array(off).optional() });

/** The features, and parts of them, that the finding's principal switched off, as its UpdateDetector calls say. */
async function switchedOff(aws: Aws, target: LoggingTarget): Promise<readonly string[]> {
  const calls = await pastCalls(aws, ['UpdateDetector']);
  if ('unread' in calls) return [];
  return calls
    .filter((call) => partOfAttack(call, target.facts))
    .flatMap(({ request }) => (Array.isArray(request['features']) ? request['features'] : []))
    .flatMap((given: Json) => {
      const { data } = change.safeParse(given);
      if (!data) return [];
      const { name, additionalConfiguration = [] } = data;
      return [data, ...additionalConfiguration.map((one) => ({ ...one, name: `${name}/${one.name}` }))];
    })
    .filter((one) => one.status === 'DISABLED' && switched.safeParse(one.name).success)
    .map((one) => one.name);
}

/** What UpdateDetector is to be told: only what differs, each part under its feature. */
function changes(wanted: Detector, other: Detector) {
  const differs = (name: Switched) => {
    const to = wanted.features[name];
    return to === undefined || to === other.features[name] ? undefined : to;
  };
  return feature.options.flatMap((Name) => {
    const parts = additional.options.flatMap((one) => {
      const Status = differs(`${Name}/${one}`);
      return Status === undefined ? [] : [{ Name: one, Status }];
    });
    // UpdateDetector demands the status of the feature with that of its parts.
    const Status = differs(Name) ?? (parts.length > 0 ? wanted.features[Name] : undefined);
    if (Status === undefined) return [];
    return [{ Name, Status, ...(parts.length > 0 ? { AdditionalConfiguration: parts } : {}) }];
  });
}

export const detector = settingSubject({
  kind: 'guardduty-detector',
  name: ({ region }) => `GuardDuty's detector in ${region}`,
  live,
  comparable,
  async baseline(aws, target, now) {
    if (now === null) return { known: false, why: 'there is no detector any more' };
    const { enabled, features } = detectorSchema.parse(now);
    const off = (await switchedOff(aws, target)).filter((name) => features[name] === 'DISABLED');
    if (enabled && off.length === 0) return { known: true, value: now, from: 'as it stands', unsure: [] };
    const restored: Detector['features'] = { ...features };
    for (const name of off) restored[name] = 'ENABLED';
    const value: JsonObject = { enabled: true, features: { ...restored } };
    return { known: true, value, from: 'what the finding and UpdateDetector say was on', unsure: [] };
  },
  async put(aws, _target, value, from) {
    const DetectorId = await detectorId(aws);
    if (value === null || DetectorId === undefined) throw new Error('there is no detector to change');
    const [wanted, other] = [detectorSchema.parse(value), detectorSchema.parse(from)];
    const Features = changes(wanted, other);
    const { client, api } = await aws.guardDuty();
    await client.send(
      new api.UpdateDetectorCommand({
        DetectorId,
        Enable: wanted.enabled,
        ...(Features.length > 0 ? { Features } : {}),
      }),
    );
  },
  byHand:
    'Create or switch on the detector in this account and Region; a member does so with its administrator, who sets the features.',
  residual: ['what happened while it was off was not seen by GuardDuty'],
});
