/** The kill switch, asked again where an automatic containment is about to change something. */

import type { Incident, IncidentTarget } from '../core/incident/incident.ts';
import { letGo } from '../core/journal/undo.ts';
import { begun } from '../core/journal/undo-preview.ts';
import { automaticStopped, KILL_SWITCH_ON } from '../core/table/breaker.ts';
import { playbookOf } from './plan-target.ts';
import { journalRun, type Runtime } from './runtime.ts';

/** Nobody said yes to this containment: policy's auto, or its answer to an approval that ran out. */
const isAutomatic = ({ approval }: Incident): boolean =>
  !(approval?.purpose === 'contain' && approval.outcome === 'approved');

/** True while nothing new may be begun for this incident. */
export const switchedOff = async ({ policy, table }: Runtime, incident: Incident): Promise<boolean> =>
  isAutomatic(incident) && (await automaticStopped(policy, table));

/**
 * Why this target must not be contained now, or undefined. Decided automatically and the switch set since: nothing new is
 * begun. What a crash left half done is finished all the same, since half is worse than either (an interface in the open
 * transit group), and the timeline says so. A person's approval counts whenever the switch was set, as in Classify.
 */
export async function stoppedBySwitch(
  runtime: Runtime,
  incident: Incident,
  entry: IncidentTarget,
): Promise<string | undefined> {
  if (!(await switchedOff(runtime, incident))) return undefined;
  const run = journalRun(runtime, incident.id, playbookOf(entry), entry);
  switch (await begun(run)) {
    case 'half':
      await runtime.incidents.note(
        incident.id,
        `the kill switch is on, but the containment of ${entry.target.display} was half done: it is finished`,
        runtime.now(),
      );
      return undefined;
    case 'nothing':
      await letGo(run);
      return KILL_SWITCH_ON;
    case 'ended':
      return KILL_SWITCH_ON;
  }
}
