/** Hands jobs to the worker Lambda, which goes on after Slack has its answer. */
import { awsErrorName } from '../../core/errors.ts';
import { countMetric, logger, type Runtime } from '../../pipeline/runtime.ts';
import type { Job } from './jobs.ts';

/** Slack waits three seconds for the whole answer. */
const WITHIN_MS = 1000;

/**
 * Asynchronous invocation: Lambda keeps the event and tries again when the worker fails. What was decided stands when
 * the worker cannot be reached; the workflow and the sweep show it later.
 */
export async function handOver(runtime: Runtime, jobs: readonly Job[]): Promise<void> {
  if (jobs.length === 0) return;
  try {
    const { client, api } = await runtime.own.lambda();
    await client.send(
      new api.InvokeCommand({
        FunctionName: runtime.env.SLACK_WORK_FUNCTION,
        InvocationType: 'Event',
        Payload: Buffer.from(JSON.stringify({ jobs })),
      }),
      { abortSignal: AbortSignal.timeout(WITHIN_MS) },
    );
  } catch (error) {
    countMetric('SlackWorkLost');
    logger.error('the Slack worker could not be reached', {
      kinds: jobs.map(({ kind }) => kind),
      reason: awsErrorName(error),
    });
  }
}
