/** Undoes what is over its time, by the workflow of a person's Undo. */
import { startExecution } from '../core/aws/executions.ts';
import { describeError } from '../core/errors.ts';
import { type Incident, isUndoAsked } from '../core/incident/incident.ts';
import { isRunning, statusWords } from '../core/incident/status.ts';
import {
  closeLapse,
  countFailure,
  countStart,
  dueLapses,
  LAPSED,
  type Lapse,
  lapseExecution,
} from '../core/journal/lapse.ts';
import { pageIncident } from './incident-page.ts';
import { countMetric, logger, page, type Runtime } from './runtime.ts';

/**
 * Starts the undo of what is due: the workflow of a person's Undo, so that it is checked, read back, shown and paged the
 * same way. Gives the incidents for which it was started.
 */
export async function undoLapsed(runtime: Runtime): Promise<readonly string[]> {
  const started: string[] = [];
  for (const lapse of await dueLapses(runtime.table, runtime.now())) {
    const incident = await runtime.incidents.find(lapse.incidentId);
    if (incident && (isRunning(incident.status) || isUndoAsked(incident, runtime.now()))) continue;
    if (!incident || incident.status === 'undone' || isDeclined(incident, lapse)) {
      await closeLapse(runtime.table, lapse);
      continue;
    }
    if (lapse.starts > 0) await tellNotEnded(runtime, incident, lapse);
    if (await startUndo(runtime, lapse)) started.push(lapse.incidentId);
  }
  return started;
}

/** A person decided that it stays. */
const isDeclined = ({ approval }: Incident, { startedAt }: Lapse): boolean =>
  approval?.purpose === 'undo' &&
  approval.outcome === 'denied' &&
  startedAt !== undefined &&
  approval.requestedAt >= startedAt;

async function tellNotEnded(runtime: Runtime, incident: Incident, { at, starts }: Lapse): Promise<void> {
  const { id, status } = incident;
  const text = `its time is over (until ${at}), and it is ${statusWords(status)}: undo is tried again`;
  countMetric('LapseFailed');
  await runtime.incidents.note(id, text, runtime.now());
  await pageIncident(runtime, incident, `Firebreak ${id}: its time is over, and it is still in place`, [
    `${text}. Tries so far: ${starts}. What keeps it: npx firebreak show ${id} --live`,
  ]);
}

async function startUndo(runtime: Runtime, lapse: Lapse): Promise<boolean> {
  const { own, env, table, incidents, now } = runtime;
  const { incidentId, at } = lapse;
  try {
    await startExecution(own, {
      stateMachineArn: env.UNDO_STATE_MACHINE_ARN,
      name: lapseExecution(lapse),
      input: JSON.stringify({ channel: 'undo', incidentId, requestedBy: LAPSED }),
    });
  } catch (error) {
    await failed(runtime, lapse, error);
    return false;
  }
  await countStart(table, lapse, now());
  await incidents.note(incidentId, `its time is over (until ${at}): undo started`, now());
  return true;
}

/** Pages at the first failure and once an hour after it: the sweep runs every minute. */
async function failed(runtime: Runtime, lapse: Lapse, error: unknown): Promise<void> {
  const reason = describeError(error);
  countMetric('LapseFailed');
  logger.error('a lapsed containment could not be reverted', { incidentId: lapse.incidentId, reason });
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
