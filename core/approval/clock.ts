/**
 * The clock of an open approval: a reminder at half time, escalation, and policy's expiry, which the workflow's own
 * timeout brings. Every minute `sweep` asks what is due; nothing waits for ever, whatever became of the workflow.
 */
import type { SeverityLabel } from '../finding/finding.ts';
import type { ApprovalView } from '../incident/incident.ts';

export type Due = 'remind' | 'escalate' | 'overdue';

/** The workflow ends the approval itself; only where it did not (it was stopped) the sweep does. */
const OVERDUE_MS = 5 * 60_000;

/** When to remind and escalate: high and critical go to the second tier at half time, others at three quarters. */
export function clockOf(
  requestedAt: Date,
  timeoutSeconds: number,
  label: SeverityLabel,
): Pick<ApprovalView, 'requestedAt' | 'expiresAt' | 'remindAt' | 'escalateAt'> {
  const at = (share: number) => new Date(requestedAt.getTime() + timeoutSeconds * 1000 * share).toISOString();
  const urgent = label === 'high' || label === 'critical';
  return {
    requestedAt: requestedAt.toISOString(),
    expiresAt: at(1),
    remindAt: at(0.5),
    escalateAt: at(urgent ? 0.5 : 0.75),
  };
}

/** Seconds until the approval expires, one at least: Step Functions takes no timeout of none. */
export const secondsLeft = ({ expiresAt }: ApprovalView, now: Date): number =>
  Math.max(1, Math.ceil((Date.parse(expiresAt) - now.getTime()) / 1000));

const overdueAt = ({ expiresAt }: ApprovalView): string =>
  new Date(Date.parse(expiresAt) + OVERDUE_MS).toISOString();

/** ISO 8601 of the next thing that will be due. */
export function nextLook(view: ApprovalView): string {
  // The one that it joined is reminded of and escalated.
  if (view.joined !== undefined) return overdueAt(view);
  const times = [
    ...(view.remindedAt === undefined ? [view.remindAt] : []),
    ...(view.escalatedAt === undefined ? [view.escalateAt] : []),
    overdueAt(view),
  ];
  return times.sort()[0] ?? overdueAt(view);
}

/** What is due now, the weightiest first; an escalation reminds as well. */
export function dueNow(view: ApprovalView, now: Date): Due | undefined {
  const at = now.toISOString();
  if (view.outcome !== undefined) return undefined;
  if (overdueAt(view) <= at) return 'overdue';
  if (view.joined !== undefined) return undefined;
  if (view.escalatedAt === undefined && view.escalateAt <= at) return 'escalate';
  if (view.remindedAt === undefined && view.remindAt <= at) return 'remind';
  return undefined;
}

/** The approval once that was done. */
export function done(view: ApprovalView, what: Exclude<Due, 'overdue'>, now: Date): ApprovalView {
  const at = now.toISOString();
  switch (what) {
    case 'remind':
      return { ...view, remindedAt: at };
    case 'escalate':
      return { ...view, escalatedAt: at, ...(view.remindAt <= at ? { remindedAt: at } : {}) };
  }
}

/**
 * Puts the next reminder off. Escalation and expiry stay where policy put them: one person's snooze must not keep others
 * from being called. Undefined when too little time is left.
 */
export function snoozed(
  view: ApprovalView,
  minutes: number,
  by: string,
  now: Date,
): ApprovalView | undefined {
  const last = Date.parse(view.expiresAt) - 60_000;
  const until = Math.min(now.getTime() + minutes * 60_000, last);
  if (until <= now.getTime()) return undefined;
  const { remindedAt: _again, ...rest } = view;
  const remindAt = new Date(until).toISOString();
  return { ...rest, remindAt, snoozed: { by, until: remindAt } };
}
