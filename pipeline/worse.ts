/** What an incident has left worse than it was, by live reads made now. */
import type { Incident, IncidentTarget } from '../core/incident/incident.ts';
import type { Hold, StepRecord } from '../core/journal/hold.ts';
import { contextFor, holdOf, journalOf } from '../core/journal/journal.ts';
import { worseOf } from '../core/journal/worse.ts';
import { playbookOf } from './plan-target.ts';
import { journalRun, type Runtime } from './runtime.ts';

/** Returns what one target's journal left worse, one sentence each. */
export function worseIn(
  given: Runtime,
  incident: Pick<Incident, 'id'>,
  entry: IncidentTarget,
  hold: Hold,
  steps: readonly StepRecord[],
): Promise<readonly string[]> {
  const playbook = playbookOf(entry);
  const context = contextFor(journalRun(given, incident.id, playbook, entry), hold.caseId, steps);
  return worseOf({ playbook, hold, steps, context });
}

/** Whether an undo of the incident ended partly and left something worse than it was before. */
export async function isWorseByUndo(given: Runtime, incident: Incident): Promise<boolean> {
  for (const entry of incident.targets) {
    const { target, playbook } = entry;
    const hold = await holdOf(given.table, target, playbook);
    if (hold?.state !== 'undo-partial' || !hold.incidents.includes(incident.id)) continue;
    const steps = await journalOf(given.table, target, playbook);
    if ((await worseIn(given, incident, entry, hold, steps)).length > 0) return true;
  }
  return false;
}
