/** The kill switch and the mode, read again where an automatic containment is about to change something. */

import type { Incident, IncidentTarget } from '../core/incident/incident.ts';
import { letGo } from '../core/journal/undo.ts';
import { begun } from '../core/journal/undo-preview.ts';
import { KILL_SWITCH_ON, killSwitch } from '../core/table/breaker.ts';
import { modeInForce, OBSERVING } from '../core/table/mode.ts';
import { playbookOf } from './plan-target.ts';
import { journalRun, type Runtime } from './runtime.ts';

/** No one said yes to this containment: policy's auto, or its answer to an approval that ran out. */
const isAutomatic = ({ approval }: Incident): boolean =>
  !(approval?.purpose === 'contain' && approval.outcome === 'approved');

/** Returns why nothing new may be begun for this incident now, or undefined. */
export async function switchedOff(
  { policy, table }: Runtime,
  incident: Incident,
): Promise<string | undefined> {
  if (!isAutomatic(incident)) return undefined;
  const [stopped, mode] = await Promise.all([killSwitch(table), modeInForce(table, policy.mode)]);
  if (policy.killSwitch || stopped) return KILL_SWITCH_ON;
  return mode === 'observe' ? OBSERVING : undefined;
}

/**
 * Why this target must not be contained now, or undefined. Decided automatically and the switch or observe mode set since:
 * nothing new is begun. What a crash left half done is finished all the same, since half is worse than either (an interface
 * in the open transit group), and the timeline says so. A person's approval counts whenever it was set, as in Classify.
 */
export async function stoppedBySwitch(
  runtime: Runtime,
  incident: Incident,
  entry: IncidentTarget,
): Promise<string | undefined> {
  const why = await switchedOff(runtime, incident);
  if (why === undefined) return undefined;
  const run = journalRun(runtime, incident.id, playbookOf(entry), entry);
  switch (await begun(run)) {
    case 'half':
      await runtime.incidents.note(
        incident.id,
        `${why}; the containment of ${entry.target.display} was half done, so Firebreak finishes it`,
        runtime.now(),
      );
      return undefined;
    case 'nothing':
      await letGo(run);
      return why;
    case 'ended':
      return why;
  }
}
