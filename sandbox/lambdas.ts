/** Runs the handlers of functions/ as Lambda would: by ARN, JSON in, JSON out, each as the function it is. */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { actingAs } from '../core/aws/acting.ts';
import type { Stack } from './asl.ts';
import { awsError } from './aws-error.ts';
import { type Capacity, openSlots } from './capacity.ts';

export type LambdaHandler = (event: unknown, context: LambdaContext) => Promise<unknown>;

/** The part of the Lambda context that the handlers and their middlewares read. */
interface LambdaContext {
  readonly functionName: string;
  readonly functionVersion: string;
  readonly invokedFunctionArn: string;
  readonly memoryLimitInMB: string;
  readonly awsRequestId: string;
  readonly logGroupName: string;
  readonly logStreamName: string;
  readonly callbackWaitsForEmptyEventLoop: boolean;
  getRemainingTimeInMillis(): number;
}

export interface Lambdas {
  invoke(functionArn: string, event: unknown): Promise<unknown>;
  /** Settles when no function is running; one can outlive the execution that called it. */
  idle(): Promise<void>;
}

export interface LambdasOptions {
  readonly onInvoke?: ((functionName: string) => void) | undefined;
  /** Without it everything may run at once. */
  readonly capacity?: Capacity | undefined;
}

export function openLambdas(
  { scope, service, stage }: Stack,
  functions: Readonly<Record<string, LambdaHandler>>,
  { onInvoke, capacity }: LambdasOptions = {},
): Lambdas {
  const prefix = `${service}-${stage}-`;
  const slots = capacity && openSlots(capacity);
  const working = new Set<Promise<unknown>>();
  return {
    async invoke(functionArn, event) {
      const name = functionArn.slice(functionArn.lastIndexOf(prefix)).slice(prefix.length);
      const handler = functions[name];
      if (!handler) throw awsError('Lambda.ResourceNotFoundException', `Function not found: ${functionArn}`);
      const leave = slots?.take(name);
      onInvoke?.(name);
      const work = actingAs({ function: { ...scope, name, stage } }, () =>
        handler(JSON.parse(JSON.stringify(event)), contextOf(name, functionArn)),
      ).finally(() => working.delete(work));
      working.add(work);
      const shortest = capacity ? sleep(capacity.seconds(name) * capacity.secondMs) : undefined;
      const [result] = await Promise.all([work, shortest]).finally(leave);
      return result === undefined ? null : JSON.parse(JSON.stringify(result));
    },
    async idle() {
      while (working.size > 0) await Promise.allSettled(working);
    },
  };
}

const contextOf = (name: string, functionArn: string): LambdaContext => ({
  functionName: name,
  functionVersion: '$LATEST',
  invokedFunctionArn: functionArn,
  memoryLimitInMB: '512',
  awsRequestId: randomUUID(),
  logGroupName: `/aws/lambda/${name}`,
  logStreamName: 'sandbox',
  callbackWaitsForEmptyEventLoop: true,
  getRemainingTimeInMillis: () => 300_000,
});
