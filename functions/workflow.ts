import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware';
import { logMetrics } from '@aws-lambda-powertools/metrics/middleware';
import middy from '@middy/core';
import { z } from 'zod';
import { FirebreakError } from '../core/errors.ts';
import { logger, metrics, type Runtime, runtime } from './runtime.ts';

/**
 * A task of the workflow: parses its input with `schema`, then works. Errors keep their name, which is what ASL's Retry
 * and Catch match on.
 */
export function workflowTask<T, R>(
  schema: z.ZodType<T>,
  work: (input: T, runtime: Runtime) => Promise<R>,
): middy.MiddyfiedHandler<unknown, R> {
  return middy<unknown, R>()
    .use(injectLambdaContext(logger))
    .use(logMetrics(metrics))
    .handler(async (event: unknown) => {
      const parsed = schema.safeParse(event);
      if (!parsed.success) {
        throw new FirebreakError('InputInvalid', z.prettifyError(parsed.error), {
          next: 'The state machine and the functions are of different versions: deploy again.',
        });
      }
      return work(parsed.data, await runtime());
    });
}

export const incidentInput = z.object({ incidentId: z.string().min(1) });
/** One item of the Map over an incident's targets; `error` when the attempt before failed for good. */
export const targetInput = incidentInput.extend({
  index: z.number().int().nonnegative(),
  error: z.object({ Error: z.string(), Cause: z.unknown().optional() }).optional(),
});
