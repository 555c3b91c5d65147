/**
 * The fault harness: one fault at one call of a whole response, for every call, every kind of fault and every playbook.
 *
 * How to write a case. All of a playbook's calls under one kind of fault:
 *
 *     const { tried, failed } = await tryEveryCall({ playbook: 'isolate-instance', fault: 'crash' });
 *     expect(failed).toEqual([]);
 *
 * One call, by the name it has in an undisturbed run (`trialsOf` lists them), where a case is being fixed:
 *
 *     const failed = await tryCall({
 *       ...{ playbook: 'isolate-instance', phase: 'contain' },
 *       ...{ fault: 'outage', at: 'contain EC2:ModifyNetworkInterfaceAttribute #2' },
 *     });
 *     expect(failed).toEqual([]);
 *
 * A trial plays in a sandbox of its own (stage.ts): the finding of scenarios.ts is delivered and contained (phase `contain`), or
 * contained and then undone (phase `undo`), and the fault strikes in that phase. Then faults are over, the clock goes on, the
 * sweep runs on its schedule for two hours at most, and invariants.ts says what does not hold. Where all holds, the incident is
 * undone after the phase `contain`, and once more where that failed: the account must be as before.
 *
 * A new kind of fault is one entry in faults.ts, a new promise one function in invariants.ts with a planted violation in
 * invariants.test.ts. What is known to fail stands in known.ts with its date.
 */
import '../../sandbox/quiet.ts';
import { mayUndo } from '../../core/incident/status.ts';
import { FAULTS, type FaultKind, type Strike } from './faults.ts';
import { afterUndo, type Undisturbed, type Violation, violations } from './invariants.ts';
import type { Point } from './invocations.ts';
import { SCENARIOS } from './scenarios.ts';
import { openStage, Restless, type Stage } from './stage.ts';

export type Phase = 'contain' | 'undo';
const PHASES: readonly Phase[] = ['contain', 'undo'];

export interface Trial extends Strike {
  readonly playbook: string;
  readonly phase: Phase;
}
export interface Failed extends Violation, Pick<Trial, 'phase' | 'fault'> {
  /** The trial on one line. */
  readonly trial: string;
}

/** A trial on one line: `isolate-instance contain crash at contain EC2:CreateTags #1`. */
export const nameOf = ({ playbook, phase, fault, at, reads }: Trial): string =>
  `${playbook} ${phase} ${fault}${reads === undefined ? '' : ` of ${reads} reads`} at ${at}`;

interface Baseline extends Undisturbed {
  /** The playbooks that acted. */
  readonly acted: readonly string[];
  readonly points: Readonly<Record<Phase, readonly Point[]>>;
}
const baselines = new Map<string, Promise<Baseline>>();
const notified = new Map<string, Promise<readonly Point[]>>();

/** The calls of a response that only notifies. */
function pointsOfNotice(playbook: string): Promise<readonly Point[]> {
  const found =
    notified.get(playbook) ?? onStage(playbook, (stage) => recorded(stage, () => stage.deliver(2)));
  notified.set(playbook, found);
  return found;
}

/** How a playbook's response goes without a fault. Throws where it is not contained, undone and restored. */
export function baselineOf(playbook: string): Promise<Baseline> {
  let found = baselines.get(playbook);
  if (!found) {
    found = undisturbed(playbook);
    baselines.set(playbook, found);
  }
  return found;
}

async function undisturbed(playbook: string): Promise<Baseline> {
  return onStage(playbook, async (stage) => {
    const contain = await recorded(stage, () => stage.deliver());
    const contained = stage.account();
    const acted = (await stage.incidents()).flatMap(({ targets }) => targets.map((one) => one.playbook));
    await check('contained', violations(stage, { contained }, 'contain'));
    const undo = await recorded(stage, () => stage.undo());
    await check('undone', violations(stage, { contained }, 'undo'), afterUndo(stage));
    return { contained, acted, points: { contain, undo } };
  });
  async function check(what: string, ...found: readonly Promise<readonly Violation[]>[]): Promise<void> {
    const texts = (await Promise.all(found)).flat().map(({ text }) => text);
    if (texts.length > 0)
      throw new Error(`${playbook} is not ${what} without any fault: ${texts.join('; ')}`);
  }
}

async function recorded(stage: Stage, work: () => Promise<void>): Promise<readonly Point[]> {
  const points: Point[] = [];
  stage.invocations.inject((point, answer) => {
    points.push(point);
    return answer();
  });
  await work();
  stage.invocations.calm();
  return points;
}

