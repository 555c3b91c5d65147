/**
 * What a policy decides about a finding on its own, and where two policies differ. Reads and changes nothing: gates that
 * need live state (exemption tags, blast radius, circuit breaker, the kill switch in the table) are not asked.
 */

import { exampleOf } from '../finding/example.ts';
import type { Finding, SeverityLabel } from '../finding/finding.ts';
import type { Decision, DecisionKind } from '../incident/incident.ts';
import type { Target } from '../journal/playbook.ts';
import type { GateFacts, Policy } from './policy.ts';

/** What the registry answers, as far as deciding needs it; `playbooks/index.ts` gives it. */
export type Answer =
  | {
      readonly id: string;
      readonly kind: string;
      readonly display: string;
      readonly parts: readonly { readonly playbook: { readonly id: string }; readonly target: Target }[];
    }
  | { readonly none: string };

/** Any moment will do: no gate that can be evaluated here looks at the clock. */
const NOW = new Date(0);

/** The decision from the finding alone. */
export function decideAlone(policy: Policy, finding: Finding, answer: Answer): Decision {
  return policy.decide(finding, {
    now: NOW,
    playbook: 'none' in answer ? answer : { id: answer.id, kind: answer.kind },
    parts:
      'none' in answer
        ? undefined
        : answer.parts.map(({ playbook, target }) => ({ playbook: playbook.id, display: target.display })),
  });
}

export interface BacktestLine {
  readonly finding: Finding;
  readonly answer: Answer;
  readonly before: Decision;
  readonly after: Decision;
  /** Something a person would notice differs: the decision, its expiry, people needed, paging or follow-ups. */
  readonly changed: boolean;
}

/**
 * One past finding under the policy of today and the changed one. With `facts`, what was known when it was decided (the
 * plans with blast radius and tags), the gates that look at live state count as they did.
 */
export function backtest(
  policies: { readonly before: Policy; readonly after: Policy },
  finding: Finding,
  answer: Answer,
  facts?: GateFacts,
): BacktestLine {
  const decide = (policy: Policy) =>
    facts ? policy.decide(finding, facts) : decideAlone(policy, finding, answer);
  const [before, after] = [decide(policies.before), decide(policies.after)];
  return { finding, answer, before, after, changed: effectOf(before) !== effectOf(after) };
}

const ORDER: readonly DecisionKind[] = ['record', 'notify', 'ask', 'auto'];

/** raised: more would be done · lowered: less · other: the same kind on other terms · same: no one would notice. */
export function directionOf({
  before,
  after,
  changed,
}: BacktestLine): 'raised' | 'lowered' | 'other' | 'same' {
  const step = ORDER.indexOf(after.kind) - ORDER.indexOf(before.kind);
  if (step !== 0) return step > 0 ? 'raised' : 'lowered';
  return changed ? 'other' : 'same';
}

const LABELS: readonly SeverityLabel[] = ['low', 'medium', 'high', 'critical'];

export interface PolicyDifference {
  readonly type: string;
  readonly label: SeverityLabel;
  readonly before: Decision;
  readonly after: Decision;
}

/**
 * Where two policies decide differently over these finding types at every severity. The findings are bare examples: rules
 * that look at account, Region, tags or the resource's role are seen by a backtest over real findings only.
 */
export function policyDifferences(
  policies: { readonly before: Policy; readonly after: Policy },
  types: readonly string[],
  answerOf: (type: string) => { readonly id: string; readonly kind: string } | { readonly none: string },
): readonly PolicyDifference[] {
  return types.flatMap((type) =>
    LABELS.flatMap((label) => {
      const finding = exampleOf(type, label);
      const facts = { now: NOW, playbook: answerOf(type) };
      const before = policies.before.decide(finding, facts);
      const after = policies.after.decide(finding, facts);
      return effectOf(before) === effectOf(after) ? [] : [{ type, label, before, after }];
    }),
  );
}

/** What a person would notice of a decision; which rule made it and its words are none of that. */
const effectOf = ({ kind, expiry, approvals, page, followUps, approvalTimeoutSeconds }: Decision): string =>
  JSON.stringify(
    kind === 'ask'
      ? [kind, page, followUps, approvals, expiry, approvalTimeoutSeconds]
      : [kind, page, kind === 'auto' ? followUps : []],
  );

/** `ask, 2 people, within 30 min, then contain, page`: the effect in words. */
export function effectInWords(decision: Decision): string {
  const { kind, approvals, expiry, page, followUps, approvalTimeoutSeconds } = decision;
  const acts = kind === 'ask' || kind === 'auto';
  return [
    kind,
    ...(kind === 'ask' && approvals > 1 ? [`${approvals} people`] : []),
    ...(kind === 'ask' ? [`within ${Math.round(approvalTimeoutSeconds / 60)} min`, `then ${expiry}`] : []),
    ...(page ? ['page'] : []),
    ...(acts && followUps.length > 0 ? [`follow-up ${followUps.join(', ')}`] : []),
  ].join(', ');
}
