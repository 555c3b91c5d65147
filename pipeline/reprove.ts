/**
 * Proves a confirmed containment again: the attacker may have removed the deny, tag, group or setting since. An update of
 * the finding asks for it at once, the sweep on a schedule.
 */
import { isDeepStrictEqual } from 'node:util';
import { inBatches } from '../core/aws/batches.ts';
import { describeError, TableUnavailable } from '../core/errors.ts';
import { type Incident, type IncidentTarget, isUnconfirmed } from '../core/incident/incident.ts';
import { risksOfResponse } from '../core/incident/risks.ts';
import { isContained } from '../core/incident/status.ts';
import { scheduleReproof } from '../core/journal/reproof.ts';
import { unread as asUnread, look, overall, sentence, settle } from './prove.ts';
import { countMetric, logger, type Runtime } from './runtime.ts';

/** An attacker who is thrown out comes back within hours; a containment of a week is read some twenty times less often. */
const AGE_PER_WAIT = 24;

/** What no live read has confirmed yet is read this soon again, whatever policy.yml says. */
const UNCONFIRMED_MS = 5 * 60_000;

/** Returns whether something of the incident waits for its first proving read. */
export const hasUnconfirmed = ({ targets }: Pick<Incident, 'targets'>): boolean =>
  targets.some(isUnconfirmed);

/** Sets when a containment that is in place is read again; of confirmed ones none where policy.yml says `reprove: off`. */
export async function scheduleNext(
  { policy, table, now }: Pick<Runtime, 'policy' | 'table' | 'now'>,
  incident: Incident,
): Promise<void> {
  const open = hasUnconfirmed(incident);
  if (policy.reprove === 'off' && !open) return;
  const since = Date.parse(incident.containedAt ?? incident.createdAt);
  const base = open || policy.reprove === 'off' ? UNCONFIRMED_MS : policy.reprove * 1000;
  const wait = Math.max(base, (now().getTime() - since) / AGE_PER_WAIT);
  await scheduleReproof(table, incident.id, new Date(now().getTime() + wait).toISOString());
}

/** What a read that failed for a passing reason means: removed, which contains again, or nothing until the next read. */
export type Unread = 'removed' | 'unknown';

/**
 * Proves every confirmed target again, and marks what no longer holds for Classify; what was unconfirmed and can be read
 * now is settled. Returns whether something was confirmed that was not before. Changes nothing on AWS.
 */
export async function reprove(
  runtime: Runtime,
  incident: Incident,
  unread: Unread = 'removed',
): Promise<boolean> {
  const { incidents, now } = runtime;
  const proofs = await inBatches(incident.targets, 5, (entry) =>
    proveAgain(runtime, incident, entry, unread),
  );
  let removed: readonly IncidentTarget[] = [];
  let confirmed: readonly IncidentTarget[] = [];
  await incidents.change(incident.id, now(), (read) => {
    // What another reader found since is newer than this.
    const isOver = (index: number): boolean =>
      isContained(read.status) && isDeepStrictEqual(read.targets[index], incident.targets[index]);
    const before = (index: number): IncidentTarget | undefined =>
      isOver(index) ? incident.targets[index] : undefined;
    removed = proofs.filter(({ driftedAt }, index) => {
      const was = before(index);
      return was !== undefined && driftedAt !== undefined && was.driftedAt === undefined;
    });
    confirmed = proofs.filter((entry, index) => {
      const was = before(index);
      return was !== undefined && isUnconfirmed(was) && entry.proof?.proven === true;
    });
    const targets = read.targets.map((entry, index) => (isOver(index) && proofs[index]) || entry);
    if (isDeepStrictEqual(targets, read.targets)) return undefined;
    return {
      ...(removed.length > 0 ? { removedAt: now().toISOString() } : {}),
      ...(confirmed.length > 0 ? { status: overall(targets, risksOfResponse(read)) } : {}),
      targets,
    };
  });
  for (const entry of removed) {
    countMetric('ContainmentDrift');
    const saw = entry.proof?.checks.filter(({ ok }) => !ok).map((check) => check.saw) ?? [];
    await incidents.note(
      incident.id,
      `containment removed: ${entry.target.display}: ${saw.join('; ')}`,
      now(),
    );
  }
  for (const entry of confirmed)
    await incidents.note(incident.id, `confirmed by a live read: ${sentence(entry)}`, now());
  return confirmed.length > 0;
}

async function proveAgain(
  runtime: Runtime,
  incident: Incident,
  entry: IncidentTarget,
  unread: Unread,
): Promise<IncidentTarget> {
  if (entry.proof?.proven !== true && !isUnconfirmed(entry)) return entry;
  const driftedAt = runtime.now().toISOString();
  try {
    const { entry: looked, steps } = await look(runtime, incident, entry);
    if (isUnconfirmed(looked)) return entry;
    if (isUnconfirmed(entry) && looked.proof?.proven === true) return settle(looked, steps);
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
    return { ...asUnread(entry, saw, 'recontain'), driftedAt };
  }
}
