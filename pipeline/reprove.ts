/**
 * Proves a confirmed containment again: the attacker may have removed the deny, tag, group or setting since. An update of
 * the finding asks for it at once, the sweep on a schedule.
 */
import { inBatches } from '../core/aws/batches.ts';
import { describeError, TableUnavailable } from '../core/errors.ts';
import type { Incident, IncidentTarget } from '../core/incident/incident.ts';
import { isContained } from '../core/incident/status.ts';
import { scheduleReproof } from '../core/journal/reproof.ts';
import { look } from './prove.ts';
import { countMetric, logger, type Runtime } from './runtime.ts';

/** An attacker who is thrown out comes back within hours; a containment of a week is read some twenty times less often. */
const AGE_PER_WAIT = 24;

/** Sets when a containment that is in place is read again; nothing where policy.yml says `reprove: off`. */
export async function scheduleNext({ policy, table, now }: Runtime, incident: Incident): Promise<void> {
  if (policy.reprove === 'off') return;
  const since = Date.parse(incident.containedAt ?? incident.createdAt);
  const wait = Math.max(policy.reprove * 1000, (now().getTime() - since) / AGE_PER_WAIT);
  await scheduleReproof(table, incident.id, new Date(now().getTime() + wait).toISOString());
}

/** What a read that failed for a passing reason means: removed, which contains again, or nothing until the next read. */
export type Unread = 'removed' | 'unknown';

/** Proves every confirmed target again, and marks what no longer holds for Classify. Reads only. */
export async function reprove(
  runtime: Runtime,
  incident: Incident,
  unread: Unread = 'removed',
): Promise<void> {
  const { incidents, now } = runtime;
  const proofs = await inBatches(incident.targets, 5, (entry) =>
    proveAgain(runtime, incident, entry, unread),
  );
  const removed = proofs.some(
    ({ driftedAt }, index) => driftedAt !== undefined && incident.targets[index]?.driftedAt === undefined,
  );
  await incidents.change(incident.id, now(), (read) =>
    isContained(read.status)
      ? {
          ...(removed ? { removedAt: now().toISOString() } : {}),
          targets: read.targets.map(
            (entry) => proofs.find(({ key, playbook }) => isSame(entry, key, playbook)) ?? entry,
          ),
        }
      : {},
  );
  for (const [index, entry] of proofs.entries()) {
    if (entry.driftedAt === undefined || incident.targets[index]?.driftedAt !== undefined) continue;
    countMetric('ContainmentDrift');
    const saw = entry.proof?.checks.filter(({ ok }) => !ok).map((check) => check.saw) ?? [];
    await incidents.note(
      incident.id,
      `containment removed: ${entry.target.display}: ${saw.join('; ')}`,
      now(),
    );
  }
}

const isSame = (entry: IncidentTarget, key: string, playbook: string): boolean =>
  entry.key === key && entry.playbook === playbook;

async function proveAgain(
  runtime: Runtime,
  incident: Incident,
  entry: IncidentTarget,
  unread: Unread,
): Promise<IncidentTarget> {
  if (entry.proof?.proven !== true) return entry;
  const driftedAt = runtime.now().toISOString();
  try {
    const { entry: looked, steps } = await look(runtime, incident, entry);
    return steps.length === 0 || looked.proof?.proven === true ? looked : { ...looked, driftedAt };
  } catch (error) {
    if (error instanceof TableUnavailable) throw error;
    if (unread === 'unknown') {
      logger.warn('a containment could not be read again', {
        incidentId: incident.id,
        reason: describeError(error),
      });
      return entry;
    }
    // A repeated Enrich would take this update for a duplicate. Contain and Verify read again, with their retries.
    const saw = `the proving read failed: ${describeError(error)}`;
    const checks = [{ id: 'proving-read', ok: false, saw }];
    return { ...entry, proof: { proven: false, checks, residual: [], next: 'recontain' }, driftedAt };
  }
}
