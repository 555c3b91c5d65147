/** GuardDuty's own detector: switched on again, with the features that were switched off. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import { isJsonObject, type Json, type JsonObject } from '../../core/json.ts';
import { partOfAttack, pastCalls } from '../common/logging/history.ts';
import type { LoggingTarget } from '../common/logging/target.ts';
import { settingSubject } from './setting.ts';

/** Features that UpdateDetector takes; the foundational ones are on with the detector. */
const feature = z.enum([
  'EBS_MALWARE_PROTECTION',
  'EKS_AUDIT_LOGS',
  'EKS_RUNTIME_MONITORING',
  'LAMBDA_NETWORK_LOGS',
  'RDS_LOGIN_EVENTS',
  'RUNTIME_MONITORING',
  'S3_DATA_EVENTS',
]);
const status = z.enum(['ENABLED', 'DISABLED']);
const detectorSchema = z.strictObject({ enabled: z.boolean(), features: z.partialRecord(feature, status) });
type Detector = z.infer<typeof detectorSchema>;

async function detectorId(aws: Aws): Promise<string | undefined> {
  const { client, api } = await aws.guardDuty();
  // One detector for an account and Region.
  const { DetectorIds = [] } = await client.send(new api.ListDetectorsCommand({}));
  return DetectorIds[0];
}

async function live(aws: Aws): Promise<Json> {
  const DetectorId = await detectorId(aws);
  if (DetectorId === undefined) return null;
  const { client, api } = await aws.guardDuty();
  const { Status, Features = [] } = await client.send(new api.GetDetectorCommand({ DetectorId }));
  const features = Features.flatMap(({ Name, Status: is }) => {
    const known = feature.safeParse(Name);
    return known.success && is !== undefined ? [[known.data, is] as const] : [];
  });
  return { enabled: Status === 'ENABLED', features: Object.fromEntries(features.sort()) };
}

/** The features that the finding's principal switched off, as its UpdateDetector calls say. */
async function switchedOff(aws: Aws, target: LoggingTarget): Promise<readonly z.infer<typeof feature>[]> {
  const calls = await pastCalls(aws, ['UpdateDetector']);
  if ('unread' in calls) return [];
  return calls
    .filter((call) => partOfAttack(call, target.facts))
    .flatMap(({ request }) => (Array.isArray(request['features']) ? request['features'] : []))
    .flatMap((given: Json) => {
      const parsed = z
        .object({ name: feature, status: z.literal('DISABLED') })
        .safeParse(isJsonObject(given) ? given : {});
      return parsed.success ? [parsed.data.name] : [];
    });
}

export const detector = settingSubject({
  kind: 'guardduty-detector',
  name: ({ region }) => `GuardDuty's detector in ${region}`,
  live,
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
    const Features = feature.options.flatMap((Name) => {
      const Status = wanted.features[Name];
      return Status === undefined || Status === other.features[Name] ? [] : [{ Name, Status }];
    });
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
