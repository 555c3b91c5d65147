/** What would Firebreak have done? Decides from the finding alone and touches nothing. */

import { isFirebreakError } from '../core/errors.ts';
import { type Finding, parseFinding } from '../core/finding/finding.ts';
import type { DecisionKind } from '../core/incident/incident.ts';
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

/** What the finding names and the answer leaves: the same words that card and page show. */
const leftOver = ({ unhandled, residual }: Exclude<Choice, { none: string }>): readonly string[] => [
  ...unhandled.map((what) => `not handled: ${what}`),
  ...residual.filter((risk) => !unhandled.includes(risk)).map((risk) => `remaining risk: ${risk}`),
];

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
  const chosen = 'none' in choice ? undefined : choice;
  const decision = decideAlone(policy, finding, choice);
  const acts = decision.kind === 'ask' || decision.kind === 'auto';
  return {
    index,
    id: finding.id,
    type: finding.type,
    severity: finding.severity,
    account: finding.account,
    region: finding.region,
    target: chosen?.display ?? finding.instance?.instanceId ?? finding.accessKey?.principalId ?? null,
    playbook: chosen?.id ?? null,
    decision: decision.kind,
    reasons: [
      ...decision.reasons,
      ...('none' in choice
        ? decision.reasons.includes(choice.none)
          ? []
          : [choice.none]
        : leftOver(choice)),
      ...lacks,
      ...(acts ? [NOT_READ] : []),
    ],
  };
}
