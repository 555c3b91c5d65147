/** Executions of Step Functions: their names, their start, what they were started with, and whether one still runs. */
import { awsErrorName } from '../errors.ts';
import type { Aws } from './client.ts';

/** Returns the ARN of an execution of a state machine, given as the machine's ARN or that of an alias, which it does not name [M]. */
export function executionArn(stateMachineArn: string, name: string): string {
  const [arn, partition, service, region, account, , machine] = stateMachineArn.split(':');
  return [arn, partition, service, region, account, 'execution', machine, name].join(':');
}

/** Returns the name of an execution, given as its ARN or as the name itself. */
export const executionName = (execution: string): string => execution.split(':').at(-1) ?? '';

/** Starts an execution. False where there is one of that name already: Step Functions takes a name once in 90 days. */
export async function startExecution(
  { sfn }: Pick<Aws, 'sfn'>,
  start: { readonly stateMachineArn: string; readonly name: string; readonly input: string },
): Promise<boolean> {
  const { client, api } = await sfn();
  try {
    await client.send(new api.StartExecutionCommand(start));
    return true;
  } catch (error) {
    if (awsErrorName(error) !== 'ExecutionAlreadyExists') throw error;
    return false;
  }
}

/** Returns what an execution was started with, parsed. Throws ExecutionDoesNotExist where Step Functions knows none of that ARN. */
export async function executionInput({ sfn }: Pick<Aws, 'sfn'>, executionArn: string): Promise<unknown> {
  const { client, api } = await sfn();
  const { input = '{}' } = await client.send(new api.DescribeExecutionCommand({ executionArn }));
  return JSON.parse(input);
}

/** Step Functions' word for where an execution is; `GONE`: it knows none of that ARN, or forgot it (90 days). */
export async function executionStatus({ sfn }: Pick<Aws, 'sfn'>, executionArn: string): Promise<string> {
  const { client, api } = await sfn();
  try {
    const { status } = await client.send(new api.DescribeExecutionCommand({ executionArn }));
    return status ?? 'GONE';
  } catch (error) {
    if (['ExecutionDoesNotExist', 'InvalidArn'].includes(awsErrorName(error) ?? '')) return 'GONE';
    throw error;
  }
}

/** Whether the execution goes on, or will once it is redriven. */
export const isAlive = (status: string): boolean => status === 'RUNNING' || status === 'PENDING_REDRIVE';
