/** What Step Functions tells of an execution, in its API's own shapes: ListExecutions, DescribeExecution, GetExecutionHistory. */
import { awsError } from './aws-error.ts';

/** One thing that happened in an execution, as the interpreter and the tasks reported it. */
export interface HistoryEvent {
  readonly at: string;
  readonly execution: string;
  readonly type: string;
  readonly state?: string;
  /** ASL's word: `Task`, `Map`, ... */
  readonly stateType?: string;
  readonly error?: string;
  readonly cause?: string;
}

export interface ExecutionSummary {
  readonly arn: string;
  readonly name: string;
  readonly machineArn: string;
  readonly startedAt: string;
  readonly input: string;
  status: 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'ABORTED';
  stoppedAt?: string;
  error?: string;
  cause?: string;
}

const listed = (execution: ExecutionSummary) => ({
  executionArn: execution.arn,
  stateMachineArn: execution.machineArn,
  name: execution.name,
  status: execution.status,
  startDate: new Date(execution.startedAt),
  ...(execution.stoppedAt ? { stopDate: new Date(execution.stoppedAt) } : {}),
});
/** A list has neither input nor error. */
const describe = (execution: ExecutionSummary) => ({
  ...listed(execution),
  input: execution.input,
  ...(execution.error ? { error: execution.error } : {}),
  ...(execution.cause ? { cause: execution.cause } : {}),
});

/** Answers the three reads; `undefined` for any other operation. */
export function answerRead(
  operation: string,
  given: Readonly<Record<string, unknown>>,
  executions: readonly ExecutionSummary[],
  history: readonly HistoryEvent[],
): object | undefined {
  switch (operation) {
    case 'ListExecutions': {
      const newest = executions
        .filter(
          ({ machineArn, status }) =>
            machineArn === String(given['stateMachineArn']).replace(/:live$/, '') &&
            (given['statusFilter'] === undefined || status === given['statusFilter']),
        )
        .reverse();
      const from = Number(given['nextToken'] ?? 0);
      const to = from + Number(given['maxResults'] ?? 100);
      return {
        executions: newest.slice(from, to).map(listed),
        ...(to < newest.length ? { nextToken: String(to) } : {}),
      };
    }
    case 'DescribeExecution':
      return describe(find(executions, given));
    case 'GetExecutionHistory': {
      const { arn } = find(executions, given);
      const events = eventsOf(history.filter(({ execution }) => execution === arn));
      const from = Number(given['nextToken'] ?? 0);
      const to = from + Number(given['maxResults'] ?? 100);
      return { events: events.slice(from, to), ...(to < events.length ? { nextToken: String(to) } : {}) };
    }
    default:
      return undefined;
  }
}

function find(
  executions: readonly ExecutionSummary[],
  given: Readonly<Record<string, unknown>>,
): ExecutionSummary {
  const found = executions.find(({ arn }) => arn === given['executionArn']);
  if (found) return found;
  throw awsError('ExecutionDoesNotExist', `Execution Does Not Exist: '${String(given['executionArn'])}'`);
}

/** Inputs and outputs are left out, as with `includeExecutionData: false`. */
function eventsOf(reported: readonly HistoryEvent[]): readonly object[] {
  const entered = new Map<string, number>();
  const events: object[] = [];
  for (const { at, type, state, stateType, error, cause } of reported) {
    const add = (name: string, details: object = {}) => {
      const id = events.length + 1;
      const previousEventId = (state === undefined ? undefined : entered.get(state)) ?? id - 1;
      events.push({ id, previousEventId, timestamp: new Date(at), type: name, ...details });
      return id;
    };
    const failed = { ...(error ? { error } : {}), ...(cause ? { cause } : {}) };
    const isTask = stateType === 'Task';
    switch (type) {
      case 'StateEntered':
        entered.delete(state ?? '');
        entered.set(
          state ?? '',
          add(`${stateType}StateEntered`, { stateEnteredEventDetails: { name: state } }),
        );
        if (isTask) add('LambdaFunctionScheduled');
        break;
      case 'StateRetried':
        if (isTask) add('LambdaFunctionScheduled');
        break;
      case 'StateFailed':
        if (!isTask) add(`${stateType}StateFailed`);
        else if (error === 'States.Timeout') add('TaskTimedOut', { taskTimedOutEventDetails: failed });
        else add('LambdaFunctionFailed', { lambdaFunctionFailedEventDetails: failed });
        break;
      case 'StateExited':
        if (isTask) add('LambdaFunctionSucceeded');
        add(`${stateType}StateExited`, { stateExitedEventDetails: { name: state } });
        break;
      case 'ExecutionFailed':
        add(type, { executionFailedEventDetails: failed });
        break;
      case 'StateCaught':
      case 'ExecutionStatusChanged':
        break; // Step Functions has no event for these
      default:
        add(type);
    }
  }
  return events;
}
