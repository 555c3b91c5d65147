/**
 * A signal of an attack sequence names it (`associatedAttackSequenceArn`, GuardDuty API reference, "Finding"). Where the
 * sequence's incident answers for every resource of the signal, the two are one: it is asked once, on the sequence's card.
 */
import { parseArn } from '../aws/arn.ts';
import type { Finding } from '../finding/finding.ts';
import type { FindingIdentity, Incident } from './incident.ts';
import { type IncidentStatus, isContained, isRunning } from './status.ts';
import type { IncidentStore } from './store.ts';

export interface SequenceIncident {
  readonly incidentId: string;
  readonly status: IncidentStatus;
}

/** The finding that the ARN names: `detector/DETECTOR/finding/ID`. Undefined for any other ARN, and for one of another account. */
function identityIn({ sequenceArn, account }: Finding): FindingIdentity | undefined {
  const parsed = parseArn(sequenceArn ?? '');
  const [, detectorId, findingId] =
    /^detector\/([\w-]{1,64})\/finding\/([\w-]{1,300})$/.exec(parsed?.resource ?? '') ?? [];
  if (!parsed || !detectorId || !findingId || parsed.service !== 'guardduty' || parsed.account !== account)
    return undefined;
  const { partition, region } = parsed;
  return { partition, account, region, detectorId, findingId };
}

/** The incident of the sequence, where it asks about or contains each target of this one; undefined everywhere else. */
export async function answeringSequence(
  store: Pick<IncidentStore, 'ofFinding'>,
  finding: Finding,
  { id, targets }: Incident,
): Promise<SequenceIncident | undefined> {
  const identity = identityIn(finding);
  const sequence = identity && (await store.ofFinding(identity));
  if (!sequence || sequence.id === id || targets.length === 0) return undefined;
  const answers =
    isContained(sequence.status) ||
    (isRunning(sequence.status) && (sequence.decision?.kind === 'ask' || sequence.decision?.kind === 'auto'));
  const covered = targets.every(({ key, playbook }) =>
    sequence.targets.some(
      (other) => other.key === key && other.playbook === playbook && other.problem === undefined,
    ),
  );
  return answers && covered ? { incidentId: sequence.id, status: sequence.status } : undefined;
}
