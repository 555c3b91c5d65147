import { z } from 'zod';
import type { Aws } from '../../../core/aws/client.ts';
import { detectorOf } from '../../../core/lists/address-lists.ts';
import { defineInverse } from '../../common/changes/inverse.ts';
import {
  featureChanges,
  featureName,
  featureStatus,
  featuresOf,
  switchedIn,
} from '../../common/detection/features.ts';
import { DETECTORS, detectorNames, liveDetector, readRights, SOURCE } from '../detection.ts';

/** The detector as a whole: suspended is DISABLED. */
const WHOLE = 'DETECTOR';
const ENABLED = 'ENABLED';

/** The detector, or a feature of it, that was switched off is on again. */
export const detectorFeature = defineInverse({
  id: 'detector-feature',
  danger: 'blinds',
  calls: { source: SOURCE, names: ['UpdateDetector'] },
  does: 'the detector, or the feature of it, that was switched off is on again',
  resource: z.strictObject({
    detector: z.string().regex(/^[0-9a-f]{32}$/),
    feature: z.union([z.literal(WHOLE), featureName]),
  }),
  value: featureStatus.nullable(),
  effects({ request }) {
    const { detectorId: detector, enable } = request;
    const whole = enable === undefined ? [] : [{ name: WHOLE, status: statusOf(enable) }];
    return [...whole, ...switchedIn(request['features'])].map(({ name, status }) => ({
      ...{ resource: { detector, feature: name }, left: status, guess: ENABLED },
    }));
  },
  listedAs: ({ detector }) => detector,
  names: (aws) => detectorNames(aws),
  says: ({ feature }) =>
    feature === WHOLE ? 'Switch GuardDuty on again' : `Switch ${feature} of GuardDuty on again`,
  async read(aws, { detector, feature }) {
    const live = await liveFeatures(aws, detector);
    return featureStatus.nullable().parse(live?.[feature] ?? null);
  },
  async put(aws, { feature }, to, from) {
    const [status, other] = [featureStatus.parse(to), featureStatus.parse(from)];
    const { client, api } = await aws.guardDuty();
    const DetectorId = await detectorOf(aws);
    const { [WHOLE]: _whole, ...rest } = (await liveFeatures(aws, DetectorId)) ?? {};
    const live = z.record(z.string(), featureStatus).parse(rest);
    await client.send(
      new api.UpdateDetectorCommand(
        feature === WHOLE
          ? { DetectorId, Enable: status === ENABLED }
          : {
              DetectorId,
              Features: featureChanges({ ...live, [feature]: status }, { ...live, [feature]: other }),
            },
      ),
    );
  },
  never: ({ feature }, value, { by }) =>
    by === 'reversal' && value !== ENABLED ? `${feature} was off before` : undefined,
  remains: () => ['what happened while GuardDuty, or a feature of it, was off was not seen'],
  permissions: {
    read: [readRights(['guardduty:GetDetector'], 'whether GuardDuty and its features are on')],
    write: [
      {
        actions: ['guardduty:UpdateDetector'],
        resources: [DETECTORS],
        why: 'GuardDuty and its features are on again',
        worst: 'suspends GuardDuty, or any of its features, in the account',
      },
    ],
  },
  words: { setting: 'GuardDuty', why: 'what happens while it is off raises no findings' },
  example: {
    eventName: 'UpdateDetector',
    requestParameters: { detectorId: '12abc34d567e8fa901bc2d34e56789f0', enable: false },
  },
});

const statusOf = (enable: unknown): string => (enable === false || enable === 'false' ? 'DISABLED' : ENABLED);

/** Undefined where the detector is gone, or another one. */
async function liveFeatures(
  aws: Aws,
  detector: string,
): Promise<Readonly<Record<string, string>> | undefined> {
  if ((await liveDetector(aws)) !== detector) return undefined;
  const { client, api } = await aws.guardDuty();
  const { Status, Features = [] } = await client.send(new api.GetDetectorCommand({ DetectorId: detector }));
  return { ...featuresOf(Features), [WHOLE]: Status ?? 'DISABLED' };
}
