/** What became of an undo: each restored value read back, as often as AWS needs to show it. */

import { isDeepStrictEqual } from 'node:util';
import { FirebreakError, isOutOfTurn } from '../core/errors.ts';
import type { Incident, IncidentTarget } from '../core/incident/incident.ts';
import { type IncidentStatus, isContained, statusWords, stepWords } from '../core/incident/status.ts';
import type { StepRecord } from '../core/journal/hold.ts';
import { holdOf } from '../core/journal/journal.ts';
import type { UndoSafety } from '../core/journal/playbook.ts';
import { mayGoOn, proveUndo, stopUndo, type UndoProof, undo } from '../core/journal/undo.ts';
import { pageIncident } from './incident-page.ts';
import { lateFor, overTarget, playbookOf, targetAt } from './plan-target.ts';
import { journalRun, type Runtime } from './runtime.ts';

/** The undo that was under way is no longer. */
export const ended = ({ undoRun }: Incident): Pick<Incident, 'undoRun'> =>
  undoRun ? { undoRun: { ...undoRun, ended: true } } : {};

/** Another execution undoes it by now, or has ended: what this one saw is no news. */
function refuseOther(read: Incident, { undoRun }: Incident): void {
  if (!isDeepStrictEqual(read.undoRun, undoRun)) throw lateFor(read.id);
}

/** Keeps what became of a target of the incident as it was read, and notes why. Throws Conflict where it is another one by now. */
export async function saveUndone(
  { incidents, now }: Runtime,
  seen: Incident,
  index: number,
  status: NonNullable<IncidentTarget['status']>,
  notes: readonly string[],
  open: readonly StepRecord[] = [],
): Promise<void> {
  const drifted = open.filter((step) => step.status === 'drift').map(({ id }) => id);
  const undo: UndoSafety = {
    safe: false,
    why: `${drifted.join(', ')} changed since the containment: undoing again overwrites that`,
  };
  await incidents.change(seen.id, now(), (read) => {
    refuseOther(read, seen);
    // What was said about an undo before it does not hold after it.
    const { undo: _before, worse, ...entry } = targetAt(seen, index);
    const left = status === 'undo-partial' && worse !== undefined ? { worse } : {};
    const after = { ...entry, ...left, status, notes, ...(drifted.length > 0 ? { undo } : {}) };
    return overTarget(read, index, targetAt(seen, index), after);
  });
  for (const note of notes) await incidents.note(seen.id, `undo: ${note}`, now());
}

export interface Settled {
  readonly verdict: 'wait' | 'settled';
  readonly looks: number;
  readonly waitSeconds: number;
  readonly status?: IncidentStatus;
}

/** Between two tries while another incident changes the resource, which takes minutes at most. */
const BUSY_SECONDS = 30;

/** AWS shows a change late: seconds at first, then up to a minute between two looks. */
export const waitAfter = (looks: number): number => Math.min(60, 5 * 2 ** looks);

