/** The proving read of a target and what follows from it: Verify, an update of the finding, and the sweep share it. */
import { describeError, FirebreakError, isAccessDenied } from '../core/errors.ts';
import {
  type Incident,
  type IncidentTarget,
  isUnconfirmed,
  PROVING_READ,
} from '../core/incident/incident.ts';
import { risksOfResponse, risksOfTarget } from '../core/incident/risks.ts';
import {
  type IncidentStatus,
  isContainment,
  isRunning,
  statusWords,
  stepWords,
  type TargetStatus,
} from '../core/incident/status.ts';
import type { StepRecord } from '../core/journal/hold.ts';
import { contextFor, holdOf, journalOf } from '../core/journal/journal.ts';
import { inPlace, type Proof } from '../core/journal/playbook.ts';
import { worseOf } from '../core/journal/worse.ts';
import { playbookOf } from './plan-target.ts';
import { journalRun, type Runtime } from './runtime.ts';

export interface Looked {
  readonly entry: IncidentTarget;
  readonly steps: readonly StepRecord[];
}

/** Reads one target live and keeps the proof with it; what cannot be read is unproven. */
export async function look(runtime: Runtime, incident: Incident, entry: IncidentTarget): Promise<Looked> {
  const playbook = playbookOf(entry);
  const steps = await journalOf(runtime.table, entry.target, playbook.id);
  const hold = await holdOf(runtime.table, entry.target, playbook.id);
  const { worse: _before, ...rest } = entry;
  if (!hold?.incidents.includes(incident.id)) return { entry: rest, steps: [] };
  const context = contextFor(journalRun(runtime, incident.id, playbook, entry), hold.caseId, steps);
  const worse = await worseOf({ playbook, hold, steps, context });
  const seen = { ...rest, ...(worse.length > 0 ? { worse } : {}) };
  try {
    const proof = await playbook.verify(context, steps);
    const undo = playbook.undoSafety?.(steps, entry.state ?? {}, runtime.now());
    const confirmed = proof.proven ? { verifiedAt: runtime.now().toISOString(), driftedAt: undefined } : {};
    return { entry: { ...seen, proof, ...confirmed, ...(undo ? { undo } : {}) }, steps };
  } catch (error) {
    if (!(error instanceof FirebreakError) && !isAccessDenied(error)) throw error;
    return { entry: unread(seen, `the proving read failed: ${describeError(error)}`), steps };
  }
}

/** Returns the target as unproven because it was not read: the write may have worked, but no live read confirmed it. */
export const unread = (
  entry: IncidentTarget,
  saw: string,
  next: Proof['next'] = 'final',
): IncidentTarget => ({
  ...entry,
  proof: { proven: false, checks: [{ id: PROVING_READ, ok: false, saw }], residual: [], next },
});

/**
 * Returns the targets of an incident whose verification ended without a read, each as its journal has it; undefined where
 * nothing is known to be in place. Reads no live state.
 */
export async function leftUnconfirmed(
  { table }: Pick<Runtime, 'table'>,
  incident: Incident,
  why: string,
): Promise<readonly IncidentTarget[] | undefined> {
  if (!isRunning(incident.status) || !isContainment(incident.status)) return undefined;
  const targets = await Promise.all(
    incident.targets.map(async (entry) => {
      const hold = await holdOf(table, entry.target, entry.playbook);
      const steps = hold?.incidents.includes(incident.id)
        ? await journalOf(table, entry.target, entry.playbook)
        : [];
      if (steps.length === 0) return settle(entry, steps);
      const settled = settle(unread(entry, `no proving read: ${why}`), steps);
      if (!isUnconfirmed(settled)) return settled;
      return {
        ...settled,
        notes: [...(settled.notes ?? []), 'could not be confirmed yet: Firebreak reads it again'],
      };
    }),
  );
  return targets.some(isUnconfirmed) ? targets : undefined;
}

/** What became of one target, from its proof and its journal. */
export function settle(entry: IncidentTarget, steps: readonly StepRecord[]): IncidentTarget {
  if (!entry.proof || steps.length === 0) {
    if (entry.status !== undefined) return entry;
    const notes = [...(entry.notes ?? []), 'no record says that its containment began'];
    return { ...entry, status: 'escalated', notes };
  }
  const containing = steps.filter(({ role }) => role === 'contain');
  const open = steps.filter(({ status }) => !inPlace(status));
  const { notes: _notes, ...rest } = entry;
  const notes = open.map((step) => `${step.id} ${stepWords(step.status)}: ${step.note ?? ''}`);
  const given = { ...rest, ...(notes.length > 0 ? { notes } : {}) };
  if (!entry.proof.proven) {
    return { ...given, status: containing.some(({ status }) => inPlace(status)) ? 'partial' : 'failed' };
  }
  // What a person declined is not contained, whatever the proof of the rest says.
  if (open.length > 0 || (entry.declined ?? []).length > 0) return { ...given, status: 'partial' };
  return { ...given, status: risksOfTarget(entry).length > 0 ? 'residual' : 'contained' };
}

/** Returns the status of the incident, from its targets and the risks that remain however they went. */
export function overall(targets: readonly IncidentTarget[], risks: readonly string[]): IncidentStatus {
  const all = (...wanted: readonly TargetStatus[]) =>
    targets.every(({ status }) => status && wanted.includes(status));
  if (all('contained')) return risks.length > 0 ? 'residual' : 'contained';
  if (all('contained', 'residual')) return 'residual';
  if (all('escalated')) return 'escalated';
  if (all('failed', 'escalated')) return 'failed';
  return 'partial';
}

/** Returns an incident that no one approved. Where a part was contained before another was asked about again, that stands. */
export function undecided(
  incident: Incident,
  status: 'declined' | 'expired',
): Pick<Incident, 'status'> & Partial<Pick<Incident, 'targets'>> {
  const { targets } = incident;
  if (targets.every((entry) => entry.status === undefined || entry.changed !== undefined)) return { status };
  const left = status === 'declined' ? status : 'escalated';
  const after = targets.map((entry) => ({ ...entry, status: entry.status ?? left }));
  return { targets: after, status: overall(after, risksOfResponse(incident)) };
}

/** Returns what became of one target, for the timeline and the page. */
export function sentence(entry: IncidentTarget): string {
  const open = entry.proof?.checks.filter(({ ok }) => !ok).map(({ saw }) => saw) ?? [];
  const left = entry.declined ?? [];
  const parts = [
    ...(entry.notes ?? []),
    ...(left.length > 0 ? [`declined: ${left.join(', ')}`] : []),
    ...open,
    ...risksOfTarget(entry).map((risk) => `remaining risk: ${risk}`),
  ];
  const outcome = statusWords(entry.status ?? 'escalated');
  return `${entry.target.display} ${outcome}${parts.length > 0 ? ` (${parts.join('; ')})` : ''}`;
}
