/** Containments that end by themselves: the moment is set when they start, moved while the finding goes on, kept by the sweep. */
import { awsErrorName, describeError } from '../core/errors.ts';
import { type Incident, type IncidentStatus, incidentIdFor, lapseOf } from '../core/incident.ts';
import { closeLapse, countFailure, dueLapses, LAPSED, type Lapse, scheduleLapse } from '../core/lapse.ts';
import { withTarget } from './plan-target.ts';
import { countMetric, logger, page, type Runtime } from './runtime.ts';

/** Counts from now, where the target's plan says that it lapses. Gives the moment. */
export async function startClock(
  runtime: Runtime,
  incidentId: string,
  index: number,
): Promise<string | undefined> {
  const { incidents, table, now } = runtime;
  const incident = await incidents.get(incidentId);
  const entry = incident.targets[index];
  if (entry?.plan?.kind !== 'plan' || entry.plan.lapseSeconds === undefined) return undefined;
  const lapsesAt = new Date(now().getTime() + entry.plan.lapseSeconds * 1000).toISOString();
  const next = await incidents.change(incidentId, now(), (read) => {
    const target = read.targets[index];
    return target ? withTarget(read, index, { ...target, lapsesAt }) : {};
  });
  await scheduleLapse(table, incidentId, lapseOf(next) ?? lapsesAt);
  return lapsesAt;
}

/**
 * The finding goes on: what is contained for it, and as its follow-up, begins its time anew. Called for an update of a
 * finding that was answered.
 */
export async function refreshClocks(runtime: Runtime, incident: Incident): Promise<void> {
  const followUps = (incident.decision?.followUps ?? []).map((playbook) =>
    incidentIdFor(incident.findingId, { incidentId: incident.id, playbook }),
  );
  for (const id of [incident.id, ...followUps]) {
    const found = await runtime.incidents.find(id);
    const live = found?.targets.some(({ lapsesAt }) => lapsesAt !== undefined) && IN_PLACE.has(found.status);
    if (!found || !live) continue;
    for (const [index, { lapsesAt }] of found.targets.entries()) {
      if (lapsesAt !== undefined) await startClock(runtime, id, index);
    }
    const next = await runtime.incidents.get(id);
    await runtime.incidents.note(id, `the finding goes on: stays until ${lapseOf(next)}`, runtime.now());
  }
}

/** Something of it may be in place. */
const IN_PLACE: ReadonlySet<IncidentStatus> = new Set(['contained', 'residual', 'partial']);
/** The workflow is at it: its time comes after. */
const WORKING: ReadonlySet<IncidentStatus> = new Set([
  'received',
  'awaiting-approval',
  'containing',
  'verifying',
  'undoing',
]);

/**
 * Starts the undo of what is due: the workflow of a person's Undo, so that it is checked, read back, shown and paged the
 * same way. Gives the incidents for which it was started.
 */
export async function undoLapsed(runtime: Runtime): Promise<readonly string[]> {
  const started: string[] = [];
  for (const lapse of await dueLapses(runtime.table, runtime.now())) {
    const incident = await runtime.incidents.find(lapse.incidentId);
    if (incident && WORKING.has(incident.status)) continue;
    if (!incident || incident.status === 'undone') {
      await closeLapse(runtime.table, lapse);
      continue;
    }
    if (await startUndo(runtime, lapse)) started.push(lapse.incidentId);
  }
  return started;
}

async function startUndo(runtime: Runtime, lapse: Lapse): Promise<boolean> {
  const { own, env, table, incidents, now } = runtime;
  const { incidentId, at } = lapse;
  try {
    const { client, api } = await own.sfn();
    await client.send(
      new api.StartExecutionCommand({
        stateMachineArn: env.UNDO_STATE_MACHINE_ARN,
        // One start per moment: a sweep that died after it starts no second one.
        name: `lapse-${incidentId}-${at.replace(/\D/g, '')}`.slice(0, 80),
        input: JSON.stringify({ incidentId, requestedBy: LAPSED }),
      }),
    );
  } catch (error) {
    if (awsErrorName(error) !== 'ExecutionAlreadyExists') {
      await failed(runtime, lapse, error);
      return false;
    }
  }
  await closeLapse(table, lapse);
  await incidents.note(incidentId, `its time is over (until ${at}): taken back`, now());
  return true;
}

/** Pages at the first failure and once an hour after it: the sweep runs every minute. */
async function failed(runtime: Runtime, lapse: Lapse, error: unknown): Promise<void> {
  const reason = describeError(error);
  countMetric('LapseFailed');
  logger.error('a lapsed containment could not be taken back', { incidentId: lapse.incidentId, reason });
  if (lapse.failures % 60 === 0) {
    await runtime.incidents.note(
      lapse.incidentId,
      `its time is over, and undo did not start: ${reason}`,
      runtime.now(),
    );
    await page(
      runtime,
      `Firebreak ${lapse.incidentId}: its time is over, and undo did not start`,
      `${reason}\nIt is tried again every minute. Until then the block stays.`,
    );
  }
  await countFailure(runtime.table, lapse);
}
