/**
 * The sweep watches executions. One that is gone (failed, timed out, stopped, unknown to Step Functions) moves its incident no
 * more: another one takes the incident over and goes on where it is.
 */
import { executionArn, executionStatus, isAlive, startExecution } from '../core/aws/executions.ts';
import { describeError, isOutOfTurn } from '../core/errors.ts';
import { type Incident, isUndecided, type UndoRun } from '../core/incident/incident.ts';
import { keepTakeover, type OpenWork } from '../core/incident/open-work.ts';
import { isRunning, isUndo, statusWords } from '../core/incident/status.ts';
import { undoWaitMs } from '../core/journal/lapse.ts';
import { stopUndo } from '../core/journal/undo.ts';
import { type ChannelEnvelope, takeoverExecution, undoAgainExecution } from './channel.ts';
import { playbookOf } from './plan-target.ts';
import { countMetric, journalRun, page, type Runtime } from './runtime.ts';
import { ended } from './undo-settle.ts';

/** Whether an execution goes on with the incident, its own or one that takes it over now; false where it has ended. */
export async function goesOn(given: Runtime, work: OpenWork, incident: Incident): Promise<boolean> {
  const { own, env } = given;
  if (await undoGoesOn(given, work, incident)) return true;
  if (isUndo(incident.status)) return false;
  const status = await executionStatus(own, incident.execution);
  if (isAlive(status)) return true;
  if (status === 'FAILED' && isUndecided(incident) && !isLate(incident, given.now())) return true;
  // It has ended, and said how; what was stopped on the way there says nothing.
  if (!isRunning(incident.status) && ['SUCCEEDED', 'FAILED'].includes(status)) return false;
  const { id: incidentId, execution: replaces } = incident;
  const input: ChannelEnvelope = { channel: 'takeover', incidentId, replaces };
  await takeOver(given, work, incident, status, { stateMachineArn: env.RESPOND_STATE_MACHINE_ARN, input });
  return true;
}

/** The same for an undo of it, which has an execution of its own. */
async function undoGoesOn(given: Runtime, work: OpenWork, incident: Incident): Promise<boolean> {
  const { own, env } = given;
  const { undoRun } = incident;
  const isUndoing = incident.status === 'undoing';
  // An earlier release did not say which execution undoes.
  if (!undoRun) return isUndoing;
  if (!isUndoing && undoRun.ended) return false;
  const status = await executionStatus(own, executionArn(env.UNDO_STATE_MACHINE_ARN, undoRun.execution));
  if (isAlive(status)) return true;
  if (!isUndoing && ['SUCCEEDED', 'FAILED'].includes(status)) {
    if (!(await stopped(given, incident))) return true;
    // It failed before it could say so; its response has ended, and is not taken over for that.
    await given.incidents.change(incident.id, given.now(), (read) =>
      read.undoRun?.execution === undoRun.execution ? ended(read) : undefined,
    );
    return false;
  }
  await takeOver(given, work, incident, status, {
    stateMachineArn: env.UNDO_STATE_MACHINE_ARN,
    input: resuming(incident, undoRun),
  });
  return true;
}

/** Has another execution go on with the undo that this one had. */
const resuming = ({ id, undoRequestedBy = '' }: Incident, { execution }: UndoRun) => ({
  ...{ channel: 'undo', incidentId: id, requestedBy: undoRequestedBy, resumes: execution },
});

/**
 * Starts the undo that people asked for once more, ever less often, where it ended partly: what it left worse than before can
 * be reverted by it alone. It goes on by what people agreed to then, and reads for itself whether there is a reason to.
 */
export async function undoAgain(given: Runtime, incident: Incident): Promise<void> {
  const { own, env, now, incidents } = given;
  const { id, status, undoRun, undoOverwrites } = incident;
  if (status !== 'undo-partial' || !undoRun?.ended || undoOverwrites === undefined) return;
  const { times, at } = undoRun.again ?? { times: 0, at: undoOverwrites.at };
  if (now().getTime() < Date.parse(at) + undoWaitMs(times)) return;
  const started = await startExecution(own, {
    stateMachineArn: env.UNDO_STATE_MACHINE_ARN,
    name: undoAgainExecution(id, now()),
    input: JSON.stringify(resuming(incident, undoRun)),
  });
  if (started) await incidents.note(id, 'what its undo left worse than before: undo is tried again', now());
}

/** An undo that gave up leaves no hold under way: it is partial until it is asked for again. False: it is being changed. */
async function stopped(given: Runtime, { id, targets }: Incident): Promise<boolean> {
  try {
    for (const entry of targets) await stopUndo(journalRun(given, id, playbookOf(entry), entry, 'undo'));
    return true;
  } catch (error) {
    if (isOutOfTurn(error)) return false;
    throw error;
  }
}

interface Start {
  readonly stateMachineArn: string;
  readonly input: object;
}

/** Longer than the longest pause of what is started again because it failed without a decision (pipeline/redrive-owed.ts). */
const REDRIVEN_MS = 2 * 3_600_000;
const isLate = ({ updatedAt }: Incident, now: Date): boolean =>
  now.getTime() - Date.parse(updatedAt) > REDRIVEN_MS;

async function takeOver(
  given: Runtime,
  work: OpenWork,
  { id, status }: Incident,
  ended: string,
  { stateMachineArn, input }: Start,
): Promise<void> {
  const { own, table, incidents, now } = given;
  if (work.takeover !== undefined && isAlive(await executionStatus(own, work.takeover))) return;
  const name = takeoverExecution(id, now());
  const lost = `the workflow was lost while the incident was ${statusWords(status)} (${ended})`;
  try {
    // Another sweep may have looked in the same moment.
    if (!(await startExecution(own, { stateMachineArn, name, input: JSON.stringify(input) }))) return;
  } catch (error) {
    await page(given, `Firebreak ${id}: ${lost}, and none took it over`, describeError(error));
    throw error;
  }
  countMetric('WorkflowTakenOver');
  await keepTakeover(table, id, executionArn(stateMachineArn, name));
  await incidents.note(id, `${lost}: another one goes on with it`, now());
  // Once can happen to any; what is lost again and again needs a person.
  if (work.takeovers >= 2) await page(given, `Firebreak ${id}: its workflow is lost again and again`, lost);
}