/** Reads every value that was reverted. What is not shown yet is looked at again, and reverted where AWS had refused. */
export async function settle(
  runtime: Runtime,
  incidentId: string,
  looks: number | undefined,
): Promise<Settled> {
  const { incidents, now } = runtime;
  const incident = await incidents.get(incidentId);
  const proofs: UndoProof[] = [];
  try {
    for (const entry of incident.targets)
      proofs.push(await proveUndo(journalRun(runtime, incidentId, playbookOf(entry), entry, 'undo')));
  } catch (error) {
    if (looks === undefined || !isOutOfTurn(error)) throw error;
    // Another incident is changing the resource: that passes on its own, and is no look.
    return { verdict: 'wait', looks, waitSeconds: BUSY_SECONDS };
  }
  // The others may take some looks more, and this one's hold is released.
  for (const [index, proof] of proofs.entries())
    if (proof.kind === 'undone') await close(runtime, incident, index, proof);
  const open = proofs.flatMap((proof) => (proof.kind === 'open' ? proof.open : []));
  const looked = (looks ?? 0) + 1;
  if (open.length > 0 && looks === undefined) {
    throw new FirebreakError('StepFailed', `not restored yet: ${open.map(({ id }) => id).join(', ')}`, {
      resource: incidentId,
      next: 'The workflow looks again; if it stays, ask for the undo again.',
    });
  }
  if (open.length > 0 && mayGoOn(open, looked))
    return { verdict: 'wait', looks: looked, waitSeconds: waitAfter(looked) };
  for (const [index, proof] of proofs.entries())
    if (proof.kind !== 'undone') await close(runtime, incident, index, proof);
  const settled = await incidents.get(incidentId);
  const holds = await Promise.all(
    incident.targets.map((entry) => holdOf(runtime.table, entry.target, entry.playbook)),
  );
  const left = holds.some((hold) => hold?.incidents.includes(incidentId));
  const status = overall(settled, left);
  const settledNow = await incidents.change(incidentId, now(), (read) => {
    refuseOther(read, incident);
    if (!isDeepStrictEqual(read.targets, settled.targets)) throw lateFor(incidentId);
    return { status, ...ended(read) };
  });
  const notes = settled.targets.flatMap((entry) => entry.notes ?? []);
  if (status === 'undo-partial') {
    await incidents.note(incidentId, statusWords(status), now());
    await pageIncident(runtime, settledNow, `Firebreak ${incidentId}: undo is partial`, notes);
  } else {
    await incidents.note(incidentId, `${statusWords(status)}: every restored value was read back`, now());
  }
  return { verdict: 'settled', looks: looked, waitSeconds: 1, status };
}

/** What became of one target. */
async function close(runtime: Runtime, incident: Incident, index: number, proof: UndoProof): Promise<void> {
  const entry = targetAt(incident, index);
  const risks = (entry.notes ?? []).filter((note) => note.startsWith('remaining risk: '));
  switch (proof.kind) {
    case 'nothing': {
      const hold = await holdOf(runtime.table, entry.target, entry.playbook);
      // Its own undo has not begun: why is with it already.
      if (hold?.state === 'active' && hold.incidents.includes(incident.id) && hold.incidents.length > 1) {
        // Another incident joined meanwhile: what is in place is in place for it.
        const run = journalRun(runtime, incident.id, playbookOf(entry), entry, 'undo');
        const letGo = await undo(run);
        if (letGo.kind === 'held')
          return saveUndone(runtime, incident, index, 'held', [`still contained for ${letGo.by.join(', ')}`]);
      }
      const { status } = entry;
      if (status === undefined || status === 'held' || hold?.incidents.includes(incident.id)) return;
      // Let go of meanwhile, for an incident that contained the resource again.
      if (status !== 'undo-partial' && !isContained(status)) return;
      const by = hold && hold.state !== 'released' ? hold.incidents : [];
      if (by.length === 0) return saveUndone(runtime, incident, index, 'undone', risks);
      return saveUndone(runtime, incident, index, 'held', [`still contained for ${by.join(', ')}`]);
    }
    case 'undone':
      return saveUndone(runtime, incident, index, 'undone', [...keptIn(proof).map(said), ...risks]);
    case 'open': {
      await stopUndo(journalRun(runtime, incident.id, playbookOf(entry), entry, 'undo'));
      return saveUndone(
        runtime,
        incident,
        index,
        'undo-partial',
        [...proof.open, ...keptIn(proof)].map(said),
        proof.open,
      );
    }
  }
}

const keptIn = ({ steps }: { readonly steps: readonly StepRecord[] }): readonly StepRecord[] =>
  steps.filter(({ status, note }) => status === 'kept' && note !== undefined);

const said = ({ id, status, note }: StepRecord): string => `${id} ${stepWords(status)}: ${note ?? ''}`;

/** With one target reverted and others still contained, the incident is partly contained. */
function overall({ targets }: Incident, left: boolean): IncidentStatus {
  const partial = targets.some(({ status }) => status === 'undo-partial');
  if (partial) return 'undo-partial';
  return left ? 'partial' : 'undone';
}
