/**
 * Names that every object has (`constructor`, `__proto__`) in each text of every published finding: they are names like any
 * other. Findings are read, classified, and what they name is read live and planned.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { replayLine } from '../cli/replay.ts';
import { awsFor, configureAws } from '../core/aws/client.ts';
import { isAwsError, isFirebreakError } from '../core/errors.ts';
import { type Finding, parseFinding } from '../core/finding/finding.ts';
import type { PlanOptions, Playbook, Target } from '../core/journal/playbook.ts';
import { loadPolicy } from '../core/policy/policy.ts';
import { materialise } from '../sandbox/materialise.ts';
import { simulatedEvent } from '../sandbox/simulated/event.ts';
import { createTwin } from '../sandbox/twin/twin.ts';
import { publishedTypes } from './coverage.ts';
import { choosePlaybook, PLAYBOOKS } from './index.ts';

const SCOPE = { partition: 'aws', account: '111122223333', region: 'eu-west-1' };
const NOW = new Date('2026-11-24T08:00:00Z');
const FOLDER = new URL('../test/fixtures/findings/', import.meta.url);
const fixtures: readonly unknown[] = readdirSync(FOLDER)
  .filter((name) => name !== 'index.json')
  .map((name) => JSON.parse(readFileSync(new URL(name, FOLDER), 'utf8')) as unknown);
const simulated = (await publishedTypes()).map(({ type }) =>
  simulatedEvent(type, { scope: SCOPE, severity: 'high', now: NOW, seed: 's', sample: false }),
);

/** The event once for each of its texts, with that text replaced. */
function* withName(event: unknown, name: string): Generator<unknown> {
  for (const path of textsIn(event)) {
    const copy = { ...(event as Record<string, unknown>) };
    let at = copy;
    // Only what stands above the text is copied.
    for (const key of path.slice(0, -1)) {
      const inner = at[key] as Record<string, unknown>;
      const own = (Array.isArray(inner) ? [...inner] : { ...inner }) as Record<string, unknown>;
      at[key] = own;
      at = own;
    }
    at[path.at(-1) ?? ''] = name;
    yield copy;
  }
}
function* textsIn(value: unknown, at: readonly string[] = []): Generator<readonly string[]> {
  if (typeof value === 'string') yield at;
  if (typeof value !== 'object' || value === null) return;
  for (const [key, member] of Object.entries(value)) yield* textsIn(member, [...at, key]);
}

const options: PlanOptions = {
  caseId: 'fb-aaaaaaaaaaaa',
  now: NOW,
  settings: {},
  protectedArns: [],
  approved: true,
};

/** Reads and plans in an account that has what the target names. */
async function planned(playbook: Playbook, target: Target): Promise<void> {
  const twin = createTwin(SCOPE, { anyAccount: true });
  materialise(twin, target);
  configureAws({ answer: (call) => twin.answer(call), retryBaseMs: 1 });
  try {
    const state = await playbook.read(target, awsFor(target), {});
    playbook.plan(state, target, options);
  } catch (error) {
    if (!isFirebreakError(error) && !isAwsError(error)) throw error;
  } finally {
    configureAws({});
  }
}

it.each(['constructor', '__proto__'])(
  '%s in any text of a finding: decided, and planned or a named error',
  async (name) => {
    const policy = await loadPolicy('policy.yml');
    const plans = new Map<string, () => Promise<void>>();
    let decided = 0;
    for (const event of [...fixtures, ...simulated].flatMap((each) => [...withName(each, name)])) {
      const line = replayLine(decided, event, policy, choosePlaybook);
      if (JSON.stringify(line).includes('[native code]')) expect.fail(JSON.stringify(event));
      if ('error' in line) continue;
      decided += 1;
      const finding = parseFinding(event);
      const choice = choosePlaybook(finding);
      const others = 'none' in choice && finding.type !== name ? [] : reasonsOf(finding);
      const reasons = [...line.reasons, ...('none' in choice ? [choice.none] : []), ...others];
      if (!reasons.every((reason) => typeof reason === 'string')) expect.fail(JSON.stringify(event));
      for (const { playbook, target } of 'none' in choice ? [] : choice.parts)
        if (JSON.stringify(target).includes(name))
          plans.set(`${playbook.id} ${JSON.stringify(target)}`, () => planned(playbook, target));
    }
    expect(decided).toBeGreaterThan(1000);
    expect(plans.size).toBeGreaterThan(20);
    for (const [what, plan] of plans)
      await plan().catch((error: unknown) => expect.fail(`${what}: ${error}`));
  },
  120_000,
);

/** Why the playbooks that are not the finding's own would not act on it, as follow-ups ask them. */
const reasonsOf = (finding: Finding): readonly unknown[] =>
  PLAYBOOKS.flatMap((playbook) => {
    const choice = playbook.targetOf(finding);
    return choice.ok ? [] : [choice.reason];
  });
