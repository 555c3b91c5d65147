/** The definitions of statemachines/ as this interpreter runs them: placeholders resolved, timeouts carried along. */
import type { Scope } from '../core/aws/arn.ts';

export interface Asl {
  readonly States: Record<string, AslState>;
}
export interface AslState {
  readonly Type: string;
  readonly Resource?: string;
  readonly Retry?: readonly Retrier[];
  readonly TimeoutSecondsPath?: string;
  readonly Parameters?: Record<string, unknown>;
  readonly ItemProcessor?: Asl;
}

interface Retrier {
  IntervalSeconds?: number;
  MaxDelaySeconds?: number;
}

/** Where the stack is deployed, and under which name. */
export interface Stack {
  readonly scope: Scope;
  readonly service: string;
  readonly stage: string;
}

/** Stands for `$$.Task.Token` in the context object; replaced by a real token for each attempt of each task. */
export const TOKEN_PLACE = '@firebreak-task-token@';

/** Reads a definition, whose retries count in seconds of `secondMs`. Throws where the text is not JSON. */
export function readDefinition(text: string, stack: Stack, secondMs = 1000): Asl {
  const definition = JSON.parse(resolvePlaceholders(text, stack)) as Asl;
  for (const [, state] of allStates(definition)) {
    carryTimeout(state);
    for (const retrier of state.Retry ?? []) shorten(retrier, secondMs / 1000);
  }
  return definition;
}

function shorten(retrier: Retrier, by: number): void {
  if (retrier.IntervalSeconds !== undefined) retrier.IntervalSeconds *= by;
  if (retrier.MaxDelaySeconds !== undefined) retrier.MaxDelaySeconds *= by;
}

function resolvePlaceholders(text: string, { scope, service, stage }: Stack): string {
  return text
    .replaceAll('#{AWS::Partition}', scope.partition)
    .replaceAll('#{AWS::Region}', scope.region)
    .replaceAll('#{AWS::AccountId}', scope.account)
    .replaceAll('${self:service}', service)
    .replaceAll('${sls:stage}', stage);
}

/**
 * AWS resolves TimeoutSecondsPath against the state's input; this interpreter against the result of Parameters. So the
 * value is carried along there, and the task leaves it out of what the function gets.
 */
function carryTimeout(state: AslState): void {
  const { TimeoutSecondsPath: path, Parameters: parameters } = state;
  if (path && parameters) parameters[`${path.replace(/^\$\./, '')}.$`] = path;
}

/** Every state by name, those inside a Map among them. */
export function* allStates(machine: Asl): Generator<[string, AslState]> {
  for (const [name, state] of Object.entries(machine.States)) {
    yield [name, state];
    if (state.ItemProcessor) yield* allStates(state.ItemProcessor);
  }
}
