/** Executions of Step Functions: their names, and whether one still runs. */
import { awsErrorName } from '../errors.ts';
import type { Aws } from './client.ts';

/** Returns the ARN of an execution of a state machine, given as the machine's ARN or that of an alias, which it does not name [M]. */
export function executionArn(stateMachineArn: string, name: string): string {
  const [arn, partition, service, region, account, , machine] = stateMachineArn.split(':');
  return [arn, partition, service, region, account, 'execution', machine, name].join(':');
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
