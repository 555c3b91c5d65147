/** Runs the handlers of functions/ as Lambda would: by ARN, JSON in, JSON out, each as the function it is. */
import { randomUUID } from 'node:crypto';
import { actingAs } from '../core/aws/acting.ts';
import type { Stack } from './asl.ts';
import { awsError } from './aws-error.ts';

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

export function openLambdas(
  { scope, service, stage }: Stack,
  functions: Readonly<Record<string, LambdaHandler>>,
  onInvoke?: (functionName: string) => void,
): Lambdas {
  const prefix = `${service}-${stage}-`;
  const working = new Set<Promise<unknown>>();
  return {
    async invoke(functionArn, event) {
      const name = functionArn.slice(functionArn.lastIndexOf(prefix)).slice(prefix.length);
      const handler = functions[name];
      if (!handler) throw awsError('Lambda.ResourceNotFoundException', `Function not found: ${functionArn}`);
      onInvoke?.(name);
      const work = actingAs({ function: { ...scope, name, stage } }, () =>
        handler(JSON.parse(JSON.stringify(event)), contextOf(name, functionArn)),
      );
      working.add(work);
      const result = await work.finally(() => working.delete(work));
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
