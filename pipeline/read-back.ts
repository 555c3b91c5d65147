/** Reads a finding back from GuardDuty before anything automatic: an event can be forged, the detector's own record not. */
import { describeError, FirebreakError } from '../core/errors.ts';
import { disagreement } from '../core/finding/agreement.ts';
import { type Finding, parseDetail } from '../core/finding/finding.ts';
import type { Confirmation, Decision, Incident } from '../core/incident/incident.ts';
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
  runtime: Runtime,
  finding: Finding,
  { id, followUpOf }: Incident,
): Promise<Confirmation> {
  const aws = runtime.awsOf(finding, id);
  // A follow-up comes after the containment, and policy may have archived the finding for it.
  const archivedByUs = followUpOf !== undefined && runtime.policy.archiveContained;
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

/** What the SDK throws: an answer of the service, or no answer at all. */
const isServiceError = (error: unknown): boolean =>
  error instanceof Error &&
  ('$metadata' in error || 'code' in error || /Timeout|Credentials/.test(error.name));
