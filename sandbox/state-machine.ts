/**
 * Step Functions on one machine: runs the files of statemachines/ as they are deployed, and adds what the interpreter
 * lacks: task tokens, execution names, history.
 */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { arn } from '../core/aws/arn.ts';
import { EXECUTION_INPUT_BYTES } from '../core/table/intake.ts';
import { type AslState, readDefinition, type Stack, TOKEN_PLACE } from './asl.ts';
import { awsError } from './aws-error.ts';
import type { Capacity } from './capacity.ts';
import {
  checkedDefinition,
  type Definition,
  definitionOf,
  type Execution,
  type ExecutionEnd,
  runDefinition,
} from './execution.ts';
import { answerRead, type ExecutionSummary, type HistoryEvent } from './execution-history.ts';
import { type LambdaHandler, openLambdas } from './lambdas.ts';
import { openTaskTokens } from './task-tokens.ts';

export interface StateMachinesOptions extends Stack {
  /** Directory of the ASL files. */
  readonly directory: string;
  /** Lambda by name, as in serverless.yml: `enrich`, `request-approval`, ... */
  readonly functions: Readonly<Record<string, LambdaHandler>>;
  /** Waits and retry pauses take at most this long here; on AWS they take what the ASL says. */
  readonly longestPauseMs: number;
  /** Lambda's limits. With them retries pause as the ASL says, in seconds of this length. */
  readonly capacity?: Capacity | undefined;
  /** Replaces the timeout of `waitForTaskToken` states, in seconds, when it gives a number. */
  readonly approvalTimeoutSeconds?: (() => number | undefined) | undefined;
  readonly onEvent?: ((event: HistoryEvent) => void) | undefined;
  readonly onInvoke?: ((functionName: string) => void) | undefined;
  /** An execution has ended. */
  readonly onEnd?: ((execution: ExecutionSummary) => void) | undefined;
  /** A state begins with this input. */
  readonly onEnter?: ((state: string, input: unknown) => void) | undefined;
}

export interface StateMachines {
  arnOf(machine: string): string;
  /**
   * UpdateStateMachine: executions started from now on run this ASL text; those under way go on with the definition they were
   * started on, as on AWS (Step Functions developer guide, "UpdateStateMachine"). Throws where it is not valid ASL.
   */
  deploy(machine: string, asl: string): void;
  /** Throws `ExecutionAlreadyExists` and `ValidationException` as AWS does. */
  start(machine: string, input: unknown, name?: string): Execution;
  /** Answers StartExecution, SendTaskSuccess, SendTaskFailure and the reads of executions. */
  answer(operation: string, input: unknown): Promise<object>;
  /** Executions that have not ended. */
  running(): readonly Execution[];
  /** Whether the execution waits for a person. */
  waits(execution: string): boolean;
  /** StopExecution on every execution that waits for a person. */
  stopWaiting(): void;
  /** StopExecution on every execution. */
  stopAll(): void;
  /** Settles when no function is running; one can outlive the execution that called it. */
  idle(): Promise<void>;
  readonly history: readonly HistoryEvent[];
  /** Drops the history so far, and the executions that have ended, with the events that they were started with. */
  forget(): void;
  /** How often each SendTask call took effect; scenarios look at it. */
  readonly delivered: readonly string[];
}

/** Loads every machine. That the files are valid ASL is for the tests of the deployment to say: here it would cost every start. */
export async function openStateMachines(
  machines: readonly string[],
  options: StateMachinesOptions,
): Promise<StateMachines> {
  const definitions = new Map<string, Definition>();
  const secondMs = options.capacity?.secondMs;
  const read = (asl: string) => readDefinition(asl, options, secondMs);
  for (const machine of machines) {
    const asl = await readFile(`${options.directory}/${machine}.asl.json`, 'utf8');
    definitions.set(machine, definitionOf(read(asl)));
  }
  const lambdas = openLambdas(options, options.functions, options);
  const tokens = openTaskTokens();
  const executions = openExecutions(options, (state, input, execution) => {
    const resource = state.Resource ?? '';
    if (!resource.endsWith(':lambda:invoke.waitForTaskToken')) return lambdas.invoke(resource, input);
    return tokens.wait(execution, options.approvalTimeoutSeconds?.(), (token) => {
      const { FunctionName, Payload } = withToken(input, token);
      return lambdas.invoke(FunctionName, Payload);
    });
  });
  const arnOf = (machine: string) => machineArn(options, machine);

  function start(machine: string, input: unknown, name?: string): Execution {
    const definition = definitions.get(machine);
    if (!definition) throw awsError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${machine}'`);
    return executions.start(machine, definition, input, name);
  }

  return {
    arnOf,
    deploy: (machine, asl) => {
      definitions.set(machine, checkedDefinition(read(asl)));
    },
    start,
    running: () => [...executions.running],
    idle: lambdas.idle,
    waits: tokens.waits,
    stopWaiting: () => tokens.stop(executions.abort),
    stopAll: () => {
      for (const execution of executions.running) executions.abort(execution.arn);
    },
    history: executions.history,
    forget: executions.forget,
    delivered: tokens.delivered,
    async answer(operation, input) {
      const given = input as Record<string, string>;
      switch (operation) {
        case 'StartExecution': {
          // One definition stands behind the alias here.
          const asked = given['stateMachineArn'];
          const machine = machines.find((name) => arnOf(name) === asked?.replace(/:live$/, ''));
          if (!machine)
            throw awsError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${asked}'`);
          const execution = start(machine, JSON.parse(given['input'] ?? '{}'), given['name']);
          return { executionArn: execution.arn, startDate: new Date() };
        }
        case 'SendTaskSuccess':
        case 'SendTaskFailure':
          return tokens.answer(operation, given);
        default: {
          const read = answerRead(operation, given, executions.summaries, executions.history);
          if (read) return read;
          throw awsError('UnknownOperationException', `the sandbox does not answer states:${operation}`);
        }
      }
    },
  };
}

