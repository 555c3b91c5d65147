/** Reads a finding back from GuardDuty before anything automatic: an event can be forged, the detector's own record not. */
import type { Aws } from '../core/aws/client.ts';
import { describeError, FirebreakError } from '../core/errors.ts';
import { disagreement } from '../core/finding/agreement.ts';
import { type Finding, parseDetail } from '../core/finding/finding.ts';
import type { Confirmation, Decision, FollowUp } from '../core/incident/incident.ts';
import { isJsonObject, toJson } from '../core/json.ts';
import { detectorOf } from '../core/lists/address-lists.ts';
import { logger, type Runtime } from './runtime.ts';

/** Whether the decision can act on no one's word: at once, or when no one answers in time. */
export const actsAlone = ({ kind, expiry }: Decision): boolean =>
  kind === 'auto' || (kind === 'ask' && expiry === 'contain');

/**
 * Returns what GuardDuty says about the finding, in the account and Region that it claims to be of. A read that fails is
 * an answer too: the decision is then lowered, never lost.
 */
export async function readBack(
  { policy }: Pick<Runtime, 'policy'>,
  finding: Finding,
  { followUpOf }: { readonly followUpOf?: FollowUp | undefined },
  aws: Aws,
): Promise<Confirmation> {
  if (finding.scan !== undefined) return scanReadBack(aws, finding);
  // A follow-up comes after the containment, and policy may have archived the finding for it.
  const archivedByUs = followUpOf !== undefined && policy.archiveContained;
  try {
    const { client, api } = await aws.guardDuty();
    const DetectorId = finding.detectorId ?? (await detectorOf(aws));
    const { Findings = [] } = await client.send(
      new api.GetFindingsCommand({ DetectorId, FindingIds: [finding.id] }),
    );
    const held = toJson(Findings.find(({ Id }) => Id === finding.id));
    if (!isJsonObject(held)) return { kind: 'differs', reason: 'GuardDuty does not hold this finding' };
    const difference = disagreement(finding, parseDetail(held), { archivedByUs });
    return difference === undefined
      ? { kind: 'confirmed' }
      : { kind: 'differs', reason: `GuardDuty does not hold the finding as it was delivered: ${difference}` };
  } catch (error) {
    // Anything but an answer of AWS, or of the role, is a fault of ours.
    if (!(error instanceof FirebreakError) && !isServiceError(error)) throw error;
    const reason = describeError(error);
    logger.warn('a finding was not read back from GuardDuty', { findingId: finding.id, reason });
    return { kind: 'unread', reason: `the finding could not be read back from GuardDuty: ${reason}` };
  }
}

/** GuardDuty's own word on an object that it scanned, where the protection plan has it tag objects. */
const SCAN_TAG = 'GuardDutyMalwareScanStatus';

/**
 * Returns what GuardDuty's tag says about a scanned object: a scan's result has no finding that could be read back. The tag is
 * there before the event is sent [M-LAB]; where it comes later, a person is asked.
 */
async function scanReadBack(aws: Aws, { id, scanned }: Finding): Promise<Confirmation> {
  if (scanned?.kind !== 'object')
    return { kind: 'unread', reason: 'the result of a backup scan is not read back: a person decides' };
  const { bucket, key, versionId } = scanned.object;
  try {
    const { client, api } = await aws.s3();
    const { TagSet = [] } = await client.send(
      new api.GetObjectTaggingCommand({
        ...{ Bucket: bucket, Key: key },
        ...(versionId === null ? {} : { VersionId: versionId }),
      }),
    );
    const said = TagSet.find(({ Key }) => Key === SCAN_TAG)?.Value;
    if (said === 'THREATS_FOUND') return { kind: 'confirmed' };
    if (said !== undefined)
      return {
        kind: 'differs',
        reason: `GuardDuty's tag ${SCAN_TAG} on the object says ${said.slice(0, 40)}`,
      };
    const missing = `the object carries no tag ${SCAN_TAG}, by which the result of the scan is confirmed`;
    return (await findingFollows(aws))
      ? { kind: 'awaited', reason: `${missing}: GuardDuty's own finding about it follows, and is decided` }
      : { kind: 'unread', reason: `${missing}: have the protection plan tag objects` };
  } catch (error) {
    if (!(error instanceof FirebreakError) && !isServiceError(error)) throw error;
    const reason = describeError(error);
    logger.warn('the result of a scan was not read back', { findingId: id, reason });
    return { kind: 'unread', reason: `the tags of the scanned object could not be read: ${reason}` };
  }
}

/** Whether a detector is on: GuardDuty then reports an infected object by a finding as well. */
async function findingFollows(aws: Aws): Promise<boolean> {
  const { client, api } = await aws.guardDuty();
  const { DetectorIds: [DetectorId] = [] } = await client.send(new api.ListDetectorsCommand({}));
  if (DetectorId === undefined) return false;
  const { Status } = await client.send(new api.GetDetectorCommand({ DetectorId }));
  return Status === 'ENABLED';
}

/** What the SDK throws: an answer of the service, or no answer at all. */
const isServiceError = (error: unknown): boolean =>
  error instanceof Error &&
  ('$metadata' in error || 'code' in error || /Timeout|Credentials/.test(error.name));
