/** One decision wins: who may decide, counted once each, recorded by a conditional write, then sent to the workflow. */
import type { ApprovalView, Incident } from './incident.ts';

export interface DecideRequest {
  /** Opaque id carried by the button. */
  readonly decisionId: string;
  readonly outcome: 'approved' | 'denied';
  /** Slack user id, or `cli:NAME` in the sandbox. Already authenticated and authorised by the caller. */
  readonly by: string;
  readonly reason?: string | undefined;
  readonly at: Date;
}

export type DecideResult =
  /** This click decided; the workflow was told (or sweep will tell it). */
  | { readonly kind: 'recorded'; readonly incident: Incident; readonly approval: ApprovalView }
  /** The first of two approvals needed. */
  | { readonly kind: 'counted'; readonly incident: Incident; readonly approval: ApprovalView }
  /** Somebody, or the clock, decided before: `approval` shows the true outcome. */
  | { readonly kind: 'closed'; readonly incident: Incident; readonly approval: ApprovalView }
  /** This person may not decide this one (e.g. asked for the undo themselves, or approved already). */
  | { readonly kind: 'refused'; readonly incident: Incident; readonly reason: string }
  | { readonly kind: 'unknown' };
