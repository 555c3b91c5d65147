import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import { actingAs } from '../core/aws/acting.ts';
import { finishing } from '../core/beside.ts';
import { logger, metrics, type Runtime, runtime } from './runtime.ts';

/** A Lambda handler: the log lines of an invocation carry its request id, and its metrics are written when it ends. */
export const lambda = <R>(
  work: (event: unknown, runtime: Runtime) => Promise<R>,
): middy.MiddyfiedHandler<unknown, R> =>
  middy<unknown, R>()
    .use(injectLambdaContext(logger))
    .use(logMetrics(metrics))
    .handler(async (event: unknown, context) => {
      const given = await runtime();
      const left = () => context.getRemainingTimeInMillis();
      return actingAs({ left }, () => finishing(() => work(event, given)));
    });

// While Lambda starts the function, not within its first event. What fails here fails that event, which tries again.
if (process.env['AWS_LAMBDA_FUNCTION_NAME'] !== undefined) await runtime().catch(() => undefined);
