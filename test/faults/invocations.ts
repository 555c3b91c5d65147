/**
 * Invocations that can die. Where one dies, the call that it waits for never answers, and no call of it is made any more:
 * nothing after it happens, not even what stands in a `finally`. Lambda tells the caller, as it does of a process that exited.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { AwsCall } from '../../core/aws/client.ts';
import { isRead } from '../../core/aws/fence.ts';
import type { Seams } from '../../sandbox/seams.ts';

/** One call of one invocation, as a fault sees it. */
export interface Point {
  /** Name of the function, as in serverless.yml. */
  readonly function: string;
  readonly call: AwsCall;
  /** `contain EC2:CreateSecurityGroup`. */
  readonly kind: string;
  /** Which call of its kind it is, since counting began: `contain EC2:CreateSecurityGroup #2`. */
  readonly name: string;
  /** Leaves something behind, in AWS or in the table. */
  readonly effect: boolean;
  /** Changes something in the account. */
  readonly change: boolean;
  /** Reads the account: the answer may be of a while ago. */
  readonly lags: boolean;
  /** The invocation dies here: its caller hears of it as from Lambda. */
  die(): Promise<never>;
}

/** What happens at a call instead of its answer. */
export type Fault = (point: Point, answer: () => Promise<object>) => Promise<object>;

export interface Invocations {
  readonly seams: Seams;
  /** Every call from now on goes through the fault; counting begins again. */
  inject(fault: Fault): void;
  /** Calls are answered again. */
  calm(): void;
  /** All that run now die with their callers: no error reaches anyone. */
  dieAll(): void;
  /** No function runs, and none has for a moment. */
  quiet(): boolean;
}

interface Invocation {
  readonly function: string;
  dead: boolean;
  end(error?: Error): void;
}

const never = (): Promise<never> => new Promise(() => undefined);
/** The pipeline's own: what they do is no change of an account. */
const OWN = new Set(['DynamoDB', 'SFN', 'SNS', 'Lambda', 'EventBridge', 'SSM']);
/** Longer than the pauses of a workflow, which take a millisecond here. */
const QUIET_MS = 15;

export class ProcessExited extends Error {
  override readonly name = 'Runtime.ExitError';
}

export function openInvocations(): Invocations {
  const storage = new AsyncLocalStorage<Invocation>();
  const running = new Set<Invocation>();
  const seen = new Map<string, number>();
  let fault: Fault | undefined;
  let active = performance.now();

  function pointOf(invocation: Invocation, call: AwsCall): Point {
    const kind = `${invocation.function} ${call.service}:${call.operation}`;
    const count = (seen.get(kind) ?? 0) + 1;
    seen.set(kind, count);
    const effect = !isRead(call.operation);
    const ofAccount = !OWN.has(call.service);
    return {
      ...{ function: invocation.function, call, kind, name: `${kind} #${count}`, effect },
      change: ofAccount && effect,
      lags: ofAccount && !effect && call.operation !== 'AssumeRole',
      die() {
        invocation.end(new ProcessExited('RequestId: 0 Error: Runtime exited with error: signal: killed'));
        return never();
      },
    };
  }

  const seams: Seams = {
    async invocation<R>(name: string, work: () => Promise<R>): Promise<R> {
      const { promise: died, resolve, reject } = Promise.withResolvers<R>();
      const invocation: Invocation = {
        ...{ function: name, dead: false },
        end(error) {
          invocation.dead = true;
          running.delete(invocation);
          // Without an error the caller is gone as well: what it is given reaches no one.
          if (error) reject(error);
          else resolve(undefined as R);
        },
      };
      running.add(invocation);
      try {
        return await Promise.race([storage.run(invocation, work), died]);
      } finally {
        running.delete(invocation);
        active = performance.now();
      }
    },
    async call(call, answer) {
      const invocation = storage.getStore();
      if (!invocation) return answer();
      if (invocation.dead) return never();
      active = performance.now();
      const answered = await settled(fault ? fault(pointOf(invocation, call), answer) : answer());
      // It died while this call was on its way: the answer reaches no one.
      if (invocation.dead) return never();
      if ('error' in answered) throw answered.error;
      return answered.output;
    },
  };
  return {
    seams,
    inject(next) {
      seen.clear();
      fault = next;
    },
    calm: () => {
      fault = undefined;
    },
    dieAll() {
      for (const invocation of [...running]) invocation.end();
    },
    quiet: () => running.size === 0 && performance.now() - active > QUIET_MS,
  };
}

async function settled(
  work: Promise<object>,
): Promise<{ readonly output: object } | { readonly error: unknown }> {
  try {
    return { output: await work };
  } catch (error) {
    return { error };
  }
}
