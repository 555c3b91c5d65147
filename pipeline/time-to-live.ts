/** Containments that expire: the moment is set when they start and moved while the finding goes on. */
import { type Incident, type IncidentTarget, lapseOf } from '../core/incident/incident.ts';
import { isContained } from '../core/incident/status.ts';
import { scheduleLapse } from '../core/journal/lapse.ts';
import { withTarget } from './plan-target.ts';
import type { Runtime } from './runtime.ts';

/** Counts from now, where the target's plan says that it lapses. Gives the moment. */
export async function startClock(
  runtime: Runtime,
  incidentId: string,
  index: number,
  entry: IncidentTarget,
): Promise<string | undefined> {
  const { incidents, table, now } = runtime;
  if (entry.plan?.kind !== 'plan' || entry.plan.lapseSeconds === undefined) return undefined;
  const lapsesAt = new Date(now().getTime() + entry.plan.lapseSeconds * 1000).toISOString();
  const next = await incidents.change(incidentId, now(), (read) => {
    const target = read.targets[index];
    return target ? withTarget(read, index, { ...target, lapsesAt }) : {};
  });
  await scheduleLapse(table, incidentId, lapseOf(next) ?? lapsesAt);
  return lapsesAt;
}

/**
 * The finding goes on: what is contained for it, and as its follow-up, begins its time again. Called for an update of a
 * finding that was answered.
 */
export async function refreshClocks(runtime: Runtime, incident: Incident): Promise<void> {
  const { incidents } = runtime;
  const followUps = await Promise.all(
    (incident.decision?.followUps ?? []).map((playbook) =>
      incidents.ofFinding(incident, { incidentId: incident.id, playbook }),
    ),
  );
  for (const found of [await incidents.find(incident.id), ...followUps]) {
    const live = found?.targets.some(({ lapsesAt }) => lapsesAt !== undefined) && isContained(found.status);
    if (!found || !live) continue;
    const { id } = found;
    for (const [index, entry] of found.targets.entries()) {
      if (entry.lapsesAt !== undefined) await startClock(runtime, id, index, entry);
    }
    const next = await runtime.incidents.get(id);
    await runtime.incidents.note(id, `the finding goes on: stays until ${lapseOf(next)}`, runtime.now());
  }
}
