/**
 * The AWS calls made while some work goes on, wherever in the code they are made: by the async context, because tasks of
 * several incidents run in one process in the sandbox. Holds no input and no answer: both can carry secrets.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { z } from 'zod';
import type { Scope } from './arn.ts';

/** What became of a call. Holds no input: inputs can carry task tokens. */
export interface AwsCallRecord extends Scope {
  readonly service: string;
  readonly operation: string;
  readonly at: string;
  readonly ms: number;
  readonly requestId?: string | undefined;
  readonly attempts?: number | undefined;
  readonly error?: string | undefined;
}

/** One AWS call of an incident, and which task of the workflow made it. */
export interface IncidentCall extends AwsCallRecord {
  readonly task: string;
}

export const callsSchema: z.ZodType<readonly IncidentCall[]> = z.array(
  z.object({
    partition: z.string(),
    account: z.string(),
    region: z.string(),
    service: z.string(),
    operation: z.string(),
    at: z.string(),
    ms: z.number(),
    requestId: z.string().optional(),
    attempts: z.number().optional(),
    error: z.string().optional(),
    task: z.string(),
  }),
);

const current = new AsyncLocalStorage<AwsCallRecord[]>();

/** Runs the work; `calls` fills up meanwhile, also when it throws. */
export const collectCalls = <T>(calls: AwsCallRecord[], work: () => Promise<T>): Promise<T> =>
  current.run(calls, work);

/** Called by core/aws/client.ts for every finished call. */
export const noteCall = (record: AwsCallRecord): void => {
  current.getStore()?.push(record);
};