const machineArn = ({ scope, service, stage }: Stack, machine: string): string =>
  arn(scope, 'states', `stateMachine:${service}-${stage}-${machine}`);

/** Parameters of `lambda:invoke.waitForTaskToken`. */
const withToken = (input: unknown, token: string) =>
  JSON.parse(JSON.stringify(input).replaceAll(TOKEN_PLACE, token)) as {
    FunctionName: string;
    Payload: unknown;
  };

interface Executions {
  /** Throws `ExecutionAlreadyExists` and `ValidationException` as AWS does. */
  start(machine: string, definition: Definition, input: unknown, name?: string): Execution;
  readonly abort: (executionArn: string) => void;
  readonly running: ReadonlySet<Execution>;
  readonly summaries: readonly ExecutionSummary[];
  readonly history: readonly HistoryEvent[];
  forget(): void;
}

/** The executions so far, by name; what they did is in the history. */
function openExecutions(
  options: StateMachinesOptions,
  task: (state: AslState, input: unknown, execution: string) => Promise<unknown>,
): Executions {
  const { scope, service, stage, longestPauseMs, capacity, onEnter, onEvent, onEnd } = options;
  const names = new Set<string>();
  const running = new Set<Execution>();
  const aborts = new Map<string, () => void>();
  const summaries: ExecutionSummary[] = [];
  const history: HistoryEvent[] = [];
  const note = (event: HistoryEvent) => {
    history.push(event);
    onEvent?.(event);
  };
  return {
    running,
    summaries,
    history,
    forget: () => {
      history.length = 0;
      summaries.splice(0, Infinity, ...summaries.filter(({ status }) => status === 'RUNNING'));
    },
    abort: (executionArn) => aborts.get(executionArn)?.(),
    start(machine, definition, input, name = randomUUID()) {
      const text = inputText(input);
      const own = arn(scope, 'states', `execution:${service}-${stage}-${machine}:${name}`);
      if (names.has(own)) throw awsError('ExecutionAlreadyExists', `Execution Already Exists: '${own}'`);
      names.add(own);
      const id = machineArn(options, machine);
      const summary = { ...opened(own, name, id), input: text };
      summaries.push(summary);
      const { abort, ended } = runDefinition({
        ...{ definition, input: JSON.parse(text), arn: own, machine: { Id: id, Name: machine } },
        ...{ longestPauseMs, onEnter, note, retriesAsWritten: capacity !== undefined },
        task: (state, given) => task(state, given, own),
      });
      aborts.set(own, abort);
      const execution: Execution = {
        ...{ arn: own, name, machine },
        ended: ended
          .then((end) => {
            aborts.delete(own);
            close(summary, end);
            onEnd?.(summary);
            onEvent?.({ at: new Date().toISOString(), execution: own, type: 'ExecutionStatusChanged' });
            return end;
          })
          .finally(() => running.delete(execution)),
      };
      running.add(execution);
      return execution;
    },
  };
}

function inputText(input: unknown): string {
  const text = JSON.stringify(input);
  if (Buffer.byteLength(text) <= EXECUTION_INPUT_BYTES) return text;
  throw awsError(
    'ValidationException',
    "1 validation error detected: Value at 'input' failed to satisfy constraint: Member must have length less than or equal to 262144",
  );
}

const opened = (executionArn: string, name: string, machine: string): Omit<ExecutionSummary, 'input'> => ({
  ...{ arn: executionArn, name, machineArn: machine },
  ...{ status: 'RUNNING', startedAt: new Date().toISOString() },
});

/** What the interpreter ends with when an execution is stopped. */
const STOPPED = 'ExecutionAbortedError';

function close(summary: ExecutionSummary, end: ExecutionEnd): void {
  const why = end.status === 'FAILED' ? { error: end.error, cause: end.cause } : {};
  const status = end.status === 'FAILED' && end.error === STOPPED ? 'ABORTED' : end.status;
  Object.assign(summary, { status, ...why, stoppedAt: new Date().toISOString() });
}
