/**
 * What is known to fail, each with its date and one trial that shows it. `npm run test:faults` passes over it, and sample.test.ts
 * fails once the trial no longer does: then the entry goes.
 */
import type { Failed, Trial } from './harness.ts';

interface Known extends Pick<Failed, 'kind'> {
  /** Day it was found. */
  readonly since: string;
  /** What goes wrong, and what would end it. */
  readonly why: string;
  /** Part of the violation's text. */
  readonly says: string;
  /** One trial that shows it. Others of its playbook, phase and fault fail in the same way. */
  readonly shown: Trial;
}

export const KNOWN: readonly Known[] = [
  {
    since: '2026-11-30',
    kind: 'untrue',
    why: 'an IP set that the plan could not read is left out and named as remaining risk: only what explains a difference is missing here',
    says: 'but the account is not as an undisturbed containment leaves it',
    shown: {
      ...{ playbook: 'block-indicator', phase: 'contain', fault: 'deny' },
      at: 'enrich WAFV2:GetIPSet #2',
    },
  },
  {
    since: '2026-12-01',
    kind: 'untrue',
    why: 'the policy of denied users that may not be read is left out and named as remaining risk, and keeps the permission set from nothing: only what explains a difference is missing here',
    says: 'but the account is not as an undisturbed containment leaves it',
    shown: {
      ...{ playbook: 'revoke-sso-sessions', phase: 'contain', fault: 'deny' },
      at: 'contain Organizations:ListPolicies #1',
    },
  },
];

export const matches = ({ kind, says, shown }: Known, failed: Failed): boolean =>
  failed.kind === kind &&
  failed.fault === shown.fault &&
  failed.phase === shown.phase &&
  failed.trial.startsWith(`${shown.playbook} `) &&
  failed.text.includes(says);

export const isKnown = (failed: Failed): boolean => KNOWN.some((known) => matches(known, failed));
