/** Functions that no execution waits for: called directly, or answered at once and done after, as `InvocationType: Event`. */
import { randomUUID } from 'node:crypto';
import { actingAs } from '../core/aws/acting.ts';
import type { Scope } from '../core/aws/arn.ts';
import type { Seams } from './seams.ts';

export interface Background {
  invoke<R>(name: string, handler: unknown, event: unknown): Promise<R>;
  /** Starts the function once the caller has its answer; `invoked`: by which name, where it has an alias. */
  later(name: string, handler: unknown, event: unknown, invoked?: string): void;
  /** Does the work once the caller has its answer. */
  after(work: () => Promise<unknown>): void;
  /** Settles when everything that was started later has ended. */
  idle(): Promise<void>;
}

export function openBackground(scope: Scope, stage: string, { invocation }: Seams): Background {
  const working = new Set<Promise<unknown>>();
  function invoke<R>(name: string, handler: unknown, event: unknown, invoked = name): Promise<R> {
    const context = contextOf(invoked);
    return actingAs({ function: { ...scope, name, stage } }, () =>
      invocation(name, () => (handler as (event: unknown, context: unknown) => Promise<R>)(event, context)),
    );
  }
  function after(todo: () => Promise<unknown>): void {
    const work = new Promise((resolve) => setImmediate(resolve))
      .then(todo)
      .finally(() => working.delete(work));
    working.add(work);
    work.catch(() => undefined); // the handler logs what it could not do; Lambda would try again
  }
  return {
    invoke,
    later: (name, handler, event, invoked) => after(() => invoke(name, handler, event, invoked)),
    after,
    async idle() {
      while (working.size > 0) await Promise.allSettled(working);
    },
  };
}

const contextOf = (invoked: string) => ({
  functionName: 'sandbox',
  functionVersion: '$LATEST',
  invokedFunctionArn: invoked,
  memoryLimitInMB: '512',
  awsRequestId: randomUUID(),
  logGroupName: 'sandbox',
  logStreamName: 'sandbox',
  callbackWaitsForEmptyEventLoop: true,
  getRemainingTimeInMillis: () => 300_000,
});
