/** What would Firebreak have done? Decides from the finding alone and touches nothing. */

import { isFirebreakError } from '../core/errors.ts';
import { type Finding, parseFinding } from '../core/finding/finding.ts';
import type { Decision, DecisionKind } from '../core/incident/incident.ts';
import { decideAlone } from '../core/policy/backtest.ts';
import type { Policy } from '../core/policy/policy.ts';
import type { Choice } from '../playbooks/index.ts';

interface FindingLine {
  readonly index: number;
  readonly id: string;
  readonly type: string;
  readonly severity: number;
  readonly account: string;
  readonly region: string;
  readonly target: string | null;
  readonly playbook: string | null;
  readonly decision: DecisionKind;
  readonly reasons: readonly string[];
}
export type ReplayLine = FindingLine | { readonly index: number; readonly error: string };

const NOT_READ =
  'replay reads nothing: exemption tags, blast radius, circuit breaker and the kill switch in the table were not asked';

export function replayLine(
  index: number,
  raw: unknown,
  policy: Policy,
  choose: (finding: Finding) => Choice,
  lacks: readonly string[] = [],
): ReplayLine {
  let finding: Finding;
  try {
    finding = parseFinding(raw);
  } catch (error) {
    if (!isFirebreakError(error, 'FindingInvalid')) throw error;
    return { index, error: error.message };
  }
  const choice = choose(finding);
  const decision = decideAlone(policy, finding, choice);
  const none = 'none' in choice;
  return {
    index,
    id: finding.id,
    type: finding.type,
    severity: finding.severity,
    account: finding.account,
    region: finding.region,
    target:
      (none ? undefined : choice.display) ??
      finding.instance?.instanceId ??
      finding.accessKey?.principalId ??
      null,
    playbook: none ? null : choice.id,
    decision: decision.kind,
    reasons: reasonsOf(decision, choice, lacks),
  };
}

function reasonsOf({ kind, reasons }: Decision, choice: Choice, lacks: readonly string[]): readonly string[] {
  const all = [...reasons];
  if ('none' in choice) {
    if (!reasons.includes(choice.none)) all.push(choice.none);
  } else {
    // What the finding names and the answer leaves: the same words that card and page show.
    const { unhandled, residual } = choice;
    for (const what of unhandled) all.push(`not handled: ${what}`);
    for (const risk of residual) if (!unhandled.includes(risk)) all.push(`remaining risk: ${risk}`);
  }
  for (const what of lacks) all.push(what);
  if (kind === 'ask' || kind === 'auto') all.push(NOT_READ);
  return all;
}
