/**
 * Step Functions on one machine: runs the files of statemachines/ as they are deployed, the handlers of functions/ as
 * Lambda would (JSON in, JSON out), and adds what the interpreter lacks: task tokens, execution names, history.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { StateMachine } from 'aws-local-stepfunctions';
import { actingAs } from '../core/aws/acting.ts';
import type { Scope } from '../core/aws/arn.ts';
import { arn } from '../core/aws/arn.ts';
import { EXECUTION_INPUT_BYTES } from '../core/table/intake.ts';
import { awsError } from './aws-error.ts';
import { answerRead, type ExecutionSummary, type HistoryEvent } from './execution-history.ts';

export type LambdaHandler = (event: unknown, context: LambdaContext) => Promise<unknown>;

/** The part of the Lambda context that the handlers and their middlewares read. */
export interface LambdaContext {
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

export interface Execution {
  readonly arn: string;
  readonly name: string;
  readonly machine: string;
  /** Settles when the execution ends; never rejects. */
  readonly ended: Promise<ExecutionEnd>;
}
export type ExecutionEnd =
  | { readonly status: 'SUCCEEDED'; readonly output: unknown }
  | { readonly status: 'FAILED'; readonly error: string; readonly cause: string };

export interface StateMachinesOptions {
  readonly scope: Scope;
  /** Directory of the ASL files. */
  readonly directory: string;
  readonly service: string;
  readonly stage: string;
  /** Lambda by name, as in serverless.yml: `enrich`, `request-approval`, ... */
  readonly functions: Readonly<Record<string, LambdaHandler>>;
  /** Waits and retry pauses take at most this long here; on AWS they take what the ASL says. */
  readonly longestPauseMs: number;
  /** Replaces the timeout of `waitForTaskToken` states, in seconds, when it gives a number. */
  readonly approvalTimeoutSeconds?: (() => number | undefined) | undefined;
  readonly onEvent?: ((event: HistoryEvent) => void) | undefined;
  readonly onInvoke?: ((functionName: string) => void) | undefined;
  /** A state begins with this input. */
  readonly onEnter?: ((state: string, input: unknown) => void) | undefined;
}

export interface StateMachines {
  arnOf(machine: string): string;
  /**
   * UpdateStateMachine: executions started from now on run this ASL text; those under way go on with the definition they were
   * started on, as on AWS (Step Functions developer guide, "UpdateStateMachine").
   */
  deploy(machine: string, asl: string): void;
  /** Throws `ExecutionAlreadyExists` and `ValidationException` as AWS does. */
  start(machine: string, input: unknown, name?: string): Execution;
  /** Answers StartExecution, SendTaskSuccess, SendTaskFailure and the reads of executions. */
  answer(operation: string, input: unknown): Promise<object>;
  /** Executions that have not ended. */
  running(): readonly Execution[];
  /** StopExecution on every execution that waits for a person. */
  stopWaiting(): void;
  /** Settles when no function is running; one can outlive the execution that called it. */
  idle(): Promise<void>;
  readonly history: readonly HistoryEvent[];
  /** How often each SendTask call took effect; scenarios look at it. */
  readonly delivered: readonly string[];
}

interface Asl {
  readonly States: Record<string, AslState>;
}
interface AslState {
  readonly Type: string;
  readonly Resource?: string;
  readonly Retry?: readonly { readonly IntervalSeconds?: number }[];
  readonly TimeoutSecondsPath?: string;
  readonly Parameters?: Record<string, unknown>;
  readonly ItemProcessor?: Asl;
}

/** Loads every machine; a file that is no valid ASL throws here, at the start. */
export async function openStateMachines(
  machines: readonly string[],
  options: StateMachinesOptions,
): Promise<StateMachines> {
  const { scope } = options;
  const definitions = new Map<string, Asl>();
  for (const machine of machines) {
    deploy(machine, await readFile(`${options.directory}/${machine}.asl.json`, 'utf8'));
  }
  const waiting = new Map<
    string,
    { execution: string; resolve: (output: unknown) => void; reject: (error: Error) => void }
  >();
  const working = new Set<Promise<unknown>>();
  const aborts = new Map<string, () => void>();
  const closed = new Set<string>();
  const executions = new Map<string, Execution>();
  const running = new Set<Execution>();
  const summaries: ExecutionSummary[] = [];
  const history: HistoryEvent[] = [];
  const delivered: string[] = [];
  const arnOf = (machine: string) =>
    arn(scope, 'states', `stateMachine:${options.service}-${options.stage}-${machine}`);

  function deploy(machine: string, asl: string): void {
    const definition = JSON.parse(resolvePlaceholders(asl, options)) as Asl;
    for (const [, state] of allStates(definition)) carryTimeout(state);
    definitions.set(machine, definition);
  }

  function start(machine: string, input: unknown, name: string = randomUUID()): Execution {
    const definition = definitions.get(machine);
    if (!definition) throw awsError('StateMachineDoesNotExist', `State Machine Does Not Exist: '${machine}'`);
    const text = JSON.stringify(input);
    if (Buffer.byteLength(text) > EXECUTION_INPUT_BYTES) {
      throw awsError(
        'ValidationException',
        "1 validation error detected: Value at 'input' failed to satisfy constraint: Member must have length less than or equal to 262144",
      );
    }
    const executionArn = arn(
      scope,
      'states',
      `execution:${options.service}-${options.stage}-${machine}:${name}`,
    );
    if (executions.has(executionArn)) {
      throw awsError('ExecutionAlreadyExists', `Execution Already Exists: '${executionArn}'`);
    }
    const summary: ExecutionSummary = {
      ...{ arn: executionArn, name, machineArn: arnOf(machine) },
      ...{ status: 'RUNNING', startedAt: new Date().toISOString() },
    };
    summaries.push(summary);
    const execution: Execution = {
      arn: executionArn,
      name,
      machine,
      ended: run(machine, definition, JSON.parse(text), executionArn)
        .then((end) => {
          const { status } = end;
          const why = status === 'FAILED' ? { error: end.error, cause: end.cause } : {};
          Object.assign(summary, { status, ...why, stoppedAt: new Date().toISOString() });
          options.onEvent?.({
            at: new Date().toISOString(),
            execution: executionArn,
            type: 'ExecutionStatusChanged',
          });
          return end;
        })
        .finally(() => running.delete(execution)),
    };
    executions.set(executionArn, execution);
    running.add(execution);
    return execution;
  }

  async function run(
    machine: string,
    definition: Asl,
    input: unknown,
    executionArn: string,
  ): Promise<ExecutionEnd> {
    const handlers: Record<string, (input: unknown) => Promise<unknown>> = {};
    const waits: Record<string, number> = {};
    const retries: Record<string, number[]> = {};
    for (const [name, state] of allStates(definition)) {
      if (state.Type === 'Task') handlers[name] = (given) => task(state, given, executionArn);
      if (state.Type === 'Wait') waits[name] = options.longestPauseMs;
      if (state.Retry) {
        retries[name] = state.Retry.map(({ IntervalSeconds = 1 }) =>
          Math.min(IntervalSeconds * 1000, options.longestPauseMs),
        );
      }
    }
    const note = (type: string, more: Partial<HistoryEvent> = {}) => {
      const event = { at: new Date().toISOString(), execution: executionArn, type, ...more };
      history.push(event);
      options.onEvent?.(event);
    };
    const machineRun = new StateMachine(definition as never, { validationOptions: { checkArn: false } }).run(
      input as never,
      {
        overrides: {
          taskResourceLocalHandlers: handlers as never,
          waitTimeOverrides: waits,
          retryIntervalOverrides: retries,
        },
        context: {
          Execution: {
            Id: executionArn,
            Input: input as never,
            Name: executionArn,
            StartTime: new Date().toISOString(),
          },
          StateMachine: { Id: arnOf(machine), Name: machine },
          Task: { Token: TOKEN_PLACE },
        },
      },
    );
    aborts.set(executionArn, () => machineRun.abort());
    const watching = (async () => {
      for await (const event of machineRun.eventLogs) {
        if (event.type === 'StateEntered') options.onEnter?.(event.state.name, event.state.input);
        note(event.type, {
          ...('state' in event ? { state: event.state.name, stateType: event.state.type } : {}),
          ...('Error' in event ? { error: event.Error, cause: String(event.Cause) } : {}),
        });
      }
    })();
    try {
      const output = await machineRun.result;
      return { status: 'SUCCEEDED', output };
    } catch (error) {
      const { name, message } = error instanceof Error ? error : { name: 'Error', message: String(error) };
      return { status: 'FAILED', error: name, cause: message };
    } finally {
      aborts.delete(executionArn);
      await watching;
    }
  }

  /** One Task state: a Lambda by ARN, or `lambda:invoke.waitForTaskToken` with its parameters. */
  async function task(state: AslState, input: unknown, execution: string): Promise<unknown> {
    const resource = state.Resource ?? '';
    if (!resource.endsWith(':lambda:invoke.waitForTaskToken')) return invoke(resource, input);
    const token = randomBytes(64).toString('base64');
    const { FunctionName, Payload } = JSON.parse(JSON.stringify(input).replaceAll(TOKEN_PLACE, token)) as {
      FunctionName: string;
      Payload: unknown;
    };
    const answered = new Promise<unknown>((resolve, reject) =>
      waiting.set(token, { execution, resolve, reject }),
    );
    const seconds = options.approvalTimeoutSeconds?.();
    let timer: NodeJS.Timeout | undefined;
    const timedOut =
      seconds === undefined
        ? undefined
        : new Promise<never>((_, reject) => {
            timer = setTimeout(() => {
              const error = new Error('the approval ended');
              error.name = 'States.Timeout';
              reject(error);
            }, seconds * 1000);
          });
    try {
      // The function's own failure fails the task; its answer does not end it.
      const failed = new Promise<never>((_, reject) => {
        invoke(FunctionName, Payload).catch(reject);
      });
      return await Promise.race([answered, failed, ...(timedOut ? [timedOut] : [])]);
    } finally {
      clearTimeout(timer);
      waiting.delete(token);
      closed.add(token);
    }
  }

  async function invoke(functionArn: string, event: unknown): Promise<unknown> {
    const name = functionArn
      .slice(functionArn.lastIndexOf(`${options.service}-${options.stage}-`))
      .slice(`${options.service}-${options.stage}-`.length);
    const handler = options.functions[name];
    if (!handler) throw awsError('Lambda.ResourceNotFoundException', `Function not found: ${functionArn}`);
    options.onInvoke?.(name);
    const work = actingAs({ function: { ...scope, name, stage: options.stage } }, () =>
      handler(JSON.parse(JSON.stringify(event)), lambdaContext(name, functionArn)),
    );
    working.add(work);
    const result = await work.finally(() => working.delete(work));
    return result === undefined ? null : JSON.parse(JSON.stringify(result));
  }

  return {
    arnOf,
    deploy,
    start,
    running: () => [...running],
    async idle() {
      while (working.size > 0) await Promise.allSettled(working);
    },
    stopWaiting() {
      for (const { execution, reject } of waiting.values()) {
        aborts.get(execution)?.();
        reject(awsError('States.Aborted', 'the execution was stopped'));
      }
    },
    history,
    delivered,
    async answer(operation, input) {
      const given = input as Record<string, string>;
      switch (operation) {
        case 'StartExecution': {
          // One definition stands behind the alias here.
          const unqualified = given['stateMachineArn']?.replace(/:live$/, '');
          const machine = machines.find((name) => arnOf(name) === unqualified);
          if (!machine)
            throw awsError(
              'StateMachineDoesNotExist',
              `State Machine Does Not Exist: '${given['stateMachineArn']}'`,
            );
          const execution = start(machine, JSON.parse(given['input'] ?? '{}'), given['name']);
          return { executionArn: execution.arn, startDate: new Date() };
        }
        case 'SendTaskSuccess':
        case 'SendTaskFailure': {
          const token = given['taskToken'] ?? '';
          const waiter = waiting.get(token);
          if (!waiter) {
            // AWS says TaskTimedOut for "expired or already closed", InvalidToken for what it never issued.
            throw closed.has(token)
              ? awsError('TaskTimedOut', 'Task Timed Out: The task token has expired or the task is closed')
              : awsError('InvalidToken', 'Invalid Token');
          }
          waiting.delete(token);
          closed.add(token);
          delivered.push(operation);
          if (operation === 'SendTaskSuccess') waiter.resolve(JSON.parse(given['output'] ?? 'null'));
          else waiter.reject(awsError(given['error'] ?? 'TaskFailed', given['cause'] ?? ''));
          return {};
        }
        default: {
          const read = answerRead(operation, given, summaries, history);
          if (read) return read;
          throw awsError('UnknownOperationException', `the sandbox does not answer states:${operation}`);
        }
      }
    },
  };
}

/** Stands for `$$.Task.Token` in the context object; replaced by a real token for each attempt of each task. */
const TOKEN_PLACE = '@firebreak-task-token@';

function resolvePlaceholders(text: string, { scope, service, stage }: StateMachinesOptions): string {
  return text
    .replaceAll('#{AWS::Partition}', scope.partition)
    .replaceAll('#{AWS::Region}', scope.region)
    .replaceAll('#{AWS::AccountId}', scope.account)
    .replaceAll('${self:service}', service)
    .replaceAll('${sls:stage}', stage);
}

/**
 * AWS resolves TimeoutSecondsPath against the state's input; this interpreter against the result of Parameters. So the
 * value is carried along there, and `task` leaves it out of what the function gets.
 */
function carryTimeout(state: AslState): void {
  const { TimeoutSecondsPath: path, Parameters: parameters } = state;
  if (path && parameters) parameters[`${path.replace(/^\$\./, '')}.$`] = path;
}

function* allStates(machine: Asl): Generator<[string, AslState]> {
  for (const [name, state] of Object.entries(machine.States)) {
    yield [name, state];
    if (state.ItemProcessor) yield* allStates(state.ItemProcessor);
  }
}

const lambdaContext = (name: string, functionArn: string): LambdaContext => ({
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
