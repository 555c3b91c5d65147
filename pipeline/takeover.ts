/**
 * The sweep watches executions. One that is gone (failed, timed out, stopped, unknown to Step Functions) moves its incident no
 * more: another one takes the incident over and goes on where it is.
 */
import { executionArn, executionStatus, isAlive } from '../core/aws/executions.ts';
import { awsErrorName, describeError } from '../core/errors.ts';
import type { Incident } from '../core/incident/incident.ts';
import { isMoving, keepTakeover, type OpenWork } from '../core/incident/open-work.ts';
import { isUndo, statusWords } from '../core/incident/status.ts';
import { type ChannelEnvelope, takeoverExecution } from './channel.ts';
import { countMetric, page, type Runtime } from './runtime.ts';

/** Whether an execution goes on with the incident, its own or one that takes it over now; false where it has ended. */
export async function goesOn(given: Runtime, work: OpenWork, incident: Incident): Promise<boolean> {
  const { own } = given;
  // An undo has an execution of its own.
  if (isUndo(incident.status)) return isMoving(incident);
  const status = await executionStatus(own, incident.execution);
  if (isAlive(status)) return true;
  // It has ended, and said how; what was stopped on the way there says nothing.
  if (!isMoving(incident) && ['SUCCEEDED', 'FAILED'].includes(status)) return false;
  if (work.takeover !== undefined && isAlive(await executionStatus(own, work.takeover))) return true;
  await takeOver(given, work, incident, status);
  return true;
}

async function takeOver(
  given: Runtime,
  work: OpenWork,
  { id, execution, status }: Incident,
  ended: string,
): Promise<void> {
  const { own, env, table, incidents, now } = given;
  const name = takeoverExecution(id, now());
  const lost = `the workflow was lost while the incident was ${statusWords(status)} (${ended})`;
  try {
    const { client, api } = await own.sfn();
    const input: ChannelEnvelope = { channel: 'takeover', incidentId: id, replaces: execution };
    await client.send(
      new api.StartExecutionCommand({
        stateMachineArn: env.RESPOND_STATE_MACHINE_ARN,
        name,
        input: JSON.stringify(input),
      }),
    );
  } catch (error) {
    // Another sweep looked in the same moment.
    if (awsErrorName(error) === 'ExecutionAlreadyExists') return;
    await page(given, `Firebreak ${id}: ${lost}, and none took it over`, describeError(error));
    throw error;
  }
  countMetric('WorkflowTakenOver');
  await keepTakeover(table, id, executionArn(env.RESPOND_STATE_MACHINE_ARN, name));
  await incidents.note(id, `${lost}: another one goes on with it`, now());
  // Once can happen to any; what is lost again and again needs a person.
  if (work.takeovers >= 2)
    await page(given, `Firebreak ${id}: its workflow is lost again and again`, `${lost}\n${execution}`);
}
