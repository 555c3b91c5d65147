/** GuardDuty's own detector: switched on again, with the features that were switched off. */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import type { Json, JsonObject } from '../../core/json.ts';
import { featureChanges, featuresOf, featuresSchema, switchedOffIn } from '../common/detection/features.ts';
import { partOfAttack, pastCalls } from '../common/logging/history.ts';
import type { LoggingTarget } from '../common/logging/target.ts';
import { settingSubject } from './setting.ts';

const detectorSchema = z.strictObject({
  enabled: z.boolean(),
  features: featuresSchema,
});
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
  return { enabled: Status === 'ENABLED', features: featuresOf(Features) };
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

/** The features, and parts of them, that the finding's principal switched off, as its UpdateDetector calls say. */
async function switchedOff(aws: Aws, target: LoggingTarget): Promise<readonly string[]> {
  const calls = await pastCalls(aws, ['UpdateDetector']);
  if ('unread' in calls) return [];
  return calls
    .filter((call) => partOfAttack(call, target.facts))
    .flatMap(({ request }) => switchedOffIn(request['features']));
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
    const Features = featureChanges(wanted.features, other.features);
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
