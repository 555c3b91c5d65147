/** What the definitions promise when Lambda has no room: patience, order, and an end for every target. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';

const retrier = z.object({
  ErrorEquals: z.array(z.string()),
  IntervalSeconds: z.number().default(1),
  BackoffRate: z.number().default(2),
  MaxDelaySeconds: z.number().optional(),
  MaxAttempts: z.number().default(3),
  JitterStrategy: z.string().optional(),
});
const state = z.object({
  Type: z.string(),
  Resource: z.string().optional(),
  Next: z.string().optional(),
  End: z.boolean().optional(),
  Retry: z.array(retrier).default([]),
  Catch: z.array(z.object({ ErrorEquals: z.array(z.string()), Next: z.string() })).default([]),
  get ItemProcessor() {
    return machine.optional();
  },
});
type State = z.output<typeof state>;
const machine = z.object({ StartAt: z.string(), States: z.record(z.string(), state) });
type Machine = z.output<typeof machine>;

const MACHINES = ['respond', 'undo'].map(
  (name) =>
    [name, machine.parse(JSON.parse(readFileSync(`statemachines/${name}.asl.json`, 'utf8')))] as const,
);

function* statesOf({ States }: Machine): Generator<[string, State]> {
  for (const [name, each] of Object.entries(States)) {
    yield [name, each];
    if (each.ItemProcessor) yield* statesOf(each.ItemProcessor);
  }
}
const TASKS = MACHINES.flatMap(([name, definition]) =>
  [...statesOf(definition)]
    .filter(([, { Type }]) => Type === 'Task')
    .map(([task, each]) => ({ name: `${name}: ${task}`, task, each })),
);

/** As Step Functions reports that Lambda did not run a function (developer guide, "Handle Lambda service exceptions"). */
const NO_ROOM = 'Lambda.TooManyRequestsException';
const NOT_RUN = [
  NO_ROOM,
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.ClientExecutionTimeoutException',
];
/** A question to a person does not wait an hour for the context that is nice to have. */
const WAITED_FOR = new Set(['respond: Prepare']);
const EVENTS_OF_AN_ATTEMPT = 3;
const LONGEST_HISTORY = 25_000;

const patient = (each: State) => each.Retry.find(({ ErrorEquals }) => ErrorEquals.includes(NO_ROOM));

/** Seconds that a retrier waits in all, on average: FULL jitter waits between nothing and the whole delay. */
function patienceOf({
  IntervalSeconds,
  BackoffRate,
  MaxDelaySeconds,
  MaxAttempts,
}: z.output<typeof retrier>) {
  let seconds = 0;
  for (let attempt = 0; attempt < MaxAttempts; attempt++)
    seconds += Math.min(IntervalSeconds * BackoffRate ** attempt, MaxDelaySeconds ?? Infinity) / 2;
  return seconds;
}

describe.each(TASKS)('$name', ({ name, each }) => {
  it('waits in line for a function before it gives up', () => {
    const found = patient(each);
    expect(found).toMatchObject({ ErrorEquals: NOT_RUN, JitterStrategy: 'FULL' });
    if (!found) return;
    const others = each.Retry.findIndex(({ ErrorEquals }) => ErrorEquals.includes('States.ALL'));
    expect(each.Retry.indexOf(found)).toBeLessThan(others);
    expect(found.MaxDelaySeconds).toBeLessThanOrEqual(60);
    const minutes = patienceOf(found) / 60;
    if (WAITED_FOR.has(name)) expect(minutes).toBeLessThan(2);
    else expect([minutes > 50, minutes < 70]).toEqual([true, true]);
  });

  it('goes on somewhere when it fails', () => {
    expect(each.Catch.some(({ ErrorEquals }) => ErrorEquals.includes('States.ALL'))).toBe(true);
  });
});

describe.each(MACHINES)('%s', (_, definition) => {
  it('ends for every target without a function', () => {
    let maps = 0;
    for (const [, { ItemProcessor: inner }] of statesOf(definition)) {
      if (!inner) continue;
      maps += 1;
      expect(withoutFunctions(inner)).toMatch(/^(Pass|Succeed)$/);
    }
    expect(maps).toBe(1);
  });

  it('fits its longest wait into the history of an execution', () => {
    const attempts = [...statesOf(definition)].map(([, each]) => patient(each)?.MaxAttempts ?? 0);
    const all = attempts.reduce((sum, each) => sum + each, 0);
    expect(all * EVENTS_OF_AN_ATTEMPT).toBeLessThan(LONGEST_HISTORY);
  });
});

/** The type of state that ends a definition in which every task fails. */
function withoutFunctions({ StartAt, States }: Machine): string | undefined {
  const seen = new Set<string>();
  for (let name: string | undefined = StartAt; name !== undefined && !seen.has(name); ) {
    seen.add(name);
    const at: State | undefined = States[name];
    if (!at) return undefined;
    if (at.Type !== 'Task' && at.End === true) return at.Type;
    const caught: { readonly Next: string } | undefined = at.Catch.find(({ ErrorEquals }) =>
      ErrorEquals.includes('States.ALL'),
    );
    name = at.Type === 'Task' ? caught?.Next : at.Next;
  }
  return undefined;
}

describe('the order of a queue', () => {
  const delays = (name: string) => {
    const found = TASKS.find(({ task }) => task === name);
    return found && patient(found.each);
  };
  it.each(['Enrich', 'Classify'])('%s is tried again sooner than for what can wait', (name) => {
    const [first, later] = [delays(name), delays(`${name}Later`)];
    expect(later?.IntervalSeconds).toBeGreaterThanOrEqual(10 * (first?.IntervalSeconds ?? Infinity));
    expect(later?.MaxDelaySeconds).toBeGreaterThanOrEqual(10 * (first?.MaxDelaySeconds ?? Infinity));
  });
});
