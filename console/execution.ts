/** One execution of Step Functions as people follow it: which states, how often each was tried, what went wrong. */
import type { Aws } from '../core/aws/client.ts';

export interface StateVisit {
  readonly state: string;
  readonly enteredAt: string;
  readonly exitedAt?: string;
  /** Tries of a task; 0 for a state that runs nothing. */
  readonly tries: number;
  /** Errors of tries, in order. */
  readonly errors: readonly { readonly error: string; readonly cause: string }[];
}

export interface ExecutionPath {
  readonly status: string;
  readonly startedAt: string;
  readonly stoppedAt?: string;
  readonly error?: string;
  readonly visits: readonly StateVisit[];
  /** There are more events than were read. */
  readonly more: boolean;
}

interface Named {
  readonly title: string;
  readonly machine: 'respond' | 'undo';
  readonly arn: string;
}
export type ExecutionView = Named &
  (({ readonly kind: 'read' } & ExecutionPath) | { readonly kind: 'not-read'; readonly why: string });

/** An execution has up to 25,000 events; a response has some dozens. */
const PAGES = 5;

/** Reads without inputs and outputs: those hold findings and task tokens. */
export async function readExecution(aws: Aws, executionArn: string): Promise<ExecutionPath> {
  const { client, api } = await aws.sfn();
  const described = await client.send(new api.DescribeExecutionCommand({ executionArn }));
  const visits: { -readonly [K in keyof StateVisit]: StateVisit[K] }[] = [];
  const byEvent = new Map<number, number>();
  let token: string | undefined;
  let pages = 0;
  do {
    const answer = await client.send(
      new api.GetExecutionHistoryCommand({
        executionArn,
        maxResults: 1000,
        includeExecutionData: false,
        ...(token ? { nextToken: token } : {}),
      }),
    );
    for (const event of answer.events ?? []) {
      const { id = 0, previousEventId = 0, type = '', timestamp } = event;
      const at = timestamp?.toISOString() ?? '';
      const entered = event.stateEnteredEventDetails?.name;
      const exited = event.stateExitedEventDetails?.name;
      const visit = entered === undefined ? byEvent.get(previousEventId) : visits.length;
      if (entered !== undefined) {
        visits.push({ state: entered, enteredAt: at, tries: 0, errors: [] });
      }
      if (visit !== undefined) byEvent.set(id, visit);
      const current = visit === undefined ? undefined : visits[visit];
      if (!current) continue;
      if (exited === current.state) current.exitedAt = at;
      if (/^(LambdaFunction|Task)Scheduled$/.test(type)) current.tries += 1;
      const failed =
        event.lambdaFunctionFailedEventDetails ??
        event.lambdaFunctionTimedOutEventDetails ??
        event.taskFailedEventDetails ??
        event.taskTimedOutEventDetails;
      if (failed) {
        current.errors = [
          ...current.errors,
          { error: failed.error ?? 'failed', cause: messageOf(failed.cause ?? '') },
        ];
      }
    }
    token = answer.nextToken;
    pages += 1;
  } while (token !== undefined && pages < PAGES);
  return {
    status: described.status ?? 'UNKNOWN',
    startedAt: described.startDate?.toISOString() ?? '',
    ...(described.stopDate ? { stoppedAt: described.stopDate.toISOString() } : {}),
    ...(described.error ? { error: described.error } : {}),
    visits,
    more: token !== undefined,
  };
}

/** Lambda gives its cause as JSON text. */
function messageOf(cause: string): string {
  try {
    const { errorMessage } = JSON.parse(cause) as { errorMessage?: unknown };
    return typeof errorMessage === 'string' ? errorMessage : cause;
  } catch {
    return cause; // plain text, as the state's own errors are
  }
}
