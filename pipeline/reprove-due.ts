/** The scheduled proving read: nothing need report again for a removed containment to be noticed. */
import { isContained, isRunning } from '../core/incident/status.ts';
import { dueReproofs, endReproofs } from '../core/journal/reproof.ts';
import { reproofExecution } from './channel.ts';
import { hasUnconfirmed, reprove, scheduleNext } from './reprove.ts';
import type { Runtime } from './runtime.ts';

/** A minute's share: each takes as many calls as the proof of its playbook, two to five. */
const MOST = 20;
/**
 * Reads what is due again, and starts the workflow for what was removed: it contains again from the journal, verifies, pages
 * and reports as for an update of the finding. Returns the incidents with something removed.
 */
export async function reproveDue(runtime: Runtime): Promise<readonly string[]> {
  const { policy, table, incidents, now } = runtime;
  const removed: string[] = [];
  for (const id of await dueReproofs(table, now(), MOST)) {
    const incident = await incidents.find(id);
    const wanted = incident && (policy.reprove !== 'off' || hasUnconfirmed(incident));
    if (!wanted || !(isContained(incident.status) || isRunning(incident.status))) {
      await endReproofs(table, id);
      continue;
    }
    // Before the read: one that fails is due again later, not every minute.
    await scheduleNext(runtime, incident);
    if (isRunning(incident.status)) continue;
    // A throttled read says nothing; the next one is due soon.
    const confirmed = await reprove(runtime, incident, 'unknown');
    const { targets } = await incidents.get(id);
    const drifted = targets.some(({ driftedAt }) => driftedAt !== undefined);
    if (!drifted && !confirmed) continue;
    await startReproof(runtime, id);
    if (drifted) removed.push(id);
  }
  return removed;
}

/** The workflow contains again what was removed, and reports. */
async function startReproof({ own, env, now }: Runtime, incidentId: string): Promise<void> {
  const { client, api } = await own.sfn();
  await client.send(
    new api.StartExecutionCommand({
      stateMachineArn: env.RESPOND_STATE_MACHINE_ARN,
      name: reproofExecution(incidentId, now()),
      input: JSON.stringify({ channel: 'reproof', incidentId }),
    }),
  );
}
