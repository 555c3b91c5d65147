/**
 * Events that did not start the workflow (dead-letter queue of the EventBridge target), most often because they are too
 * large for an execution: kept in the table and started by reference.
 */
import { z } from 'zod';
import { awsErrorName, describeError } from '../core/errors.ts';
import { EXECUTION_INPUT_BYTES, saveIntake } from '../core/table/intake.ts';
import { type ChannelEnvelope, redriveExecution, redriven } from '../pipeline/channel.ts';
import { lambda } from '../pipeline/lambda.ts';
import { logger, page, type Runtime } from '../pipeline/runtime.ts';

const input = z.object({ Records: z.array(z.object({ messageId: z.string(), body: z.string() })) });

export interface RedriveResult {
  /** SQS keeps these and delivers them again (ReportBatchItemFailures). */
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

export const handler = lambda(async (event, given): Promise<RedriveResult> => {
  const { Records } = input.parse(event);
  const batchItemFailures: { itemIdentifier: string }[] = [];
  for (const { messageId, body } of Records) {
    try {
      await start(given, messageId, body);
    } catch (error) {
      logger.error('an event could not be started again', { messageId, reason: describeError(error) });
      await page(
        given,
        'Firebreak: a GuardDuty event could not be started',
        `${describeError(error)}\nmessage: ${messageId}`,
      );
      batchItemFailures.push({ itemIdentifier: messageId });
    }
  }
  return { batchItemFailures };
});

async function start({ own, env, table, now }: Runtime, messageId: string, body: string): Promise<void> {
  const whole = redriven(JSON.parse(body));
  const text = JSON.stringify(whole);
  const large = Buffer.byteLength(text) > EXECUTION_INPUT_BYTES;
  const input: ChannelEnvelope = large
    ? { channel: 'intake', reference: await saveIntake(table, text, now()) }
    : whole;
  const { client, api } = await own.sfn();
  try {
    await client.send(
      new api.StartExecutionCommand({
        stateMachineArn: env.RESPOND_STATE_MACHINE_ARN,
        // The same message starts the same execution: a second delivery is harmless.
        name: redriveExecution(messageId),
        input: JSON.stringify(input),
      }),
    );
  } catch (error) {
    if (awsErrorName(error) !== 'ExecutionAlreadyExists') throw error;
  }
}
