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
 * sweep runs on its schedule for two hours at most, and invariants.ts says what does not hold. After the phase `contain` the
 * incident is undone, after both phases once more where that was partial: the account must be as before.
 *
 * A new kind of fault is one entry in faults.ts, a new promise one function in invariants.ts with a planted violation in
 * invariants.test.ts. What is known to fail stands in known.ts with its date.
 */
import '../../sandbox/quiet.ts';
import { needsResponder } from '../../core/incident/status.ts';
import { FAULTS, type FaultKind, type Strike } from './faults.ts';
import { afterUndo, type Undisturbed, type Violation, violations } from './invariants.ts';
import type { Point } from './invocations.ts';
import { SCENARIOS } from './scenarios.ts';
import { openStage, type Stage } from './stage.ts';

export type Phase = 'contain' | 'undo';
const PHASES: readonly Phase[] = ['contain', 'undo'];

export interface Trial extends Strike {
  readonly playbook: string;
  readonly phase: Phase;
}
export interface Failed extends Violation {
  readonly trial: string;
}

/** A trial on one line: `isolate-instance contain crash at contain EC2:CreateTags #1`. */
const nameOf = ({ playbook, phase, fault, at, reads }: Trial): string =>
  `${playbook} ${phase} ${fault}${reads === undefined ? '' : ` of ${reads} reads`} at ${at}`;

interface Baseline extends Undisturbed {
  readonly points: Readonly<Record<Phase | 'notify', readonly Point[]>>;
}
const baselines = new Map<string, Promise<Baseline>>();

/** How a playbook's response goes without a fault. Throws where it is not contained, undone and restored. */
function baselineOf(playbook: string): Promise<Baseline> {
  let found = baselines.get(playbook);
  if (!found) {
    found = undisturbed(playbook);
    baselines.set(playbook, found);
  }
  return found;
}

async function undisturbed(playbook: string): Promise<Baseline> {
  const notify = await onStage(playbook, (stage) => recorded(stage, () => stage.deliver(2)));
  return onStage(playbook, async (stage) => {
    const contain = await recorded(stage, () => stage.deliver());
    const contained = stage.account();
    await check('contained', violations(stage, { contained }, 'contain'));
    const undo = await recorded(stage, () => stage.undo());
    await check('undone', violations(stage, { contained }, 'undo'), afterUndo(stage));
    return { contained, points: { contain, undo, notify } };
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
  const { points } = await baselineOf(playbook);
  // Only what was no more than notified can rise.
  if (fault === 'rise' && phase === 'undo') return [];
  return points[fault === 'rise' ? 'notify' : phase].flatMap((point) =>
    FAULTS[fault].strikes(point).map((strike) => ({ playbook, phase, fault, ...strike })),
  );
}

/** What does not hold after one trial. Throws where the call was never made: then nothing was tried. */
export async function tryCall(trial: Trial): Promise<readonly Failed[]> {
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
      if (!made) throw new Error(`${nameOf(trial)}: the call was never made`);
    };
    if (phase === 'undo') await stage.deliver();
    await struck(() => (phase === 'undo' ? stage.undo() : stage.deliver(fault === 'rise' ? 2 : undefined)));
    const after = await settled(stage, () => found(phase));
    if (phase === 'contain') {
      await stage.undo();
      await settled(stage, () => found('undo'));
    }
    // A person tries once more what was left.
    if ((await stage.incidents()).some(({ status }) => needsResponder(status))) await stage.undo();
    const end = await settled(stage, async () => [...(await found('undo')), ...(await afterUndo(stage))]);
    const texts = new Set<string>();
    return [...after, ...end].flatMap((violation) => {
      const known = texts.has(violation.text);
      texts.add(violation.text);
      return known ? [] : [{ ...violation, trial: nameOf(trial) }];
    });
  });
}

/** What does not hold once the sweep had its time. */
async function settled(
  stage: Stage,
  look: () => Promise<readonly Violation[]>,
): Promise<readonly Violation[]> {
  let found = await look();
  await stage.sweep(async () => {
    found = await look();
    return found.length === 0;
  });
  return found.length === 0 ? found : look();
}

/** Every trial of a playbook and a kind of fault, in both phases unless told; of each phase every nth trial. */
export async function tryEveryCall({
  playbook,
  fault,
  phases = PHASES,
  every = 1,
}: {
  readonly playbook: string;
  readonly fault: FaultKind;
  readonly phases?: readonly Phase[];
  readonly every?: number;
}): Promise<{ readonly tried: number; readonly failed: readonly Failed[] }> {
  const failed: Failed[] = [];
  let tried = 0;
  for (const phase of phases) {
    for (const [index, trial] of (await trialsOf(playbook, phase, fault)).entries()) {
      if (index % every !== Math.floor(every / 2)) continue;
      tried += 1;
      failed.push(...(await tryCall(trial)));
    }
  }
  return { tried, failed };
}
