/**
 * Events that did not start the workflow (dead-letter queue of the EventBridge target), most often because they are too
 * large for an execution: kept in the table and started by reference. And executions that ended without success: where their
 * event is not decided, it is owed, and the sweep starts it again.
 */
import { z } from 'zod';
import { executionArn, executionInput, executionName, startExecution } from '../core/aws/executions.ts';
import { describeError, isFirebreakError } from '../core/errors.ts';
import { isUndoOpen } from '../core/incident/incident.ts';
import { statusWords } from '../core/incident/status.ts';
import { EVENT_BYTES, oweIntake, saveIntake } from '../core/table/intake.ts';
import { type ChannelEnvelope, redriveExecution, redriven } from '../pipeline/channel.ts';
import { eventOfExecution, type StartedEvent } from '../pipeline/event-of-execution.ts';
import { lambda } from '../pipeline/lambda.ts';
import { logger, page, type Runtime } from '../pipeline/runtime.ts';

const input = z.object({
  Records: z.array(
    z.object({
      messageId: z.string(),
      body: z.string(),
      attributes: z.looseObject({ ApproximateReceiveCount: z.coerce.number().default(1) }).optional(),
    }),
  ),
});
/** As the rule of ended executions hands one on. */
const ended = z.strictObject({ channel: z.literal('ended'), execution: z.string() });

/** The queue delivers a message again every six minutes: one page an hour. */
const PAGES_EVERY = 10;

export interface RedriveResult {
  /** SQS keeps these and delivers them again (ReportBatchItemFailures). */
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

export const handler = lambda(async (event, given): Promise<RedriveResult> => {
  const { Records } = input.parse(event);
  const batchItemFailures: { itemIdentifier: string }[] = [];
  for (const { messageId, body, attributes } of Records) {
    try {
      await take(given, messageId, body);
    } catch (error) {
      logger.error('an event could not be started again', { messageId, reason: describeError(error) });
      if (((attributes?.ApproximateReceiveCount ?? 1) - 1) % PAGES_EVERY === 0)
        await page(
          given,
          'Firebreak: a GuardDuty event could not be started',
          `${describeError(error)}\nmessage: ${messageId}\nIt is tried again every six minutes.`,
        );
      batchItemFailures.push({ itemIdentifier: messageId });
    }
  }
  return { batchItemFailures };
});

async function take(given: Runtime, messageId: string, body: string): Promise<void> {
  const message: unknown = JSON.parse(body);
  const { data } = ended.safeParse(message);
  return data ? owe(given, data.execution) : start(given, messageId, message);
}

/** What an execution of the undo workflow is started with, as far as it says what it is about. */
const undoInput = z.looseObject({ incidentId: z.string() });

/**
 * An undo that ended before it was the incident's: the sweep knows nothing of it, and who asked for it waits. One that had begun
 * is gone on with (pipeline/takeover.ts).
 */
async function tellLostUndo(given: Runtime, execution: string, name: string): Promise<void> {
  const { own, incidents } = given;
  const { data } = undoInput.safeParse(await executionInput(own, execution));
  const incident = data && (await incidents.find(data.incidentId));
  if (!incident || incident.undoRun?.execution === name || isUndoOpen(incident)) return;
  await page(
    given,
    `Firebreak ${incident.id}: an undo ended before it began`,
    `Nothing was undone, the incident is ${statusWords(incident.status)}. Ask for the undo again.\nexecution: ${execution}`,
  );
}

/** Has the sweep start the event of an execution again that ended without success, where one is to be decided. */
async function owe(given: Runtime, execution: string): Promise<void> {
  const { table, now, env } = given;
  const name = executionName(execution);
  if (execution === executionArn(env.UNDO_STATE_MACHINE_ARN, name))
    return tellLostUndo(given, execution, name);
  const event = await eventOf(given, execution);
  if (!event) return;
  const { envelope, detail, finding, incidentId } = event;
  const again: ChannelEnvelope = detail
    ? {
        channel: 'intake',
        reference: await saveIntake(
          table,
          JSON.stringify({ channel: 'redrive', detail } satisfies ChannelEnvelope),
          now(),
        ),
      }
    : envelope;
  await oweIntake(
    table,
    {
      ...{ input: JSON.stringify(again), incidentId },
      ...{ findingId: finding.id, findingUpdatedAt: finding.updatedAt },
    },
    now(),
  );
}

/** What is not a finding will not be one the next time: Failed has paged it. */
async function eventOf(given: Runtime, execution: string): Promise<StartedEvent | undefined> {
  try {
    return await eventOfExecution(given, execution);
  } catch (error) {
    if (!isFirebreakError(error, 'FindingInvalid')) throw error;
    logger.warn('an execution ended that was not about a finding', {
      execution,
      reason: describeError(error),
    });
    return undefined;
  }
}

async function start({ own, env, table, now }: Runtime, messageId: string, message: unknown): Promise<void> {
  const whole = redriven(message);
  const text = JSON.stringify(whole);
  const large = Buffer.byteLength(text) > EVENT_BYTES;
  const input: ChannelEnvelope = large
    ? { channel: 'intake', reference: await saveIntake(table, text, now()) }
    : whole;
  await startExecution(own, {
    stateMachineArn: env.RESPOND_STATE_MACHINE_ARN,
    // The same message starts the same execution: a second delivery is harmless.
    name: redriveExecution(messageId),
    input: JSON.stringify(input),
  });
}
