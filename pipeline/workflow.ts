import type middy from '@middy/core';
import { z } from 'zod';
import { actingAs } from '../core/aws/acting.ts';
import { type AwsCallRecord, collectCalls } from '../core/aws/call-log.ts';
import { beside } from '../core/beside.ts';
import { describeError, FirebreakError } from '../core/errors.ts';
import { lambda } from './lambda.ts';
import { countMetric, logger, type Runtime } from './runtime.ts';

export interface Task {
  /** Keeps the AWS calls made so far with the incident, next to what follows; those made later are kept at the end. */
  keepCalls(incidentId: string): Promise<void>;
}

/**
 * A task of the workflow by its name: parses its input with `schema`, then works. Errors keep their name, which is what ASL's Retry
 * and Catch match on.
 */
export function workflowTask<T, R>(
  name: string,
  schema: z.ZodType<T>,
  work: (input: T, runtime: Runtime, task: Task) => Promise<R>,
): middy.MiddyfiedHandler<unknown, R> {
  return lambda(async (event, given) => {
    const parsed = schema.safeParse(event);
    if (!parsed.success) {
      throw new FirebreakError('InputInvalid', z.prettifyError(parsed.error), {
        next: 'The state machine and the functions are of different versions: deploy again.',
      });
    }
    const calls: AwsCallRecord[] = [];
    let incidentId = incidentIdOf(parsed.data);
    const keep = (id: string | undefined) => keepCalls(given, id, name, calls.splice(0));
    try {
      const early = { keepCalls: (id: string) => beside(() => keep(id)) };
      const result = await collectCalls(calls, () =>
        actingAs({ task: name }, () => work(parsed.data, given, early)),
      );
      incidentId ??= incidentIdOf(result);
      return result;
    } finally {
      await keep(incidentId);
    }
  });
}

/** Which incident a task works on: its input says so, or what it gives. */
function incidentIdOf(value: unknown): string | undefined {
  const parsed = incidentInput.safeParse(value);
  return parsed.success ? parsed.data.incidentId : undefined;
}

/** The calls are for the person who reads up on the incident: that they cannot be kept must not fail its containment. */
async function keepCalls(
  { incidents }: Runtime,
  incidentId: string | undefined,
  task: string,
  calls: readonly AwsCallRecord[],
): Promise<void> {
  if (incidentId === undefined || calls.length === 0) return;
  try {
    await incidents.saveCalls(
      incidentId,
      calls.map((call) => ({ ...call, task })),
    );
  } catch (error) {
    countMetric('CallLogFailed');
    logger.warn('the AWS calls of a task were not kept', { incidentId, reason: describeError(error) });
  }
}

export const incidentInput = z.object({ incidentId: z.string().min(1) });
/** One item of the Map over an incident's targets; `error` when the attempt before failed for good. */
export const targetInput = incidentInput.extend({
  index: z.number().int().nonnegative(),
  error: z.object({ Error: z.string(), Cause: z.unknown().optional() }).optional(),
  /** Enrich of this execution gave the incident a plan of its own; definitions of earlier releases do not say it. */
  planned: z.literal(true).optional(),
  /** The definition waits for a busy resource and calls again (pipeline/turn.ts); those of earlier releases try again on an error. */
  inTurn: z.literal(true).optional(),
  turns: z.int().nonnegative().optional(),
});
