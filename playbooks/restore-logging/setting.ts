/**
 * A subject that is one value: a live one, and one that is known to have been there before. Where nothing is known, a
 * person learns what to do; nothing is made up.
 */
import { z } from 'zod';
import type { Aws } from '../../core/aws/client.ts';
import type { Plan, StepKind, StepOf, Target } from '../../core/journal/playbook.ts';
import { isJsonObject, type Json, type JsonObject, sameJson } from '../../core/json.ts';
import { type Baseline, baselineSchema } from '../common/logging/history.ts';
import { defineSubject, type Subject } from '../common/logging/subject.ts';
import { type LoggingTarget, loggingFacts } from '../common/logging/target.ts';
import { protectedBy } from '../common/protected.ts';
import { anyJson, damaged, stepKind } from '../common/step-kind.ts';

export interface Setting {
  readonly kind: string;
  /** "server access logging of customer-data" */
  readonly name: (target: Target) => string;
  /** The value as AWS has it, null where there is none. Equal values give equal JSON. */
  readonly live: (aws: Aws, target: Target) => Promise<Json>;
  /** The live value in the form of a recorded one, where an earlier release recorded less of it. */
  readonly comparable?: (live: Json, recorded: Json) => Json;
  /** What it is to be again. */
  readonly baseline: (aws: Aws, target: LoggingTarget, live: Json, settings: JsonObject) => Promise<Baseline>;
  readonly put: (aws: Aws, target: Target, value: Json, live: Json) => Promise<void>;
  /** Why a person is asked even though the baseline is known. */
  readonly ask?: (target: Target) => string;
  /** What a person does where no baseline is known. */
  readonly byHand: string;
  readonly residual: readonly string[];
}

const settingState = z.object({ live: anyJson, baseline: baselineSchema });
type SettingState = z.infer<typeof settingState>;
const args = z.object({ wanted: anyJson });
type SettingStep = StepOf<Readonly<Record<string, StepKind<z.infer<typeof args>>>>>;

export function settingSubject(setting: Setting): Subject {
  const comparable = setting.comparable ?? ((live: Json) => live);
  const step = stepKind(args, {
    value: anyJson,
    // What is written is looked up again: a record could name another place for the log to go.
    foreign: () => undefined,
    read: async ({ wanted }, { aws, target }) => ({
      value: comparable(await setting.live(aws, target), wanted),
    }),
    after: ({ wanted }) => wanted,
    async apply({ wanted }, { aws, target, settings = {} }) {
      const facts = loggingFacts.parse(target.facts);
      const live = await setting.live(aws, target);
      const baseline = await setting.baseline(aws, { ...target, facts }, live, settings);
      if (!baseline.known || !sameJson(comparable(baseline.value, wanted), wanted))
        throw damaged(
          `${setting.name(target)} was not ${short(wanted)}, as ${baseline.known ? baseline.from : baseline.why} tells`,
          target.display,
        );
      await setting.put(aws, target, wanted, live);
      return undefined;
    },
    async revert({ wanted }, { aws, target }, before) {
      await setting.put(aws, target, before, wanted);
      return 'reverted';
    },
  });
  return defineSubject({
    kind: setting.kind,
    state: settingState,
    kinds: { [setting.kind]: step },
    async read(target, aws, settings) {
      const live = await setting.live(aws, target);
      return { live, baseline: await setting.baseline(aws, target, live, settings) };
    },
    plan: (state, target, { protectedArns }) => plan(setting, state, target, protectedArns),
    async verify({ aws, target }, steps) {
      const live = await setting.live(aws, target);
      const checks = steps.map(({ id, after }) => {
        const ok = after !== undefined && sameJson(comparable(live, after), after);
        return { id, ok, saw: `${setting.name(target)} is ${ok ? 'as it was' : `${short(live)}`}` };
      });
      const proven = checks.length > 0 && checks.every(({ ok }) => ok);
      const drifted = steps.some(({ status }) => status === 'drift');
      return { proven, checks, residual: [], next: proven || drifted ? 'final' : 'recontain' };
    },
    evidence: async (target, aws) => ({ [setting.kind]: await setting.live(aws, target) }),
  });
}

function plan(
  setting: Setting,
  { live, baseline }: SettingState,
  target: Target,
  protectedArns: readonly string[],
): Plan<SettingStep> {
  const name = setting.name(target);
  const pattern = protectedBy([target.id, target.display], protectedArns);
  if (pattern !== undefined) {
    return {
      kind: 'refused',
      reason: `${target.display} is protected by policy.yml (protected: ${pattern})`,
      alternative: 'Ask its owner whether it was switched off on purpose, and restore it by hand.',
    };
  }
  if (!baseline.known) {
    return {
      kind: 'refused',
      reason: `${name} is ${short(live)}, and no baseline is known: ${baseline.why}`,
      alternative: setting.byHand,
    };
  }
  return {
    kind: 'plan',
    steps: [
      {
        id: setting.kind,
        kind: setting.kind,
        role: 'contain',
        describe: `Put ${name} back to ${short(baseline.value)} (${baseline.from})`,
        args: { wanted: baseline.value },
        before: live,
        after: baseline.value,
      },
    ],
    blastRadius: { count: 1, unit: 'settings', detail: [target.display] },
    warnings: ['the principal that changed it is contained separately'],
    residual: setting.residual,
    askBecause: sameJson(baseline.value, live)
      ? []
      : [
          ...(setting.ask ? [setting.ask(target)] : []),
          ...baseline.unsure,
          ...(onlyAdds(live, baseline.value) ? [] : [`it replaces ${short(live)}`]),
        ],
    tags: {},
    arns: [target.display],
  };
}

/** What was off or not set may be set; a value that is set stays what it is. */
function onlyAdds(live: Json, wanted: Json): boolean {
  if (live === null || live === false || live === 'DISABLED') return true;
  if (!isJsonObject(live) || !isJsonObject(wanted)) return sameJson(live, wanted);
  return Object.entries(live).every(([key, value]) => onlyAdds(value, wanted[key] ?? null));
}

const short = (value: Json): string => {
  if (value === null) return 'not set';
  const text = JSON.stringify(value);
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
};
