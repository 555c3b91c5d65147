/** Task tokens of Step Functions: a task waits until SendTaskSuccess, SendTaskFailure, its time-out or StopExecution. */
import { randomBytes } from 'node:crypto';
import { awsError } from './aws-error.ts';

export interface TaskTokens {
  /**
   * Waits for the answer to a new token. `call` hands the token to the function: the function's own failure fails the
   * task, its result does not end it.
   */
  wait(
    execution: string,
    timeoutSeconds: number | undefined,
    call: (token: string) => Promise<unknown>,
  ): Promise<unknown>;
  /** Answers SendTaskSuccess and SendTaskFailure. */
  answer(operation: 'SendTaskSuccess' | 'SendTaskFailure', given: Readonly<Record<string, string>>): object;
  /** Stops the execution of every task that waits. The task does not end: a failed one would be tried again. */
  stop(abort: (execution: string) => void): void;
  /** Whether a task of the execution waits for an answer, its function having done its part. */
  waits(execution: string): boolean;
  /** The calls that took effect. */
  readonly delivered: readonly string[];
}

interface Waiter {
  /** Its function has been called and has returned. */
  asked: boolean;
  readonly execution: string;
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: Error) => void;
  /** Nothing ends the wait any more, its time neither. */
  readonly forget: () => void;
}

export function openTaskTokens(): TaskTokens {
  const waiting = new Map<string, Waiter>();
  const closed = new Set<string>();
  const delivered: string[] = [];
  const close = (token: string) => {
    waiting.delete(token);
    closed.add(token);
  };
  return {
    delivered,
    async wait(execution, timeoutSeconds, call) {
      const token = randomBytes(64).toString('base64');
      const timeout = timeoutSeconds === undefined ? undefined : endAfter(timeoutSeconds);
      const { promise: answered, resolve, reject } = Promise.withResolvers<unknown>();
      const waiter: Waiter = { execution, resolve, reject, forget: () => timeout?.clear(), asked: false };
      waiting.set(token, waiter);
      try {
        const failed = new Promise<never>((_, fail) => {
          call(token).then(() => {
            waiter.asked = true;
          }, fail);
        });
        return await Promise.race([answered, failed, ...(timeout ? [timeout.ended] : [])]);
      } finally {
        timeout?.clear();
        close(token);
      }
    },
    answer(operation, given) {
      const token = given['taskToken'] ?? '';
      const waiter = waiting.get(token);
      if (!waiter) {
        // AWS says TaskTimedOut for "expired or already closed", InvalidToken for what it never issued.
        throw closed.has(token)
          ? awsError('TaskTimedOut', 'Task Timed Out: The task token has expired or the task is closed')
          : awsError('InvalidToken', 'Invalid Token');
      }
      close(token);
      delivered.push(operation);
      if (operation === 'SendTaskSuccess') waiter.resolve(JSON.parse(given['output'] ?? 'null'));
      else waiter.reject(awsError(given['error'] ?? 'TaskFailed', given['cause'] ?? ''));
      return {};
    },
    waits: (execution) => [...waiting.values()].some((one) => one.execution === execution && one.asked),
    stop(abort) {
      for (const [token, { execution, forget }] of waiting) {
        abort(execution);
        forget();
        close(token);
      }
    },
  };
}

function endAfter(seconds: number): { readonly ended: Promise<never>; clear(): void } {
  let timer: NodeJS.Timeout | undefined;
  const ended = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      const error = new Error('the approval ended');
      error.name = 'States.Timeout';
      reject(error);
    }, seconds * 1000);
  });
  return { ended, clear: () => clearTimeout(timer) };
}
