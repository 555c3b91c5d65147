/** One execution of a state machine: the interpreter with real task tokens and short pauses, watched state by state. */
import { StateMachine } from 'aws-local-stepfunctions';
import { EXECUTION_INPUT_BYTES } from '../core/table/intake.ts';
import { type Asl, type AslState, allStates, TOKEN_PLACE } from './asl.ts';
import type { HistoryEvent } from './execution-history.ts';

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

/** A definition, with what runs it. */
export interface Definition {
  readonly asl: Asl;
  readonly interpreter: StateMachine;
}

/** Not validated, which holds for the machines inside its Maps as well: they are made again for every item. */
export const definitionOf = (asl: Asl): Definition => ({
  asl,
  interpreter: new StateMachine(asl as never, { validationOptions: { noValidate: true } }),
});

/** Throws where it is no valid ASL. To validate one takes longer than most commands do. */
export function checkedDefinition(asl: Asl): Definition {
  new StateMachine(asl as never, { validationOptions: { checkArn: false } });
  return definitionOf(asl);
}

export interface ExecutionRun {
  readonly definition: Definition;
  readonly input: unknown;
  readonly arn: string;
  readonly machine: { readonly Id: string; readonly Name: string };
  readonly longestPauseMs: number;
  /** Retries pause as the definition says, backoff and jitter included. */
  readonly retriesAsWritten: boolean;
  readonly task: (state: AslState, input: unknown) => Promise<unknown>;
  readonly onEnter?: ((state: string, input: unknown) => void) | undefined;
  readonly note: (event: HistoryEvent) => void;
}

/** What ends an execution whose data is larger than Step Functions carries; no Catch of States.ALL stops it. */
const TOO_LARGE = 'States.DataLimitExceeded';

/** Starts the execution: `abort` stops it, `ended` settles with how it ended. */
export function runDefinition(given: ExecutionRun): { abort(): void; readonly ended: Promise<ExecutionEnd> } {
  let tooLarge: string | undefined;
  function carry(where: string, data: unknown): boolean {
    if (Buffer.byteLength(JSON.stringify(data ?? null)) <= EXECUTION_INPUT_BYTES) return true;
    tooLarge ??= where;
    machineRun.abort();
    return false;
  }
  const run: ExecutionRun = {
    ...given,
    async task(state, input) {
      const output = carry('the input of a task', input) ? await given.task(state, input) : undefined;
      return carry('the output of a task', output) ? output : undefined;
    },
    onEnter(state, input) {
      carry(`the input of ${state}`, input);
      given.onEnter?.(state, input);
    },
  };
  const { definition, arn, machine } = run;
  const machineRun = definition.interpreter.run(run.input as never, {
    overrides: overridesOf(run),
    context: {
      Execution: {
        Id: arn,
        Input: run.input as never,
        Name: arn.split(':').at(-1) ?? '',
        StartTime: new Date().toISOString(),
      },
      StateMachine: machine,
      Task: { Token: TOKEN_PLACE },
    },
  });
  const ended = endOf(run, machineRun).then((end): ExecutionEnd => {
    if (tooLarge === undefined) return end;
    return { status: 'FAILED', error: TOO_LARGE, cause: `${tooLarge} is larger than 262144 bytes` };
  });
  return { abort: () => machineRun.abort(), ended };
}

/** Tasks run here; waits and retry pauses are cut short. */
function overridesOf({ definition, task, longestPauseMs, retriesAsWritten }: ExecutionRun) {
  const handlers: Record<string, (input: unknown) => Promise<unknown>> = {};
  const waits: Record<string, number> = {};
  const retries: Record<string, number[]> = {};
  for (const [name, state] of allStates(definition.asl)) {
    if (state.Type === 'Task') handlers[name] = (given) => task(state, given);
    if (state.Type === 'Wait') waits[name] = longestPauseMs;
    if (state.Retry && !retriesAsWritten) {
      retries[name] = state.Retry.map(({ IntervalSeconds = 1 }) =>
        Math.min(IntervalSeconds * 1000, longestPauseMs),
      );
    }
  }
  return {
    taskResourceLocalHandlers: handlers as never,
    waitTimeOverrides: waits,
    retryIntervalOverrides: retries,
  };
}

async function endOf(
  { arn, onEnter, note }: ExecutionRun,
  machineRun: ReturnType<StateMachine['run']>,
): Promise<ExecutionEnd> {
  const watching = (async () => {
    for await (const event of machineRun.eventLogs) {
      if (event.type === 'StateEntered') onEnter?.(event.state.name, event.state.input);
      note({
        ...{ at: new Date().toISOString(), execution: arn, type: event.type },
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
    await watching;
  }
}
