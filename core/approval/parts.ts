/**
 * Approval of a part: which containing steps a person can choose, and which steps run then. What prepares, keeps evidence
 * or labels goes along with every target of which something was chosen; it contains nothing on its own.
 */
import { type Incident, partId } from '../incident/incident.ts';
import type { PlannedStep } from '../journal/playbook.ts';

export interface PlanPart {
  /** Value of the option in the modal: `partId` of the target, and the step's position in its plan. */
  readonly key: string;
  readonly target: number;
  /** ARN or id of the target. */
  readonly display: string;
  readonly step: PlannedStep;
}

/** Every containing step of the incident's plans, target by target. */
export const partsOf = ({ targets }: Incident): readonly PlanPart[] =>
  targets.flatMap((entry, index) =>
    entry.plan?.kind !== 'plan' || entry.problem !== undefined
      ? []
      : entry.plan.steps.flatMap((step, number) =>
          step.role === 'contain'
            ? [
                {
                  key: `${partId(entry)}.${number}`,
                  target: index,
                  display: entry.target.display,
                  step,
                },
              ]
            : [],
        ),
  );

/** How an approval keeps a chosen step: stable when the target is planned again. */
export const chosenId = (target: number, step: string): string => `${target}/${step}`;

export type Choosing =
  | { readonly ok: true; readonly chosen: readonly string[]; readonly all: boolean }
  /** For the person who chose: why this choice cannot be. */
  | { readonly ok: false; readonly reason: string };

/** From the keys of the modal to the steps they mean; the `partId` of a target alone means all of its steps. */
export function choose(incident: Incident, keys: readonly string[]): Choosing {
  const parts = partsOf(incident);
  const chosen = parts.filter(({ key }) => keys.includes(key) || keys.includes(key.split('.')[0] ?? ''));
  if (chosen.length === 0) return { ok: false, reason: 'Choose at least one step, or press Deny.' };
  const has = (target: number, step: string) =>
    chosen.some((part) => part.target === target && part.step.id === step);
  for (const { target, step } of chosen) {
    const missing = parts.find(
      (part) => part.target === target && step.needs?.includes(part.step.id) && !has(target, part.step.id),
    );
    if (missing) {
      return { ok: false, reason: `"${step.describe}" needs "${missing.step.describe}": choose both.` };
    }
  }
  return {
    ok: true,
    chosen: chosen.map(({ target, step }) => chosenId(target, step.id)),
    all: chosen.length === parts.length,
  };
}

/** Steps of one target that an approval in part lets run, and the containing ones it declined. */
export function chosenSteps(
  target: number,
  steps: readonly PlannedStep[],
  chosen: readonly string[],
): { readonly run: readonly PlannedStep[]; readonly declined: readonly PlannedStep[] } {
  const wanted = (step: PlannedStep) => chosen.includes(chosenId(target, step.id));
  const declined = steps.filter((step) => step.role === 'contain' && !wanted(step));
  if (!steps.some((step) => step.role === 'contain' && wanted(step))) return { run: [], declined };
  const out = new Set(declined.map(({ id }) => id));
  // What needs a step that does not run cannot run either.
  for (let before = -1; before !== out.size; ) {
    before = out.size;
    for (const { id, needs } of steps) if (needs?.some((need) => out.has(need))) out.add(id);
  }
  return { run: steps.filter(({ id }) => !out.has(id)), declined };
}

/** Nothing of this target was chosen. */
export const noneOf = (chosen: readonly string[], target: number): boolean =>
  !chosen.some((id) => id.startsWith(`${target}/`));

/** Two approvals in part: what both chose. `undefined` is everything. */
export const bothChose = (
  one: readonly string[] | undefined,
  other: readonly string[] | undefined,
): readonly string[] | undefined =>
  one === undefined ? other : other === undefined ? one : one.filter((id) => other.includes(id));
