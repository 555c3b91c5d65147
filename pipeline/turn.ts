/** Waiting for a resource that another incident is changing: no error, since errors of a function ring an alarm. */
import type { z } from 'zod';
import { isOutOfTurn } from '../core/errors.ts';
import type { targetInput } from './workflow.ts';

/** The function itself waits twenty seconds, the workflow fifteen: about twelve minutes. */
export const MOST_TURNS = 20;

type Turn = z.output<typeof targetInput>;

/**
 * Does the work of one target. Where the resource is busy or another invocation took over, returns what the workflow calls the function with when its turn
 * has come; throws `ResourceBusy` after the last turn, and where the definition is one of an earlier release.
 */
export async function inTurn<T extends Turn, R>(
  input: T,
  work: () => Promise<R>,
): Promise<R | (T & { readonly busy: true; readonly turns: number })> {
  try {
    return await work();
  } catch (error) {
    const { inTurn: waits, turns = 0 } = input;
    if (!isOutOfTurn(error) || waits !== true || turns >= MOST_TURNS) throw error;
    return { ...input, busy: true, turns: turns + 1 };
  }
}