async function onStage<T>(playbook: string, work: (stage: Stage) => Promise<T>): Promise<T> {
  const scenario = SCENARIOS.get(playbook);
  if (!scenario) throw new Error(`no scenario of ${playbook}: add one to scenarios.ts`);
  const stage = await openStage(scenario);
  try {
    return await work(stage);
  } finally {
    await stage.close();
  }
}

/** Every trial of a kind of fault, in the order of the calls of an undisturbed run. */
export async function trialsOf(playbook: string, phase: Phase, fault: FaultKind): Promise<readonly Trial[]> {
  // Only what was no more than notified can rise.
  if (fault === 'rise' && phase === 'undo') return [];
  const points =
    fault === 'rise' ? await pointsOfNotice(playbook) : (await baselineOf(playbook)).points[phase];
  return points.flatMap((point) =>
    FAULTS[fault].strikes(point).map((strike) => ({ playbook, phase, fault, ...strike })),
  );
}

/** The struck call did not happen: calls that are under way together come in another order each time. */
export class NeverMade extends Error {}

/** What does not hold after one trial. Throws NeverMade where nothing was tried. */
export async function tryCall(trial: Trial): Promise<readonly Failed[]> {
  try {
    return await played(trial);
  } catch (error) {
    if (!(error instanceof Restless)) throw error;
    const { phase, fault } = trial;
    return [{ kind: 'unowned', text: error.message, phase, fault, trial: nameOf(trial) }];
  }
}

async function played(trial: Trial): Promise<readonly Failed[]> {
  const { playbook, phase, fault } = trial;
  const baseline = await baselineOf(playbook);
  return onStage(playbook, async (stage) => {
    const found = (phaseNow: Phase) => violations(stage, baseline, phaseNow);
    const struck = async (work: () => Promise<void>) => {
      const strike = FAULTS[fault].fault(stage, trial);
      let made = false;
      stage.invocations.inject((point, answer) => {
        made ||= point.name === trial.at;
        return strike(point, answer);
      });
      await work();
      stage.invocations.calm();
      if (!made) throw new NeverMade(`${nameOf(trial)}: the call was never made`);
    };
    if (phase === 'undo') await stage.deliver();
    await struck(() => (phase === 'undo' ? stage.undo() : stage.deliver(fault === 'rise' ? 2 : undefined)));
    const named = (all: readonly Violation[]) =>
      all.map((violation) => ({ ...violation, phase, fault, trial: nameOf(trial) }));
    const after = await settled(stage, () => found(phase));
    if (after.length > 0) return named(after);
    if (phase === 'contain') {
      await stage.undo();
      await settled(stage, () => found('undo'));
    }
    // A person who was paged that an undo failed tries once more.
    if ((await stage.incidents()).some(({ status }) => mayUndo(status))) await stage.undo();
    return named(await settled(stage, async () => [...(await found('undo')), ...(await afterUndo(stage))]));
  });
}

/** What does not hold once the sweep had its time: a minute of it at least. */
async function settled(
  stage: Stage,
  look: () => Promise<readonly Violation[]>,
): Promise<readonly Violation[]> {
  let found: readonly Violation[] = [];
  await stage.sweep(async () => {
    found = await look();
    return found.length === 0;
  });
  return found;
}

/** Every trial of a playbook and a kind of fault, in both phases unless stated otherwise; `most` of each phase, spread over its calls. */
export async function tryEveryCall({
  playbook,
  fault,
  phases = PHASES,
  most = Number.POSITIVE_INFINITY,
}: {
  readonly playbook: string;
  readonly fault: FaultKind;
  readonly phases?: readonly Phase[];
  readonly most?: number;
}): Promise<{ readonly tried: number; readonly failed: readonly Failed[] }> {
  const failed: Failed[] = [];
  let tried = 0;
  for (const phase of phases) {
    for (const trial of spread(await trialsOf(playbook, phase, fault)).slice(0, most)) {
      tried += 1;
      failed.push(...(await tryCall(trial)));
    }
  }
  return { tried, failed };
}

/**
 * In an order in which every beginning is spread over the whole: steps of the golden section. `seed`, from 0 to 1, is where it
 * begins; the same seed gives the same order.
 */
export function spread<T>(all: readonly T[], seed = 0): readonly T[] {
  const at = (index: number) => (seed + index * 0.618_033_988_749_895) % 1;
  return all
    .map((one, index) => ({ one, at: at(index + 1) }))
    .sort((a, b) => a.at - b.at)
    .map(({ one }) => one);
}
