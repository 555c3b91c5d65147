/** GuardDuty's detector of an account and Region, and the parts of it that inverses change. */
import { arn } from '../../core/aws/arn.ts';
import type { Aws } from '../../core/aws/client.ts';
import type { Json } from '../../core/json.ts';
import { detectorOf } from '../../core/lists/address-lists.ts';
import { type DetectionPart, putPart, readPart } from '../common/detection/parts.ts';

export const SOURCE = 'guardduty.amazonaws.com';
export const DETECTORS = 'arn:${Partition}:guardduty:${Region}:${Account}:detector/*';

/** Returns the id of the detector; undefined where GuardDuty is off. */
export async function liveDetector(aws: Aws): Promise<string | undefined> {
  const { client, api } = await aws.guardDuty();
  const { DetectorIds = [] } = await client.send(new api.ListDetectorsCommand({}));
  return DetectorIds[0];
}

/** Returns the value of a part; null where it, or the detector, is gone. */
export async function livePart(aws: Aws, part: DetectionPart): Promise<Json> {
  const detector = await liveDetector(aws);
  return detector === undefined ? null : readPart(aws, detector, part);
}

export const writePart = async (aws: Aws, part: DetectionPart, value: Json): Promise<void> =>
  putPart(aws, await detectorOf(aws), part, value);

/** Everything of a detector is below it: a session policy keeps all of that. */
export async function detectorNames(aws: Aws, ...names: readonly string[]): Promise<readonly string[]> {
  const detector = await liveDetector(aws);
  const own = detector === undefined ? [] : [`detector/${detector}`, detector];
  return [arn(aws.scope, 'guardduty', 'detector/*'), ...own, ...names];
}

/** Reads of settings without a resource level that a list could use. */
export const readRights = (actions: readonly string[], why: string) => ({
  actions: ['guardduty:ListDetectors', ...actions],
  resources: ['*'],
  why,
});
