/**
 * What only prepared a containment that failed for good is reverted: the sweep sees it and starts an execution of undo, whose
 * function alone has the rights, and reads for itself whether there is a reason to.
 */
import { startExecution } from '../core/aws/executions.ts';
import { isOutOfTurn } from '../core/errors.ts';
import type { Incident, IncidentTarget } from '../core/incident/incident.ts';
import { isMoving } from '../core/incident/open-work.ts';
import { isContainment } from '../core/incident/status.ts';
import type { Hold } from '../core/journal/hold.ts';
import { holdOf, journalOf } from '../core/journal/journal.ts';
import { hasFailed, type PreparedResult, revertPrepared } from '../core/journal/revert-prepared.ts';
import { undoAgainExecution } from './channel.ts';
import { pageIncident } from './incident-page.ts';
import { playbookOf, targetAt, withTarget } from './plan-target.ts';
import { journalRun, type Runtime } from './runtime.ts';

/** An undo that people asked for has its own way on, and what is under way contains or ends first. */
const isLeft = (incident: Incident): boolean => isContainment(incident.status) && !isMoving(incident);

/** Starts the revert where the journal of a target says that its containment failed for good. */
export async function startRevert(given: Runtime, incident: Incident): Promise<void> {
  const { own, env, now, incidents, table } = given;
  if (!isLeft(incident)) return;
  const failed = await Promise.all(
    incident.targets.map(async ({ target, playbook }) => {
      const hold = await holdOf(table, target, playbook);
      const mine = hold?.incidents.includes(incident.id) === true;
      return mine && hasFailed(hold, await journalOf(table, target, playbook));
    }),
  );
  if (!failed.includes(true)) return;
  const started = await startExecution(own, {
    stateMachineArn: env.UNDO_STATE_MACHINE_ARN,
    name: undoAgainExecution(incident.id, now()),
    input: JSON.stringify({
      ...{ channel: 'undo', incidentId: incident.id, requestedBy: 'Firebreak', prepared: true },
    }),
  });
  if (started)
    await incidents.note(incident.id, 'nothing contains: what only prepared it is reverted', now());
}

/** Reverts it for every target of the incident, and says so. An execution that anyone else starts does no more than that. */
export async function revertAllPrepared(given: Runtime, incidentId: string): Promise<void> {
  const incident = await given.incidents.get(incidentId);
  if (!isLeft(incident)) return;
  for (const [index, entry] of incident.targets.entries()) {
    const hold = await holdOf(given.table, entry.target, entry.playbook);
    if (hold && (await othersMove(given, incident, hold))) continue;
    const result = await revertUnlessBusy(given, incident, entry);
    if (result.kind === 'reverted') await tell(given, incident, index, result);
  }
}

/** Another incident that shares the hold may be containing. */
async function othersMove({ incidents }: Runtime, { id }: Incident, hold: Hold): Promise<boolean> {
  for (const other of hold.incidents) {
    const found = other === id ? undefined : await incidents.find(other);
    if (found && isMoving(found)) return true;
  }
  return false;
}

async function revertUnlessBusy(
  given: Runtime,
  { id }: Incident,
  entry: IncidentTarget,
): Promise<PreparedResult> {
  try {
    return await revertPrepared(journalRun(given, id, playbookOf(entry), entry, 'undo'));
  } catch (error) {
    // The sweep starts it again.
    if (isOutOfTurn(error)) return { kind: 'nothing' };
    throw error;
  }
}

/** What could not be reverted is the sweep's to page, for as long as it is there. */
async function tell(
  given: Runtime,
  incident: Incident,
  index: number,
  { steps, worse }: Extract<PreparedResult, { kind: 'reverted' }>,
): Promise<void> {
  const { incidents, now } = given;
  const notes = steps.flatMap(({ id, note }) => (note === undefined ? [] : [`${id}: ${note}`]));
  for (const note of notes) await incidents.note(incident.id, `revert: ${note}`, now());
  if (steps.some(({ status }) => status !== 'undone' && status !== 'kept')) return;
  const text = `resolved: ${worse.join('; ')}`;
  await incidents.note(incident.id, text, now());
  // What the revert itself leaves is known from the steps as they were in place.
  const before = steps.map((step) => ({ ...step, status: 'done' as const }));
  const { worse: _reverted, ...entry } = targetAt(incident, index);
  const risks = playbookOf(entry).undoSafety?.(before, entry.state ?? {}, now()).residual ?? [];
  // The sweep's next look keeps it with the target.
  const seen = { ...incident, ...withTarget(incident, index, entry) };
  await pageIncident(given, seen, `Firebreak ${incident.id}: ${text}`, [
    'The containment failed, so Firebreak reverted what only prepared it. Nothing is contained.',
    ...notes,
    ...risks.map((risk) => `remaining risk: ${risk}`),
  ]);
}
