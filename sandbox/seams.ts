/** Where a test stands between the functions and the rest: around every invocation, and around every call one makes. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import type { Scope } from '../core/aws/arn.ts';
import type { AwsCall } from '../core/aws/client.ts';
import type { LambdaHandler } from './lambdas.ts';

export interface Seams {
  /** Around one invocation of a function, as Lambda makes it: `work` runs it. */
  invocation<R>(name: string, work: () => Promise<R>): Promise<R>;
  /** Around one try of a call to AWS or to the table, within the SDK's own retries: `answer` makes it. */
  call(call: AwsCall, answer: () => Promise<object>): Promise<object>;
}

/** Nothing stands there. */
export const OPEN: Seams = { invocation: (_name, work) => work(), call: (_call, answer) => answer() };

/** The functions, each with the seam around its invocations. */
export const seamed = (
  { invocation }: Seams,
  functions: Readonly<Record<string, LambdaHandler>>,
): Readonly<Record<string, LambdaHandler>> =>
  Object.fromEntries(
    Object.entries(functions).map(([name, handler]) => [
      name,
      (event, context) => invocation(name, () => handler(event, context)),
    ]),
  );

type Next = (args: { input: unknown }) => Promise<{ readonly output: object; readonly response: unknown }>;

/** Puts the seam around every try of every request of the table's client. */
export function seamTable({ call }: Seams, client: DynamoDBClient, scope: Scope): void {
  client.middlewareStack.addRelativeTo(
    ((next: Next, context: { readonly commandName?: string }) => async (args: { input: unknown }) => {
      let response: unknown;
      const operation = (context.commandName ?? '').replace(/Command$/, '');
      const output = await call({ ...scope, service: 'DynamoDB', operation, input: args.input }, async () => {
        const answered = await next(args);
        response = answered.response;
        return answered.output;
      });
      return { output, response };
    }) as never,
    { relation: 'after', toMiddleware: 'retryMiddleware', name: 'firebreakSeam', override: true },
  );
}
