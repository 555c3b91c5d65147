/** Starts again what ended without a decision: an outage of minutes delays the response to a finding, and never ends it. */
import { inBatches } from '../core/aws/batches.ts';
import { executionArn, executionStatus, isAlive, startExecution } from '../core/aws/executions.ts';
import { isUndecided } from '../core/incident/incident.ts';
import {
  dueIntakes,
  type OwedIntake,
  owedExecution,
  settleIntake,
  triedIntake,
} from '../core/table/intake.ts';
import { countMetric, page, type Runtime } from './runtime.ts';

/** A minute's share. */
const MOST = 50;
/** Pages at this try, some eight minutes after the first failure, and once for every so many, about a day. */
const PAGES_AT = 3;
const PAGES_EVERY = 24;

/** Returns the ids of the incidents for which an execution was started. */
export async function redriveOwed(runtime: Runtime): Promise<readonly string[]> {
  const due = await dueIntakes(runtime.table, runtime.now(), MOST);
  const failures: unknown[] = [];
  const redriven = await inBatches(due, 5, async (owed) => {
    try {
      return (await redrive(runtime, owed)) ? [owed.incidentId] : [];
    } catch (error) {
      // One that fails must not keep the others waiting; it fails the sweep afterwards.
      failures.push(error);
      await triedIntake(runtime.table, owed, owed.execution, runtime.now());
      return [];
    }
  });
  countMetric('IntakeRedriven', redriven.flat().length);
  if (failures.length > 0) throw failures[0];
  return redriven.flat();
}

async function redrive(runtime: Runtime, owed: OwedIntake): Promise<boolean> {
  const { own, env, table, now } = runtime;
  const status = owed.execution === undefined ? 'GONE' : await executionStatus(own, owed.execution);
  if (status === 'SUCCEEDED' || (await isSettled(runtime, owed))) {
    await settleIntake(table, owed);
    return false;
  }
  if (owed.execution !== undefined && isAlive(status)) {
    await triedIntake(table, owed, owed.execution, now());
    return false;
  }
  const name = owedExecution(owed);
  await startExecution(own, { stateMachineArn: env.RESPOND_STATE_MACHINE_ARN, name, input: owed.input });
  await triedIntake(table, owed, executionArn(env.RESPOND_STATE_MACHINE_ARN, name), now());
  if (owed.tries % PAGES_EVERY === PAGES_AT)
    await page(
      runtime,
      `Firebreak ${owed.incidentId}: still not decided`,
      `GuardDuty finding ${owed.findingId} was started ${owed.tries} times again, and no execution came to a decision. Firebreak goes on trying, once an hour at least. See why the last one failed: ${owed.execution}`,
    );
  return true;
}

/** Decided, or a newer event took its place, which is owed itself where it fails. */
async function isSettled({ incidents }: Runtime, owed: OwedIntake): Promise<boolean> {
  const incident = await incidents.find(owed.incidentId);
  if (!incident) return false;
  return (
    incident.findingUpdatedAt > owed.findingUpdatedAt ||
    (incident.findingUpdatedAt === owed.findingUpdatedAt && !isUndecided(incident))
  );
}
