/** An update of the finding after containment: the attacker may have removed the deny, tag, group or setting since. */
import { inBatches } from '../core/aws/batches.ts';
import { describeError } from '../core/errors.ts';
import type { Incident, IncidentTarget } from '../core/incident/incident.ts';
import { isContained } from '../core/incident/status.ts';
import { look } from './prove.ts';
import { countMetric, type Runtime } from './runtime.ts';

/** Proves every confirmed target again, and marks what no longer holds for Classify. Reads only. */
export async function reprove(runtime: Runtime, incident: Incident): Promise<void> {
  const { incidents, now } = runtime;
  const proofs = await inBatches(incident.targets, 5, (entry) => proveAgain(runtime, incident, entry));
  await incidents.change(incident.id, now(), (read) =>
    isContained(read.status)
      ? {
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
): Promise<IncidentTarget> {
  if (entry.proof?.proven !== true) return entry;
  const driftedAt = runtime.now().toISOString();
  try {
    const { entry: looked, steps } = await look(runtime, incident, entry);
    return steps.length === 0 || looked.proof?.proven === true ? looked : { ...looked, driftedAt };
  } catch (error) {
    // A repeated Enrich would take this update for a duplicate. Contain and Verify read again, with their retries.
    const saw = `the proving read failed: ${describeError(error)}`;
    const checks = [{ id: 'proving-read', ok: false, saw }];
    return { ...entry, proof: { proven: false, checks, residual: [], next: 'recontain' }, driftedAt };
  }
}
