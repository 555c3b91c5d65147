/** A resource that another incident is changing is waited for without an error: an error of a function rings an alarm. */
import { expect, it } from 'vitest';
import { openStateMachines } from './state-machine.ts';

const SCOPE = { partition: 'aws', account: '111122223333', region: 'eu-west-1' };

/** Runs a definition with functions that only answer; `calls` are the inputs that `busy` got. */
async function run(machine: 'respond' | 'undo', busy: string, input: object) {
  const calls: Record<string, unknown>[] = [];
  const base = { incidentId: 'fb-1', targets: [0, 1], verify: { waitSeconds: 1 }, verdict: 'settled' };
  const answer = async () => ({
    ...base,
    ...{ route: 'respond', next: machine === 'undo' ? 'undo' : 'contain' },
    ...{ investigate: false, lookAgain: false, settled: { waitSeconds: 1, looks: 0 }, status: 'undone' },
  });
  const taking = async (given: unknown) => {
    const target = given as Record<string, unknown>;
    if (target['index'] === undefined) return answer();
    calls.push(target);
    const turns = Number(target['turns'] ?? 0);
    if (target['index'] === 0 && turns < 2) return { ...target, busy: true, turns: turns + 1 };
    return { index: target['index'], contained: true, asksAgain: false, undone: true };
  };
  const machines = await openStateMachines([machine], {
    ...{ scope: SCOPE, service: 'firebreak', stage: 'sandbox', longestPauseMs: 1 },
    directory: new URL('../statemachines', import.meta.url).pathname,
    functions: {
      ...Object.fromEntries(
        ['enrich', 'classify', 'contain', 'verify', 'investigate', 'report', 'undo'].map((name) => [
          name,
          answer,
        ]),
      ),
      [busy]: taking,
    },
  });
  const end = await machines.start(machine, input).ended;
  return { end, calls, failed: machines.history.filter(({ error }) => error !== undefined) };
}

it.each([
  ['respond', 'contain', {}],
  ['undo', 'undo', { incidentId: 'fb-1', requestedBy: 'U0BOB' }],
] as const)(
  '%s calls again what has to wait for its turn, with what it was called with',
  async (machine, busy, input) => {
    const { end, calls, failed } = await run(machine, busy, input);
    expect(end.status).toBe('SUCCEEDED');
    expect(failed).toEqual([]);
    const first = calls.filter(({ index }) => index === 0);
    expect(first.map(({ turns }) => turns)).toEqual([undefined, 1, 2]);
    const [asked] = first;
    expect(asked).toMatchObject({ incidentId: 'fb-1', inTurn: true });
    for (const each of first.slice(1)) expect(each).toMatchObject({ ...asked });
  },
);
