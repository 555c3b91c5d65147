import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Incident, IncidentTarget } from '../incident/incident.ts';
import type { PlannedStep, StepRole } from '../journal/playbook.ts';
import { bothChose, choose, chosenId, chosenSteps, partsOf } from './parts.ts';

const step = (id: string, role: StepRole, needs: readonly string[] = []): PlannedStep => ({
  ...{ id, role, needs, kind: 'k', describe: id, args: {}, before: null, after: null },
});
/** A deny, two keys of which the second waits for the first, and what goes along. */
const STEPS = [
  step('snapshot', 'evidence'),
  step('deny', 'contain'),
  step('key-1', 'contain'),
  step('key-2', 'contain', ['key-1']),
  step('tag', 'label', ['deny']),
];
const target = (key: string, steps: readonly PlannedStep[]) =>
  ({
    key,
    playbook: 'p',
    target: { display: key },
    plan: { kind: 'plan', steps },
  }) as unknown as IncidentTarget;
const incident = { targets: [target('one', STEPS), target('two', STEPS)] } as unknown as Incident;
const keys = (wanted: readonly string[]) =>
  partsOf(incident)
    .filter(({ target: index, step: { id } }) => wanted.includes(chosenId(index, id)))
    .map(({ key }) => key);

describe('a part of a plan', () => {
  it('offers what contains and nothing else', () => {
    expect(partsOf(incident).map(({ step: { id } }) => id)).toEqual([
      ...['deny', 'key-1', 'key-2'],
      ...['deny', 'key-1', 'key-2'],
    ]);
  });

  it('runs what was chosen with what goes along, and declines the rest', () => {
    const chosen = choose(incident, keys(['0/key-1']));
    if (!chosen.ok) throw new Error(chosen.reason);
    const { run, declined } = chosenSteps(0, STEPS, chosen.chosen);
    expect(run.map(({ id }) => id)).toEqual(['snapshot', 'key-1']);
    expect(declined.map(({ id }) => id)).toEqual(['deny', 'key-2']);
    expect(chosenSteps(1, STEPS, chosen.chosen).run).toEqual([]);
  });

  it('takes nothing, and nothing without what it needs', () => {
    expect(choose(incident, [])).toMatchObject({ ok: false });
    expect(choose(incident, ['made up', '../0.1'])).toMatchObject({ ok: false });
    expect(choose(incident, keys(['0/key-2']))).toMatchObject({ ok: false, reason: /"key-2" needs "key-1"/ });
  });

  it('never runs a containing step that was not chosen, and never one whose need does not run', () => {
    const all = partsOf(incident);
    fc.assert(
      fc.property(fc.subarray([...all]), (wanted) => {
        const choice = choose(
          incident,
          wanted.map(({ key }) => key),
        );
        if (!choice.ok) return;
        for (const index of [0, 1]) {
          const { run, declined } = chosenSteps(index, STEPS, choice.chosen);
          const ids = run.map(({ id }) => id);
          for (const each of run) {
            if (each.role === 'contain') expect(choice.chosen).toContain(chosenId(index, each.id));
            for (const need of each.needs ?? []) expect(ids).toContain(need);
          }
          expect(run.some((each) => declined.includes(each))).toBe(false);
        }
        expect(choice.all).toBe(wanted.length === all.length);
      }),
    );
  });

  it('of two people is what both chose', () => {
    expect(bothChose(undefined, ['a'])).toEqual(['a']);
    expect(bothChose(['a', 'b'], ['b', 'c'])).toEqual(['b']);
    expect(bothChose(undefined, undefined)).toBeUndefined();
  });
});
