/** A decision on its way down: gates lower it and say why; nothing raises it again. */
import type { Decision, DecisionKind } from '../incident/incident.ts';

const ORDER: readonly DecisionKind[] = ['record', 'notify', 'ask', 'auto'];

/** A decision on its way down: it never goes up. */
export class Lowering {
  kind: DecisionKind;
  page: boolean;
  /** A safety gate lowered it, so that silence must not contain. */
  gated = false;
  /** One person is not enough: an exempt target, or a blast radius over the limit. */
  second = false;
  readonly reasons: string[];
  readonly #from: Decision;

  constructor(from: Decision) {
    this.#from = from;
    this.kind = from.kind;
    this.page = from.page;
    this.reasons = [...from.reasons];
  }
  /** Returns the decision as it now stands. */
  decision(): Decision {
    const { kind, page, reasons } = this;
    return {
      ...this.#from,
      kind,
      page,
      reasons,
      expiry: this.gated ? 'escalate' : this.#from.expiry,
      approvals: this.second ? 2 : this.#from.approvals,
    };
  }
  get acts(): boolean {
    return this.kind === 'ask' || this.kind === 'auto';
  }
  /** Several targets may have one reason: it is said once. */
  because(reason: string): void {
    if (!this.reasons.includes(reason)) this.reasons.push(reason);
  }
  to(kind: DecisionKind, reason: string): boolean {
    if (ORDER.indexOf(kind) >= ORDER.indexOf(this.kind)) return false;
    this.kind = kind;
    this.because(reason);
    return true;
  }
  /** Like `to`, and an ask stays an ask that silence does not turn into a containment. */
  gate(kind: DecisionKind, reason: string): boolean {
    this.gated = true;
    const changed = this.to(kind, reason);
    if (!changed) this.because(reason);
    return changed;
  }
}
